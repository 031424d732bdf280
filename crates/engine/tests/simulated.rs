//! What a simulated function can do, for every kind of source, with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::record::DynamoDbRecord;
use lambda_esm_engine::memory::{
    MemoryQueue, MemoryQueueOptions, MemoryStream, MemoryStreamOptions, SendMessage,
};
use lambda_esm_engine::ports::{InvokeBackend as _, InvokeRequest};
use lambda_esm_engine::simulated::{Behaviour, Runtime, Simulated};
use lambda_esm_engine::{Clock, Engine, Heard};
use serde_json::{Value, json};

/// Every kind of source that can be read, and windows, in which a function has more to say.
const SOURCES: [&str; 6] = [
    "queue",
    "fifo",
    "kinesis",
    "dynamodb",
    "kinesis-window",
    "dynamodb-window",
];
const RECORDS: usize = 40;

/// What became of [`RECORDS`] records within ten minutes.
#[derive(Default)]
struct Run {
    decisions: Vec<Decision>,
    /// Until everything that was to happen had happened.
    took: Duration,
}

impl Run {
    fn count(&self, is: impl Fn(&Decision) -> bool) -> usize {
        self.decisions
            .iter()
            .filter(|decision| is(decision))
            .count()
    }

    fn succeeded(&self) -> usize {
        let records = |decision: &Decision| match decision {
            Decision::Succeeded { records, .. } => *records,
            Decision::PartiallyFailed {
                records, failed, ..
            } => records - failed,
            Decision::PartlyProcessed { processed, .. } => *processed,
            _ => 0,
        };
        self.decisions.iter().map(records).sum()
    }

    fn failed(&self) -> usize {
        self.count(|decision| {
            matches!(
                decision,
                Decision::Failed { .. } | Decision::AttemptFailed { .. }
            )
        })
    }

    fn failed_in_part(&self) -> usize {
        self.count(|decision| {
            matches!(
                decision,
                Decision::PartiallyFailed { .. } | Decision::PartlyProcessed { .. }
            )
        })
    }

    fn deferred(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Deferred { .. }))
    }
}

