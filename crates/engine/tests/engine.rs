//! The engine on in-memory queues, with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{CreateEventSourceMapping, ErrorCode, UpdateEventSourceMapping};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
use lambda_esm_engine::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, Settlement};
use lambda_esm_engine::{Clock, Engine, EngineBuilder, EngineOptions, Heard};
use serde_json::{Value, json};
use uuid::Uuid;

fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_700_000_000_000))
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

fn change(request: Value) -> UpdateEventSourceMapping {
    serde_json::from_value(request).unwrap()
}

fn queue(clock: Clock) -> MemoryQueue {
    MemoryQueue::new(clock, MemoryQueueOptions::default())
}

fn send(queue: &MemoryQueue, count: usize) {
    for n in 0..count {
        queue
            .send(SendMessage::new(format!("{{\"n\":{n}}}")))
            .unwrap();
    }
}

/// A function that counts the records it got, and takes `millis` for each batch.
fn counting(millis: u64) -> (Arc<AtomicUsize>, EngineBuilder) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let builder = Engine::builder().invoke(Closure::new(move |request| {
        let counter = counter.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let event: Value = serde_json::from_slice(&request.payload).unwrap();
            counter.fetch_add(
                event["Records"].as_array().unwrap().len(),
                Ordering::Relaxed,
            );
            Ok(Bytes::from_static(b"null"))
        }
    }));
    (count, builder)
}

async fn state(engine: &Engine, uuid: Uuid) -> State {
    tokio::task::yield_now().await;
    engine.get(uuid).unwrap().state
}

fn uuid_of(configuration: &lambda_esm_core::mapping::EventSourceMappingConfiguration) -> Uuid {
    configuration.uuid.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_reach_the_function_and_leave_the_queue() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(5);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    let created = engine.create(request(json!({}))).await.unwrap();
    assert_eq!(created.state, State::Creating);
    send(&orders, 1000);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (count.load(Ordering::Relaxed), orders.counts()),
        (1000, (0, 0, 0))
    );
    assert_eq!(state(&engine, uuid_of(&created)).await, State::Enabled);
    let status = &engine.status()[0];
    assert_eq!(status.counts.polled_event_count, 1000);
    assert_eq!(status.counts.deleted_event_count, 1000);
    assert_eq!(status.last_processing_result.as_str(), "OK");
    let metrics = engine.metrics().render();
    assert!(
        metrics.contains("aws_lambda_DeletedEventCount_total{"),
        "{metrics}"
    );
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_passes_in_moments_and_an_idle_mapping_still_listens() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(0);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    send(&orders, 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_message_moves_to_the_dead_letter_queue_after_its_receives() {
    let clock = clock();
    let dead = queue(clock);
    let options = MemoryQueueOptions::default()
        .with_visibility_timeout(Duration::from_secs(5))
        .with_redrive(Some(Redrive::new(dead.clone(), 3)));
    let orders = MemoryQueue::new(clock, options);
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = tries.clone();
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", orders.clone())
        .invoke(Closure::new(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Err(InvokeError::function("boom")) }
        }))
        .build();
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(tries.load(Ordering::Relaxed), 3);
    assert_eq!((orders.counts(), dead.counts()), ((0, 0, 0), (1, 0, 0)));
    let status = &engine.status()[0];
    assert_eq!(
        status.last_processing_result.as_str(),
        "PROBLEM: Function call failed"
    );
    assert_eq!(status.problem.as_deref(), Some("boom"));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_reads_nothing_and_goes_on_when_enabled_again() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(5);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    let uuid = uuid_of(&engine.create(request(json!({}))).await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let disabling = engine
        .update(uuid, change(json!({ "Enabled": false })))
        .await
        .unwrap();
    assert_eq!(disabling.state, State::Disabling);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&engine, uuid).await, State::Disabled);
    send(&orders, 5);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((count.load(Ordering::Relaxed), orders.counts().0), (0, 5));
    let enabling = engine
        .update(uuid, change(json!({ "Enabled": true })))
        .await
        .unwrap();
    assert_eq!(enabling.state, State::Enabling);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (count.load(Ordering::Relaxed), orders.counts()),
        (5, (0, 0, 0))
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_takes_effect_without_losing_what_is_in_flight() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(2_000);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    let uuid = uuid_of(&engine.create(request(json!({}))).await.unwrap());
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(&orders, 30);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let updating = engine
        .update(uuid, change(json!({ "BatchSize": 1 })))
        .await
        .unwrap();
    assert_eq!(
        (updating.state, updating.batch_size),
        (State::Updating, Some(1))
    );
    let error = engine
        .update(uuid, change(json!({ "BatchSize": 2 })))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceInUse);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        (count.load(Ordering::Relaxed), orders.counts()),
        (30, (0, 0, 0))
    );
    send(&orders, 3);
    let before = engine.status()[0].counts;
    let mut events = engine.events();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let mut sizes = Vec::new();
    while let Some(heard) = events.next_now() {
        if let Heard::Event(event) = heard
            && let lambda_esm_core::decision::Decision::Invoked { records, .. } = event.decision
        {
            sizes.push(records);
        }
    }
    assert_eq!(sizes, [1, 1, 1], "{before:?}");
}

