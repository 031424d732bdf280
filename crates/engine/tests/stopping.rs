//! However a mapping stops, a receive that is open is not abandoned; with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::ports::{
    InvokeRequest, QueueFacts, QueueSource, ReceiveRequest, Received, Settlement,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};
use uuid::Uuid;

/// A queue whose answers are on their way for some time after it has hidden their messages.
struct Distant {
    queue: MemoryQueue,
    way: Duration,
}

#[async_trait::async_trait]
impl QueueSource for Distant {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.queue.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let messages = self.queue.receive(request).await;
        tokio::time::sleep(self.way).await;
        messages
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.queue.settle(settlements).await
    }
}

struct Setup {
    engine: Engine,
    queue: MemoryQueue,
    mapping: Uuid,
    /// Receive counts of the messages that the function got.
    seen: Arc<Mutex<Vec<String>>>,
}

/// Returns an engine with one mapping whose message is hidden, and on its way for `way`.
async fn with_a_message_on_its_way(way: u64) -> Setup {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let options = MemoryQueueOptions::default()
        // Longer than any test.
        .with_visibility_timeout(Duration::from_secs(600));
    let queue = MemoryQueue::new(clock, options);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let function = Closure::new(move |request: InvokeRequest| {
        let event: Value = serde_json::from_slice(&request.payload).unwrap();
        for record in event["Records"].as_array().unwrap() {
            let count = record["attributes"]["ApproximateReceiveCount"].as_str();
            sink.lock().unwrap().push(count.unwrap().to_owned());
        }
        async { Ok(Bytes::from_static(b"null")) }
    });
    let source = Distant {
        queue: queue.clone(),
        way: Duration::from_secs(way),
    };
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", source)
        .invoke(function)
        .build();
    let request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    let request = serde_json::from_value(request).unwrap();
    let made = engine.create(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    queue.send(SendMessage::new("x")).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(queue.counts(), (0, 1, 0), "the message is on its way");
    Setup {
        engine,
        queue,
        mapping: made.uuid.parse().unwrap(),
        seen,
    }
}

impl Setup {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn enable(&self, enabled: bool) {
        let request = serde_json::from_value(json!({ "Enabled": enabled })).unwrap();
        self.engine.update(self.mapping, request).await.unwrap();
        let state = if enabled {
            State::Enabled
        } else {
            State::Disabled
        };
        let mut watch = self.engine.watch(self.mapping).unwrap();
        while self.engine.mapping_status(self.mapping).unwrap().state != state {
            watch.changed().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_message_and_processes_it() {
    let setup = with_a_message_on_its_way(2).await;
    let start = tokio::time::Instant::now();
    setup.engine.shutdown().await;
    assert_eq!(
        (setup.seen(), setup.queue.counts()),
        (vec!["1".to_owned()], (0, 0, 0))
    );
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_disabled_processes_it_and_leaves_later_ones_for_the_next_time() {
    let setup = with_a_message_on_its_way(2).await;
    setup.enable(false).await;
    assert_eq!(setup.seen(), ["1"]);
    setup.queue.send(SendMessage::new("later")).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(setup.queue.counts(), (1, 0, 0));
    setup.enable(true).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(setup.seen(), ["1", "1"]);
    setup.engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_deleted_processes_it() {
    let setup = with_a_message_on_its_way(2).await;
    setup.engine.delete(setup.mapping).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(setup.engine.mapping_status(setup.mapping).is_none());
    assert_eq!(setup.seen(), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_dropped_releases_it() {
    let setup = with_a_message_on_its_way(2).await;
    drop(setup.engine);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(setup.queue.counts(), (1, 0, 0));
    assert!(setup.seen.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_halted_releases_it_first() {
    let setup = with_a_message_on_its_way(2).await;
    setup.engine.halt().await;
    assert_eq!(setup.queue.counts(), (1, 0, 0));
    assert!(setup.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_outlasts_the_bound_ends_neither_late_nor_with_its_message_hidden() {
    let setup = with_a_message_on_its_way(40).await;
    let start = tokio::time::Instant::now();
    setup.engine.shutdown().await;
    let bound = setup.engine.options().drain_limit;
    assert!(
        start.elapsed() <= bound + Duration::from_millis(1),
        "{:?}",
        start.elapsed()
    );
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(setup.queue.counts(), (1, 0, 0));
    assert!(setup.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_takes_nothing_by_ending_is_not_waited_for() {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
    let function = Closure::new(|_| async { Ok(Bytes::new()) });
    let builder = Engine::builder().clock(clock).invoke(function);
    let engine = builder.source("orders", queue.clone()).build();
    let request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    let request = serde_json::from_value(request).unwrap();
    engine.create(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(engine.status()[0].activity.receives, 1);
    let start = tokio::time::Instant::now();
    engine.shutdown().await;
    assert!(start.elapsed() < Duration::from_millis(100));
    queue.send(SendMessage::new("x")).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(queue.counts(), (1, 0, 0));
}
