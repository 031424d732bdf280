//! Several batches of one shard at a time, and the order of each key kept.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_tests::streams::{Call, Lab, Streams, pending, records};
use serde_json::{Value, json};

const FACTOR: usize = 10;
const KEYS: usize = 1_000;
const RECORDS: usize = 10_000;
const BATCH: usize = 10;

/// Returns the most invocations that ran at one moment.
fn most_at_once<'a>(calls: impl Iterator<Item = &'a Call>) -> i32 {
    let mut turns: Vec<_> = calls
        .flat_map(|call| [(call.started, 1), (call.ended.unwrap(), -1)])
        .collect();
    // An end comes before a start of the same moment.
    turns.sort_unstable();
    let running = turns.iter().scan(0, |running, (_, turn)| {
        *running += turn;
        Some(*running)
    });
    running.max().unwrap_or_default()
}

fn shard(call: &Call) -> String {
    let shards: std::collections::BTreeSet<_> = records(&call.event)
        .map(|record| record.shard().unwrap_or("the only one").to_owned())
        .collect();
    assert_eq!(shards.len(), 1, "a batch is of one shard");
    shards.into_iter().next().unwrap()
}

async fn ten_batches_of_a_shard_run_at_once_and_each_key_keeps_its_order(streams: Streams) {
    let shards = if streams.is_dynamodb() { 1 } else { 2 };
    let stream = streams.stream("lanes", shards).await;
    let value = |number: usize| (format!("key-{}", number % KEYS), json!(number));
    let values: Vec<_> = (0..RECORDS).map(value).collect();
    stream.put_in_order(&values).await;
    let lab = Lab::new(streams.engine());
    let script = pending(|_| async {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..30))).await;
        Ok("null".into())
    });
    let members = json!({ "BatchSize": BATCH, "ParallelizationFactor": FACTOR });
    let row = lab.map(&stream, &members, script).await;
    row.until_records(RECORDS).await;
    row.until_settled(RECORDS).await;
    lab.engine.shutdown().await;

    let calls = row.calls();
    let mut by_shard: BTreeMap<String, Vec<&Call>> = BTreeMap::new();
    for call in &calls {
        by_shard.entry(shard(call)).or_default().push(call);
    }
    assert_eq!(by_shard.len(), shards);
    for (shard, calls) in by_shard {
        let most = most_at_once(calls.into_iter());
        println!("{}: {most} at once in {shard}", streams.what);
        assert_eq!(most, i32::try_from(FACTOR).unwrap());
    }
    check_order(&calls);
}

/// Checks that each key's records came once and in their order, a batch with a later one after the end of the
/// batch with the one before.
fn check_order(calls: &[Call]) {
    let mut keys: BTreeMap<String, (Option<&Call>, Vec<Value>)> = BTreeMap::new();
    for call in calls {
        for record in records(&call.event) {
            let (before, values) = keys.entry(record.key().to_owned()).or_default();
            if let Some(before) = before.replace(call)
                && before.started != call.started
            {
                assert!(before.ended.unwrap() <= call.started, "{}", record.key());
            }
            values.push(record.value());
        }
    }
    assert_eq!(keys.len(), KEYS);
    for (key, (_, values)) in keys {
        let number: usize = key.strip_prefix("key-").unwrap().parse().unwrap();
        let expected: Vec<Value> = (number..RECORDS).step_by(KEYS).map(|n| json!(n)).collect();
        assert_eq!(values, expected, "{key}");
    }
}

// kinesis-local takes a minute to write and read ten thousand records of two shards.

on_servers! {
    ministack_kinesis: ten_batches_of_a_shard_run_at_once_and_each_key_keeps_its_order;
    dynamodb_local: ten_batches_of_a_shard_run_at_once_and_each_key_keeps_its_order;
    ministack_dynamodb: ten_batches_of_a_shard_run_at_once_and_each_key_keeps_its_order;
}