async fn run(source: &str, behaviour: Behaviour) -> Run {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let builder = Engine::builder()
        .clock(clock)
        .invoke(Simulated::new(behaviour));
    let mut request = json!({
        "FunctionName": "f",
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    if source.ends_with("-window") {
        request["TumblingWindowInSeconds"] = json!(10);
    }
    let builder = match source {
        "queue" | "fifo" => {
            let fifo = source == "fifo";
            let name = if fifo { "orders.fifo" } else { "orders" };
            request["EventSourceArn"] = json!(format!("arn:aws:sqs:us-east-1:000000000000:{name}"));
            let options = MemoryQueueOptions::default().with_fifo(fifo);
            let queue = MemoryQueue::new(clock, options);
            for n in 0..RECORDS {
                let message = SendMessage::new(n.to_string());
                let message = if fifo {
                    message.in_group((n % 4).to_string())
                } else {
                    message
                };
                queue.send(message).unwrap();
            }
            builder.source(name, queue)
        }
        _ => {
            request["StartingPosition"] = json!("TRIM_HORIZON");
            let kinesis = source.starts_with("kinesis");
            request["EventSourceArn"] = json!(if kinesis {
                "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
            } else {
                "arn:aws:dynamodb:us-east-1:000000000000:table/clicks/stream/2024-06-10T19:26:16.525"
            });
            let options = if kinesis {
                MemoryStreamOptions::kinesis()
            } else {
                MemoryStreamOptions::dynamo_db()
            };
            let stream = MemoryStream::new(clock, options);
            for n in 0..RECORDS {
                if kinesis {
                    stream.put("key", n.to_string()).unwrap();
                } else {
                    stream.put_change(changed(n)).unwrap();
                }
            }
            builder.stream("clicks", stream)
        }
    };
    let engine = builder.build();
    let mut events = engine.events();
    let begun = tokio::time::Instant::now();
    engine
        .create(serde_json::from_value(request).unwrap())
        .await
        .unwrap();
    let mut run = Run::default();
    let limit = begun + Duration::from_secs(600);
    while let Ok(Some(heard)) = tokio::time::timeout_at(limit, events.next()).await {
        let Heard::Event(event) = heard else {
            panic!("{heard:?}");
        };
        run.decisions.push(event.decision);
        if run.succeeded() >= RECORDS {
            run.took = begun.elapsed();
            break;
        }
    }
    run
}

fn changed(n: usize) -> DynamoDbRecord {
    let keys = json!({ "id": { "N": n.to_string() } }).to_string();
    DynamoDbRecord::new(n.to_string(), "INSERT", &keys).with_new_image(Some(keys))
}

#[tokio::test(start_paused = true)]
async fn every_parameter_of_a_simulated_function_is_honoured_for_every_source() {
    let always = Behaviour::default();
    for source in SOURCES {
        let plain = run(source, always).await;
        assert!(
            plain.succeeded() >= RECORDS,
            "{source}: {:?}",
            plain.decisions
        );
        let troubles = plain.failed() + plain.failed_in_part() + plain.deferred();
        assert_eq!(troubles, 0, "{source}: {:?}", plain.decisions);

        let runtime = Runtime::Constant(Duration::from_secs(20));
        let slow = run(source, always.with_runtime(runtime)).await;
        assert!(
            slow.succeeded() >= RECORDS && slow.took.as_secs() >= 20,
            "{source}: {:?}",
            slow.took
        );

        // 4 batches, which queues and shards with several lanes would send side by side.
        let one = always.with_runtime(runtime).with_concurrency(Some(1));
        let one = run(source, one).await;
        assert!(
            one.succeeded() >= RECORDS && one.took.as_secs() >= 80,
            "{source}: {:?}",
            one.took
        );

        let failing = run(source, always.with_error_rate(1.0)).await;
        assert_eq!(
            (failing.succeeded(), failing.deferred()),
            (0, 0),
            "{source}"
        );
        assert!(failing.failed() > 3, "{source}");

        let throttled = run(source, always.with_throttle_rate(1.0)).await;
        assert_eq!(
            (throttled.succeeded(), throttled.failed()),
            (0, 0),
            "{source}"
        );
        assert!(throttled.deferred() > 3, "{source}");

        let records = always.with_record_error_rate(0.2);
        let records = run(source, records).await;
        assert!(
            records.failed_in_part() > 0,
            "{source}: {:?}",
            records.decisions
        );
        assert!(
            records.succeeded() >= RECORDS,
            "{source}: {:?}",
            records.decisions
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_failures() {
    let outcomes = |seed: u64| async move {
        let function = Simulated::new(Behaviour::default().with_error_rate(0.5).with_seed(seed));
        let mut outcomes = Vec::new();
        for _ in 0..64 {
            let request = InvokeRequest::new(
                FunctionRef::parse("f").unwrap(),
                Bytes::from_static(b"{\"Records\":[]}"),
            );
            let result = function.invoke(request).await;
            outcomes.push(result.map_err(|error| error.kind).err());
        }
        outcomes
    };
    assert_eq!(outcomes(1).await, outcomes(1).await);
    assert_ne!(outcomes(1).await, outcomes(2).await);
    assert!(outcomes(1).await.contains(&Some(InvokeErrorKind::Function)));
}

#[tokio::test]
async fn a_window_gets_its_state_back_as_it_was() {
    let function = Simulated::new(Behaviour::default());
    let event = concat!(
        r#"{"Records":[],"window":{"start":"a","end":"b"},"state":{"n": 1.50},"shardId":"s","#,
        r#""eventSourceARN":"x","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}"#,
    );
    let request = InvokeRequest::new(
        FunctionRef::parse("f").unwrap(),
        Bytes::from_static(event.as_bytes()),
    );
    let response = function.invoke(request).await.unwrap().payload;
    assert_eq!(response, r#"{"batchItemFailures":[],"state":{"n": 1.50}}"#);
    let _: Value = serde_json::from_slice(&response).unwrap();
}
