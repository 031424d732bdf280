//! Streams whose clock is not the engine's.

use std::time::Duration;

use lambda_esm_core::fault::{InvokeError, SourceErrorKind};
use lambda_esm_engine::memory::{MemoryStreamOptions, StreamCall};
use serde_json::json;
use tokio::time::sleep;

use crate::support::World;

/// Streams like DynamoDB's, with clocks that are right, behind and ahead, and cut to the second or the minute.
fn worlds() -> impl Iterator<Item = World> {
    let clocks = [0, -4, -20, -3_600, 4, 20, 3_600];
    clocks.into_iter().flat_map(|seconds| {
        [1, 60].map(|grain| {
            let options =
                MemoryStreamOptions::kinesis().with_arrival_grain(Duration::from_secs(grain));
            World::beside(seconds, options)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn latest_misses_nothing_and_repeats_nothing() {
    for world in worlds() {
        world.stream.put("key", "too early").unwrap();
        sleep(Duration::from_secs(150)).await;
        let engine = world.engine();
        let latest = json!({ "StartingPosition": "LATEST" });
        world.create(&engine, latest).await;
        sleep(Duration::from_secs(3)).await;
        // Nothing was read yet: the place is looked up by time.
        world
            .stream
            .fail_next(StreamCall::Fetch, 1, SourceErrorKind::Expired);
        sleep(Duration::from_secs(3)).await;
        drop(engine);
        world.stream.put("key", "0").unwrap();
        sleep(Duration::from_secs(3)).await;
        let engine = world.engine();
        engine.start(Vec::new()).await.unwrap();
        for number in 1..15 {
            sleep(Duration::from_secs(5)).await;
            world.stream.put("key", number.to_string()).unwrap();
        }
        sleep(Duration::from_secs(3)).await;
        let expected: Vec<_> = (0..15).map(|number| number.to_string()).collect();
        assert_eq!(world.seen(), expected);
        engine.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_passed_over_is_counted() {
    let world = World::beside(-240, MemoryStreamOptions::kinesis());
    world.stream.put("key", "too early").unwrap();
    sleep(Duration::from_secs(60)).await;
    let engine = world.engine();
    let latest = json!({ "StartingPosition": "LATEST" });
    world.create(&engine, latest).await;
    sleep(Duration::from_secs(3)).await;
    world
        .stream
        .fail_next(StreamCall::Fetch, 1, SourceErrorKind::Trimmed);
    sleep(Duration::from_secs(3)).await;
    world.stream.put("key", "new").unwrap();
    world.until_seen(1).await;
    assert_eq!(world.seen(), ["new"]);
    let metrics = engine.metrics().render();
    let counter = |line: &&str| line.starts_with("aws_lambda_PassedOverEventCount_total{");
    let line = metrics.lines().find(counter).unwrap();
    assert!(line.ends_with(" 1"), "{line}");
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_record_is_tried_before_it_is_too_old() {
    for world in worlds() {
        let world = world.answering(|_| Err(InvokeError::function("no")));
        let engine = world.engine();
        let age = json!({ "MaximumRecordAgeInSeconds": 60 });
        world.create(&engine, age).await;
        sleep(Duration::from_millis(1_500)).await;
        world.stream.put("key", "data").unwrap();
        sleep(Duration::from_secs(125)).await;
        let tries = world.seen().len();
        assert!((7..=11).contains(&tries), "{tries} tries");
        let metrics = engine.metrics().render();
        let counter = |line: &&str| line.starts_with("aws_lambda_DroppedEventCount_total{");
        let line = metrics.lines().find(counter).unwrap();
        assert!(line.ends_with(" 1"), "{line}");
        engine.shutdown().await;
    }
}
