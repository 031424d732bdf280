//! What an engine remembers: through a store across restarts, and of its latest decisions.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{
    CreateEventSourceMapping, ErrorCode, EventSourceMappingConfiguration,
};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, MemoryStore, SendMessage};
use lambda_esm_engine::store::Store as _;
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};
use uuid::Uuid;

fn engine(store: &Arc<MemoryStore>) -> (Engine, MemoryQueue) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
    let engine = Engine::builder()
        .clock(clock)
        .store(store.clone())
        .source("orders", queue.clone())
        .source("others", queue.clone())
        .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
        .build();
    (engine, queue)
}

fn request(extra: Value) -> CreateEventSourceMapping {
    let mut request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    request
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    serde_json::from_value(request).unwrap()
}

fn uuid(configuration: &EventSourceMappingConfiguration) -> Uuid {
    configuration.uuid.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_mapping_made_through_the_api_is_the_same_after_a_restart() {
    let store = Arc::<MemoryStore>::default();
    let (first, _) = engine(&store);
    let tags = json!({ "Tags": { "team": "a" }, "BatchSize": 7 });
    let made = first.create(request(tags)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    first
        .tag(
            uuid(&made),
            BTreeMap::from([("stage".into(), "dev".into())]),
        )
        .await
        .unwrap();
    first
        .untag(uuid(&made), &["team".into(), "none".into()])
        .await
        .unwrap();
    let before = first.get(uuid(&made)).unwrap();
    first.shutdown().await;

    let (second, queue) = engine(&store);
    let started = second.start(Vec::new()).await.unwrap();
    assert_eq!(started.restored.len(), 1);
    assert_eq!(started.restored[0].state, State::Enabling);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = second.get(uuid(&made)).unwrap();
    assert_eq!(after, before);
    assert_eq!(after.state, State::Enabled);
    let tags = BTreeMap::from([("stage".to_owned(), "dev".to_owned())]);
    assert_eq!(second.tags(uuid(&made)).unwrap(), tags);
    queue.send(SendMessage::new("x")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(queue.counts(), (0, 0, 0), "it polls");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_kept_and_a_deleted_mapping_stays_deleted() {
    let store = Arc::<MemoryStore>::default();
    let (first, _) = engine(&store);
    let made = first.create(request(json!({}))).await.unwrap();
    let other = json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:others" });
    let other = first.create(request(other)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let change = serde_json::from_value(json!({ "Enabled": false, "BatchSize": 3 })).unwrap();
    first.update(uuid(&made), change).await.unwrap();
    first.delete(uuid(&other)).await.unwrap();
    // As after a kill: nothing is shut down in order.
    drop(first);

    let (second, _) = engine(&store);
    second.start(Vec::new()).await.unwrap();
    let after = second.list();
    assert_eq!(after.len(), 1);
    assert_eq!(
        (after[0].state, after[0].batch_size),
        (State::Disabled, Some(3))
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_mapping_keeps_its_uuid_takes_on_changes_and_goes_with_its_line() {
    let store = Arc::<MemoryStore>::default();
    let (first, _) = engine(&store);
    let made = first
        .create(request(json!({ "FunctionName": "api" })))
        .await
        .unwrap();
    let started = first.start(vec![request(json!({}))]).await.unwrap();
    let from_file = uuid(started.file[0].as_ref().unwrap());
    drop(first);

    let (second, _) = engine(&store);
    let started = second
        .start(vec![request(json!({ "BatchSize": 4 }))])
        .await
        .unwrap();
    let again = started.file[0].as_ref().unwrap();
    assert_eq!((uuid(again), again.batch_size), (from_file, Some(4)));
    assert_eq!(uuid(&started.restored[0]), uuid(&made));
    drop(second);

    let (third, _) = engine(&store);
    third.start(Vec::new()).await.unwrap();
    let left: Vec<Uuid> = third.list().iter().map(uuid).collect();
    assert_eq!(left, [uuid(&made)]);
}

#[tokio::test(start_paused = true)]
async fn a_file_with_a_mistake_makes_the_engine_forget_nothing() {
    let store = Arc::<MemoryStore>::default();
    let (first, _) = engine(&store);
    first.start(vec![request(json!({}))]).await.unwrap();
    drop(first);
    let (second, _) = engine(&store);
    let mistaken = request(json!({ "BatchSize": 0 }));
    let started = second.start(vec![mistaken]).await.unwrap();
    assert!(started.file[0].is_err());
    assert_eq!(store.load().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_mapping_that_the_api_made_already_is_a_conflict() {
    let store = Arc::<MemoryStore>::default();
    let (first, _) = engine(&store);
    first.create(request(json!({}))).await.unwrap();
    drop(first);
    let (second, _) = engine(&store);
    let started = second.start(vec![request(json!({}))]).await.unwrap();
    let error = started.file[0].as_ref().unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceConflict);
    assert_eq!(second.list().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_latest_decisions_of_a_mapping_are_remembered_in_order() {
    let (engine, queue) = engine(&Arc::<MemoryStore>::default());
    let made = engine.create(request(json!({}))).await.unwrap();
    for _ in 0..600 {
        queue.send(SendMessage::new("x")).unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let recent = engine.recent(uuid(&made)).unwrap();
    assert_eq!(recent.len(), 1000);
    assert!(
        recent
            .windows(2)
            .all(|two| two[0].sequence + 1 == two[1].sequence)
    );
    assert!(matches!(
        recent.last().unwrap().decision,
        Decision::Deleted { messages: 1, .. }
    ));
    assert!(engine.recent(Uuid::nil()).is_none());
}