#[tokio::test(start_paused = true)]
async fn deleting_finishes_what_is_in_flight_within_its_bound() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(3_000);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    let uuid = uuid_of(&engine.create(request(json!({}))).await.unwrap());
    send(&orders, 10);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(engine.delete(uuid).await.unwrap().state, State::Deleting);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        (count.load(Ordering::Relaxed), orders.counts()),
        (10, (0, 0, 0))
    );
    assert_eq!(
        engine.get(uuid).unwrap_err().code,
        ErrorCode::ResourceNotFound
    );
    assert!(!engine.metrics().render().contains(&uuid.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_never_ends_does_not_hold_up_the_shutdown() {
    let clock = clock();
    let orders = queue(clock);
    let options = EngineOptions::default().with_drain_limit(Duration::from_secs(5));
    let engine = Engine::builder()
        .options(options)
        .clock(clock)
        .source("orders", orders.clone())
        .invoke(Closure::new(|_| std::future::pending()))
        .build();
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = tokio::time::Instant::now();
    engine.shutdown().await;
    assert!(before.elapsed() <= Duration::from_secs(6));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(orders.counts().0, 1, "the message comes back");
}

#[tokio::test(start_paused = true)]
async fn several_mappings_on_one_queue_compete() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(20);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    engine
        .create(request(json!({ "FunctionName": "one" })))
        .await
        .unwrap();
    engine
        .create(request(json!({ "FunctionName": "two" })))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(&orders, 500);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(
        (count.load(Ordering::Relaxed), orders.counts()),
        (500, (0, 0, 0))
    );
    let shares: Vec<u64> = engine
        .status()
        .iter()
        .map(|status| status.counts.deleted_event_count)
        .collect();
    assert!(shares.iter().all(|&share| share > 0), "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_mapping_twice_is_a_conflict() {
    let clock = clock();
    let (_, builder) = counting(0);
    let engine = builder.clock(clock).source("orders", queue(clock)).build();
    let first = engine.create(request(json!({}))).await.unwrap();
    let error = engine.create(request(json!({}))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceConflict);
    assert!(error.message.contains(&first.uuid), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_function_or_queue_is_refused_on_creation() {
    let clock = clock();
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", queue(clock))
        .function("known", Closure::new(|_| async { Ok(Bytes::new()) }))
        .build();
    let error = engine.create(request(json!({}))).await.unwrap_err();
    assert_eq!(error.message, "Function does not exist");
    let other = json!({
        "FunctionName": "known",
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:nowhere",
    });
    let error = engine.create(request(other)).await.unwrap_err();
    assert!(error.message.contains("NonExistentQueue"), "{error}");
    let hint = error.hint.unwrap();
    assert!(hint.contains(":nowhere"), "{hint}");
}

/// A queue that cannot be reached until it is told otherwise.
struct Unreachable(Arc<AtomicUsize>, MemoryQueue);

impl Unreachable {
    fn check(&self) -> Result<(), SourceError> {
        if self.0.load(Ordering::Relaxed) == 0 {
            let text = "cannot connect to 127.0.0.1:1";
            return Err(SourceError::new(SourceErrorKind::Transient, text));
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl QueueSource for Unreachable {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.check()?;
        self.1.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.check()?;
        self.1.receive(request).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.check()?;
        self.1.settle(settlements).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_source_is_shown_and_tried_again_while_others_go_on() {
    let clock = clock();
    let (orders, others) = (queue(clock), queue(clock));
    let reachable = Arc::new(AtomicUsize::new(0));
    let (count, builder) = counting(1);
    let engine = builder
        .clock(clock)
        .source("orders", Unreachable(reachable.clone(), orders.clone()))
        .source("others", others.clone())
        .build();
    let started = engine.start(vec![request(json!({}))]).await.unwrap();
    assert!(started.file[0].is_ok());
    let other = json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:others" });
    engine.create(request(other)).await.unwrap();
    send(&orders, 3);
    send(&others, 4);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(count.load(Ordering::Relaxed), 4);
    let problems: Vec<_> = engine
        .status()
        .into_iter()
        .filter_map(|status| status.problem)
        .collect();
    assert_eq!(problems, ["cannot connect to 127.0.0.1:1"]);
    reachable.store(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(count.load(Ordering::Relaxed), 7);
    assert!(
        engine
            .status()
            .iter()
            .all(|status| status.problem.is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_panics_fails_its_batch_and_nothing_else() {
    let clock = clock();
    let orders = queue(clock);
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", orders.clone())
        .invoke(Closure::new(move |_| {
            let first = counter.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                assert!(!first, "on purpose");
                Ok(Bytes::new())
            }
        }))
        .build();
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        (calls.load(Ordering::Relaxed), orders.counts()),
        (2, (0, 0, 0))
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_engine_stops_its_mappings() {
    let clock = clock();
    let orders = queue(clock);
    let (count, builder) = counting(0);
    let engine = builder
        .clock(clock)
        .source("orders", orders.clone())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(engine);
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(&orders, 5);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[test]
fn handles_may_be_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone + 'static>() {}
    shareable::<Engine>();
    shareable::<MemoryQueue>();
}
