//! The metrics of Kafka mappings.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, SourceErrorKind};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryTopic, MemoryTopicOptions, NewRecord, TopicCall};
use lambda_esm_engine::{Clock, Engine, EngineBuilder};
use serde_json::json;

/// Returns a topic of two partitions, with five records in one and three in the other, and an engine that has it.
fn scene() -> (MemoryTopic, EngineBuilder) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let options = MemoryTopicOptions::default().with_partitions(2);
    let topic = MemoryTopic::new(clock, "orders", options);
    for (partition, records) in [(0, 5), (1, 3)] {
        for _ in 0..records {
            let record = NewRecord::new("x").with_partition(Some(partition));
            topic.put(record).unwrap();
        }
    }
    let engine = Engine::builder()
        .clock(clock)
        .topic("orders", topic.clone());
    (topic, engine)
}

async fn create(engine: &Engine) {
    let mapping = json!({
        "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": ["broker:9092"] } },
        "SourceAccessConfigurations": [],
        "Topics": ["orders"],
        "FunctionName": "count",
        "StartingPosition": "TRIM_HORIZON",
    });
    let mapping = serde_json::from_value(mapping).unwrap();
    engine.create(mapping).await.unwrap();
}

/// Returns the one sample of a metric; `None` if it has none.
fn sample(engine: &Engine, name: &str) -> Option<u64> {
    let page = engine.metrics().render();
    let begins = format!("aws_lambda_{name}{{");
    let mut samples = page.lines().filter(|line| line.starts_with(&begins));
    let value = samples.next()?.rsplit(' ').next().unwrap();
    assert_eq!(samples.next(), None, "there is one mapping");
    Some(value.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_error_of_a_topic_is_counted_under_its_name() {
    let (topic, engine) = scene();
    topic.fail_next(TopicCall::Fetch, 1, SourceErrorKind::Transient);
    topic.fail_next(TopicCall::Fetch, 1, SourceErrorKind::SchemaRegistry);
    topic.fail_next(TopicCall::Commit, 1, SourceErrorKind::Transient);
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let engine = engine
        .invoke(Closure::new(move |_| {
            let is_first = seen.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                match is_first {
                    true => Err(InvokeError::function("not now")),
                    false => Ok("null".into()),
                }
            }
        }))
        .build();
    create(&engine).await;
    // The longest wait is that between tries of the function: under a second for the first.
    tokio::time::sleep(Duration::from_secs(60)).await;
    for (name, value) in [
        ("PolledEventCount_total", 8),
        ("CommittedEventCount_total", 8),
        ("PollingErrorCount_total", 1),
        ("SchemaRegistryErrorCount_total", 1),
        ("CommitErrorCount_total", 1),
        ("InvokeErrorCount_total", 1),
        ("OnFailureDestinationDeliveryErrorCount_total", 0),
        ("DroppedEventCount_total", 0),
        ("OffsetLag", 0),
        ("MaxOffsetLag", 0),
    ] {
        assert_eq!(sample(&engine, name), Some(value), "{name}");
    }
    let counts = engine.status()[0].counts;
    assert_eq!(
        (counts.committed_event_count, counts.commit_error_count),
        (8, 1)
    );
    for of_others in ["DeletedEventCount_total", "IteratorAge"] {
        assert_eq!(sample(&engine, of_others), None, "{of_others}");
    }
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_offset_lag_is_shown_from_when_it_is_known() {
    let (topic, engine) = scene();
    let engine = engine
        .invoke(Closure::new(|_| async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok("null".into())
        }))
        .build();
    topic.fail_next(TopicCall::Watermarks, 3, SourceErrorKind::Transient);
    create(&engine).await;
    let lags = |engine: &Engine| {
        ["OffsetLag", "SumOffsetLag", "MaxOffsetLag"].map(|name| sample(engine, name))
    };
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(lags(&engine), [None; 3]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(lags(&engine), [Some(8), Some(8), Some(5)]);
    let activity = engine.status()[0].activity.clone();
    let shown = (activity.sum_offset_lag, activity.max_offset_lag);
    assert_eq!(shown, (Some(8), Some(5)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(lags(&engine), [Some(0); 3]);
    engine.shutdown().await;
}
