//! What an engine goes on with after it was stopped or killed.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::fault::{InvokeError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::memory::{MemoryStreamOptions, StreamCall};
use lambda_esm_engine::store::Store as _;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test(start_paused = true)]
async fn a_restarted_engine_goes_on_after_the_last_settled_record() {
    let world = World::new(MemoryStreamOptions::default());
    let engine = world.engine();
    world.create(&engine, json!({})).await;
    world.stream.put("key", "first").unwrap();
    world.until_seen(1).await;
    engine.shutdown().await;
    world.stream.put("key", "second").unwrap();
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    world.until_seen(2).await;
    assert_eq!(world.seen(), ["first", "second"]);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn latest_keeps_what_came_between_two_runs_though_nothing_was_read_before() {
    let world = World::new(MemoryStreamOptions::default());
    world.stream.put("key", "too early").unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let engine = world.engine();
    world
        .create(&engine, json!({ "StartingPosition": "LATEST" }))
        .await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(engine);
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.stream.put("key", "between").unwrap();
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    world.until_seen(1).await;
    assert_eq!(world.seen(), ["between"]);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_made_anew_is_read_from_its_oldest_record() {
    let world = World::new(MemoryStreamOptions::default());
    let engine = world.engine();
    world.create(&engine, json!({})).await;
    for number in 0..3 {
        world.stream.put("key", format!("old {number}")).unwrap();
    }
    world.until_seen(3).await;
    world.stream.recreate();
    world.stream.put("key", "new").unwrap();
    world.until_seen(4).await;
    assert_eq!(world.seen()[3], "new");
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_mapping_leaves_no_positions_behind() {
    use lambda_esm_engine::store::Store as _;
    let world = World::new(MemoryStreamOptions::default());
    let engine = world.engine();
    let mapping = world.create(&engine, json!({})).await;
    world.stream.put("key", "data").unwrap();
    world.until_seen(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let uuid = mapping.uuid.parse().unwrap();
    assert_eq!(world.store.checkpoints(uuid).await.unwrap().len(), 1);
    engine.delete(uuid).await.unwrap();
    engine.shutdown().await;
    assert_eq!(world.store.checkpoints(uuid).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn failure_records_of_one_mapping_never_share_a_request_id() {
    let world = World::new(MemoryStreamOptions::default())
        .answering(|_| Err(InvokeError::function("always")));
    let settings = json!({
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {
            "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:failed" }
        },
    });
    let mut engine = world.engine();
    world.create(&engine, settings).await;
    for run in 1..=5 {
        world.stream.put("key", run.to_string()).unwrap();
        while world.destination.delivered() < run {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        engine.shutdown().await;
        engine = world.engine();
        engine.start(Vec::new()).await.unwrap();
    }
    let records = world.destination.records();
    let ids: BTreeSet<String> = records
        .iter()
        .map(|record| {
            let body: Value = serde_json::from_slice(&record.body).unwrap();
            body["requestContext"]["requestId"].to_string()
        })
        .collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_put_once_a_mapping_at_latest_is_enabled_arrives() {
    let world = World::new(MemoryStreamOptions::default().with_shards(4));
    world
        .stream
        .fail_next(StreamCall::List, 3, SourceErrorKind::Transient);
    world
        .stream
        .fail_next(StreamCall::Open, 5, SourceErrorKind::Throttled);
    world.stream.put("key", "before").unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let engine = world.engine();
    let made = world
        .create(&engine, json!({ "StartingPosition": "LATEST" }))
        .await;
    let uuid = made.uuid.parse().unwrap();
    let mut watch = engine.watch(uuid).unwrap();
    while engine.get(uuid).unwrap().state != State::Enabled {
        assert!(watch.changed().await);
    }
    for key in 0..20 {
        world.stream.put(key.to_string(), key.to_string()).unwrap();
    }
    world.until_seen(20).await;
    let mut seen = world.seen();
    seen.sort_by_key(|data| data.parse::<u32>().unwrap());
    let all: Vec<String> = (0..20).map(|n: u32| n.to_string()).collect();
    assert_eq!(seen, all);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn positions_of_shards_that_are_gone_leave_the_store() {
    let options = MemoryStreamOptions::default().with_retention(Duration::from_secs(300));
    let world = World::new(options);
    world.stream.put_at(0, "key", "before").unwrap();
    let engine = world.engine();
    let mapping = world.create(&engine, json!({})).await;
    let uuid = mapping.uuid.parse().unwrap();
    world.until_seen(1).await;
    let parent = world.stream.shards()[0].id.clone();
    let children = world.stream.split(&parent, None).unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let partitions = async || -> BTreeSet<String> {
        let kept = world.store.checkpoints(uuid).await.unwrap();
        kept.into_iter().map(|kept| kept.partition).collect()
    };
    assert!(
        partitions().await.contains(parent.as_str()),
        "its end is kept"
    );

    // The stream has it no more, but its children have no checkpoints yet.
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(partitions().await, [parent.to_string()].into());
    world.stream.put_at(0, "key", "left").unwrap();
    world.stream.put_at(u128::MAX, "key", "right").unwrap();
    world.until_seen(3).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let expected: BTreeSet<String> = children.iter().map(ToString::to_string).collect();
    assert_eq!(partitions().await, expected);

    engine.shutdown().await;
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    world.stream.put_at(0, "key", "after").unwrap();
    world.until_seen(4).await;
    let seen: BTreeSet<String> = world.seen().into_iter().collect();
    let put = ["before", "left", "right", "after"].map(str::to_owned);
    assert_eq!((world.seen().len(), seen), (4, put.into()));
    engine.shutdown().await;
}
