//! Records that make a function fail, among ten thousand that do not: batches are split until the failing
//! records are alone, and nothing else is lost or repeated.

use std::collections::BTreeSet;
use std::ops::Range;

use lambda_esm::fault::InvokeError;
use lambda_esm_tests::streams::{
    Document, Known, Lab, Mailbox, Office, Response, Row, Stream, Streams, answering, values,
};
use serde_json::{Value, json};

const RECORDS: usize = 10_000;
const BATCH: usize = 1_000;
const RETRIES: usize = 3;
const SEEDS: [u64; 3] = [1, 2, 3];

/// What a splitting mapping does with one batch, worked out from the rules alone.
#[derive(Debug, Default)]
struct Prediction {
    /// How often the function is invoked.
    invocations: usize,
    /// Which records are given up together, and what is told of them as `approximateInvokeCount`.
    discarded: Vec<(Range<usize>, usize)>,
}

impl Prediction {
    /// Splits at the middle, the left half first. A half inherits the invocations that its records had.
    fn walk(&mut self, records: Range<usize>, before: usize, poison: &BTreeSet<usize>) {
        let fails = poison.range(records.clone()).next().is_some();
        if fails && records.len() == 1 {
            self.invocations += 1 + RETRIES;
            return self.discard(records, before + 1 + RETRIES);
        }
        self.invocations += 1;
        if fails {
            let middle = records.start + records.len() / 2;
            self.walk(records.start..middle, before + 1, poison);
            self.walk(middle..records.end, before + 1, poison);
        }
    }

    /// Neighbours are told of together: between them no invocation succeeded.
    fn discard(&mut self, records: Range<usize>, invokes: usize) {
        match self.discarded.last_mut() {
            Some((last, most)) if last.end == records.start => {
                last.end = records.end;
                *most = invokes.max(*most);
            }
            _ => self.discarded.push((records, invokes)),
        }
    }
}

fn predict(poison: &BTreeSet<usize>) -> Prediction {
    let mut all = Prediction::default();
    for start in (0..RECORDS).step_by(BATCH) {
        let mut batch = Prediction::default();
        batch.walk(start..start + BATCH, 0, poison);
        all.invocations += batch.invocations;
        all.discarded.extend(batch.discarded);
    }
    all
}

/// Returns one record at random, neighbours within a batch, and neighbours in two batches.
fn choose(seed: u64) -> BTreeSet<usize> {
    let mut random = fastrand::Rng::with_seed(seed);
    let single = random.usize(0..RECORDS);
    let pair = random.usize(0..RECORDS - 1);
    let edge = random.usize(1..RECORDS / BATCH) * BATCH;
    BTreeSet::from([single, pair, pair + 1, edge - 1, edge])
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

async fn check(row: &Row, mailbox: &Mailbox, stream: &Stream, known: &[Known], seed: u64) {
    let poison = choose(seed);
    let predicted = predict(&poison);
    let letters = mailbox.until(predicted.discarded.len()).await;
    row.until_settled(RECORDS).await;
    let calls = row.calls();
    println!(
        "seed {seed}: {poison:?}, {} invocations, {} documents",
        calls.len(),
        letters.len()
    );
    assert_eq!(calls.len(), predicted.invocations);
    let good = calls.iter().filter(|call| call.succeeded);
    let mut processed: Vec<usize> = good
        .flat_map(|call| values(&call.event))
        .map(|value| number(&value))
        .collect();
    let in_order = processed.is_sorted();
    processed.sort_unstable();
    let expected: Vec<usize> = (0..RECORDS).filter(|n| !poison.contains(n)).collect();
    assert!(processed == expected, "each good record once");
    assert!(in_order, "in their order");
    for (records, invokes) in &predicted.discarded {
        let first = &known[records.start].sequence;
        let letter = letters.iter().find(|letter| {
            let body: Value = serde_json::from_str(&letter.body).unwrap();
            let info = body.get("KinesisBatchInfo");
            let info = info.or_else(|| body.get("DDBStreamBatchInfo")).unwrap();
            info["startSequenceNumber"] == first.as_str()
        });
        let letter = letter.unwrap_or_else(|| panic!("nothing is told of {records:?}"));
        let document = Document {
            function: &row.function,
            condition: "RetryAttemptsExhausted",
            invokes: *invokes,
            response: Response::Unhandled,
            arn: stream.arn(),
            records: &known[records.clone()],
        };
        document.check(letter, row.uuid, None);
    }
    assert_eq!(letters.len(), predicted.discarded.len());
}

async fn poison_records_reach_the_destination_and_all_others_succeed_once(streams: Streams) {
    let Some(office) = Office::find() else { return };
    let stream = streams.stream("poison", 1).await;
    // A call to DynamoDB takes 25 items of different keys.
    let value = |number: usize| (format!("key-{}", number % 25), json!(number));
    let values: Vec<_> = (0..RECORDS).map(value).collect();
    stream.put_in_order(&values).await;
    let known = stream.read(RECORDS).await;
    let lab = Lab::new(streams.engine());
    let mut rows = Vec::new();
    for seed in SEEDS {
        let poison = choose(seed);
        let script = answering(move |event| {
            let mut values = lambda_esm_tests::streams::values(event).into_iter();
            if values.any(|value| poison.contains(&number(&value))) {
                return Err(InvokeError::function("poison"));
            }
            Ok("null".into())
        });
        let mailbox = office.queue().await;
        let members = json!({
            "BatchSize": BATCH,
            "MaximumBatchingWindowInSeconds": 300,
            "BisectBatchOnFunctionError": true,
            "MaximumRetryAttempts": RETRIES,
            "DestinationConfig": mailbox.config(),
        });
        rows.push((lab.map(&stream, &members, script).await, mailbox, seed));
    }
    for (row, mailbox, seed) in &rows {
        check(row, mailbox, &stream, &known, *seed).await;
    }
    lab.engine.shutdown().await;
    for (row, mailbox, seed) in &rows {
        assert_eq!(row.count(), predict(&choose(*seed)).invocations);
        let told = mailbox.letters().await.len();
        assert_eq!(told, predict(&choose(*seed)).discarded.len());
    }
}

on_servers! {
    ministack_kinesis: poison_records_reach_the_destination_and_all_others_succeed_once;
    ministack_dynamodb: poison_records_reach_the_destination_and_all_others_succeed_once;
}
