//! Mappings that change, stop and go while something else is under way, with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{CreateEventSourceMapping, ErrorCode, FunctionRef};
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::ports::{
    FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, QueueFacts, QueueSource,
    ReceiveRequest, Received, Settlement,
};
use lambda_esm_engine::{Clock, Engine, EngineBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

/// What the function got: the number of records of each batch.
type Sizes = Arc<Mutex<Vec<usize>>>;

struct Setup {
    clock: Clock,
    orders: MemoryQueue,
    sizes: Sizes,
}

fn setup(function_millis: u64) -> (Setup, EngineBuilder) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let orders = MemoryQueue::new(clock, MemoryQueueOptions::default());
    let sizes = Sizes::default();
    let seen = sizes.clone();
    let function = lambda_esm_engine::functions::Closure::new(move |request: InvokeRequest| {
        let seen = seen.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(function_millis)).await;
            let event: Value = serde_json::from_slice(&request.payload).unwrap();
            seen.lock()
                .unwrap()
                .push(event["Records"].as_array().unwrap().len());
            Ok(Bytes::from_static(b"null"))
        }
    });
    let builder = Engine::builder().clock(clock).invoke(function);
    (
        Setup {
            clock,
            orders,
            sizes,
        },
        builder,
    )
}

impl Setup {
    fn send(&self, count: usize) {
        for n in 0..count {
            self.orders.send(SendMessage::new(n.to_string())).unwrap();
        }
    }

    fn sizes(&self) -> Vec<usize> {
        self.sizes.lock().unwrap().clone()
    }
}

fn request(extra: &Value) -> CreateEventSourceMapping {
    let mut request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    let members = extra.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    serde_json::from_value(request).unwrap()
}

/// Begins a mapping whether or not its queue exists.
async fn create(engine: &Engine, extra: Value) -> Uuid {
    let created = engine.start(vec![request(&extra)]).await.unwrap();
    created.file[0].as_ref().unwrap().uuid.parse().unwrap()
}

async fn update(engine: &Engine, uuid: Uuid, change: Value) -> Result<State, ErrorCode> {
    let change = serde_json::from_value(change).unwrap();
    let updated = engine.update(uuid, change).await;
    updated
        .map(|mapping| mapping.state)
        .map_err(|error| error.code)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A queue whose facts are not to be had, for one reason or another.
#[derive(Clone)]
struct Mute {
    queue: MemoryQueue,
    fails: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

impl Mute {
    fn new(queue: &MemoryQueue) -> Self {
        let queue = queue.clone();
        let (fails, hangs) = Default::default();
        Self {
            queue,
            fails,
            hangs,
        }
    }
}

#[async_trait::async_trait]
impl QueueSource for Mute {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.fails.load(Ordering::Relaxed) {
            return Err(SourceError::new(SourceErrorKind::Transient, "not now"));
        }
        self.queue.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.queue.receive(request).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.queue.settle(settlements).await
    }
}

#[tokio::test(start_paused = true)]
async fn new_settings_do_not_wake_a_disabled_mapping() {
    let (setup, builder) = setup(0);
    let engine = builder.source("orders", setup.orders.clone()).build();
    let uuid = create(&engine, json!({ "Enabled": false })).await;
    let state = update(&engine, uuid, json!({ "BatchSize": 1 })).await;
    assert_eq!(state, Ok(State::Updating));
    setup.send(3);
    seconds(60).await;
    assert_eq!(engine.get(uuid).unwrap().state, State::Disabled);
    assert_eq!((setup.sizes(), setup.orders.counts()), (vec![], (3, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn new_settings_hold_though_the_queue_cannot_be_asked_about_itself() {
    let (setup, builder) = setup(0);
    let source = Mute::new(&setup.orders);
    let engine = builder.source("orders", source.clone()).build();
    let uuid = create(&engine, json!({})).await;
    seconds(1).await;
    source.fails.store(true, Ordering::Relaxed);
    update(&engine, uuid, json!({ "BatchSize": 1 }))
        .await
        .unwrap();
    seconds(1).await;
    setup.send(3);
    seconds(25).await;
    assert_eq!(setup.sizes(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_never_answers_holds_up_neither_changes_nor_the_end() {
    let (setup, builder) = setup(0);
    let source = Mute::new(&setup.orders);
    source.hangs.store(true, Ordering::Relaxed);
    let engine = builder.source("orders", source.clone()).build();
    let first = create(&engine, json!({})).await;
    seconds(1).await;
    engine.delete(first).await.unwrap();
    seconds(1).await;
    assert!(
        engine.get(first).is_err(),
        "deleted while its queue was being asked"
    );
    engine.create(request(&json!({}))).await.unwrap();
    seconds(1).await;
    let end = tokio::time::timeout(Duration::from_secs(40), engine.shutdown()).await;
    assert!(
        end.is_ok(),
        "the shutdown waits for a queue that never answers"
    );
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_still_stopping_takes_no_change() {
    let (setup, builder) = setup(10_000);
    let engine = builder.source("orders", setup.orders.clone()).build();
    let uuid = create(&engine, json!({})).await;
    setup.send(1);
    seconds(1).await;
    let enabled = |enabled: bool| json!({ "Enabled": enabled });
    assert_eq!(
        update(&engine, uuid, enabled(false)).await,
        Ok(State::Disabling)
    );
    seconds(2).await;
    assert_eq!(engine.get(uuid).unwrap().state, State::Disabling);
    assert_eq!(
        update(&engine, uuid, enabled(true)).await,
        Err(ErrorCode::ResourceInUse)
    );
    seconds(10).await;
    assert_eq!(engine.get(uuid).unwrap().state, State::Disabled);
    assert_eq!(
        update(&engine, uuid, enabled(true)).await,
        Ok(State::Enabling)
    );
    setup.send(1);
    seconds(20).await;
    assert_eq!(
        (setup.sizes(), setup.orders.counts()),
        (vec![1, 1], (0, 0, 0))
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_shutdown_no_mapping_begins() {
    let (setup, builder) = setup(0);
    let engine = builder.source("orders", setup.orders.clone()).build();
    engine.shutdown().await;
    let request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    let created = engine
        .create(serde_json::from_value(request).unwrap())
        .await;
    assert_eq!(created.unwrap_err().code, ErrorCode::Service);
    let end = tokio::time::timeout(Duration::from_secs(40), engine.shutdown()).await;
    assert!(end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_mapping_keeps_its_counts_when_its_function_changes() {
    let (setup, builder) = setup(0);
    let engine = builder.source("orders", setup.orders.clone()).build();
    let uuid = create(&engine, json!({})).await;
    setup.send(3);
    seconds(1).await;
    update(&engine, uuid, json!({ "FunctionName": "other" }))
        .await
        .unwrap();
    seconds(25).await;
    setup.send(2);
    seconds(25).await;
    let status = engine.mapping_status(uuid).unwrap();
    assert_eq!(status.function, "other");
    assert_eq!(status.counts.deleted_event_count, 5);
    let line = format!(
        "aws_lambda_DeletedEventCount_total{{event_source_mapping=\"{uuid}\",\
         event_source=\"arn:aws:sqs:us-east-1:000000000000:orders\",function=\"other\"}} 5\n"
    );
    let metrics = engine.metrics().render();
    assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    engine.delete(uuid).await.unwrap();
    seconds(30).await;
    assert!(!engine.metrics().render().contains(&uuid.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_has_nothing_in_flight() {
    let (setup, builder) = setup(60_000);
    let engine = builder.source("orders", setup.orders.clone()).build();
    let uuid = create(&engine, json!({})).await;
    setup.send(1);
    seconds(1).await;
    let before = engine.mapping_status(uuid).unwrap().activity;
    assert_eq!((before.running, before.receives), (1, 1));
    update(&engine, uuid, json!({ "Enabled": false }))
        .await
        .unwrap();
    seconds(40).await;
    let status = engine.mapping_status(uuid).unwrap();
    assert_eq!(status.state, State::Disabled);
    assert_eq!((status.activity.running, status.activity.receives), (0, 0));
}

/// A function about which nothing can be known.
struct Unknown;

#[async_trait::async_trait]
impl InvokeBackend for Unknown {
    async fn invoke(&self, _request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        Ok(Bytes::new().into())
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let kind = InvokeErrorKind::Unavailable;
        Err(InvokeError::new(kind, "cannot connect"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_exist_is_refused_though_the_function_cannot_be_asked() {
    let (setup, _) = setup(0);
    let engine = Engine::builder().clock(setup.clock).invoke(Unknown).build();
    let request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:nowhere",
        "FunctionName": "f",
    });
    let error = engine
        .create(serde_json::from_value(request).unwrap())
        .await
        .unwrap_err();
    assert!(error.message.contains("NonExistentQueue"), "{error}");
    let hint = error.hint.unwrap();
    assert!(hint.contains(":nowhere"), "{hint}");
}
