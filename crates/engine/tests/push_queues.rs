//! Mappings of queues that push, from the engine to the queue in memory; with tokio's time paused.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::MqEngine::{self, ActiveMq, RabbitMq};
use lambda_esm_core::record::{ActiveMqKind, ActiveMqMessage, PushedContent, RabbitMqMessage};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryPushQueue, MemoryPushQueueOptions, PushQueueCall};
use lambda_esm_engine::ports::{ConsumeRequest, InvokeRequest, PushQueueSource as _};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

/// What the function does and has seen.
#[derive(Default)]
struct Function {
    /// How long it takes, in milliseconds.
    takes: AtomicUsize,
    fails: AtomicBool,
    running: AtomicUsize,
    /// The most that ran at a time.
    most: AtomicUsize,
    /// The bodies of the messages of each invocation.
    seen: Mutex<Vec<Vec<String>>>,
}

impl Function {
    async fn call(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let event: Value = serde_json::from_slice(&payload).unwrap();
        let messages = match event["eventSource"].as_str().unwrap() {
            "aws:rmq" => &event["rmqMessagesByQueue"]["orders::/"],
            _ => &event["messages"],
        };
        let messages = messages.as_array().unwrap().iter();
        let body = |message: &Value| {
            let body = STANDARD.decode(message["data"].as_str().unwrap());
            String::from_utf8(body.unwrap()).unwrap()
        };
        self.seen.lock().unwrap().push(messages.map(body).collect());
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(running, Ordering::Relaxed);
        let takes = self.takes.load(Ordering::Relaxed) as u64;
        sleep(Duration::from_millis(takes)).await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(InvokeError::function("it broke"));
        }
        Ok(Bytes::from_static(b"null"))
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Returns the bodies that it was given, in order.
    fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().concat()
    }
}

struct Scene {
    engine: Engine,
    queue: MemoryPushQueue,
    function: Arc<Function>,
    mapping: Uuid,
}

impl Scene {
    async fn new(engine: MqEngine, batch_size: u32) -> Self {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
        let options = MemoryPushQueueOptions::default().with_engine(engine);
        let queue = MemoryPushQueue::new(clock, "orders", options);
        let function = Arc::new(Function::default());
        let called = function.clone();
        let backend = Closure::new(move |request: InvokeRequest| {
            let called = called.clone();
            async move { called.call(request.payload).await }
        });
        let engine = Engine::builder()
            .clock(clock)
            .push_queue("orders", queue.clone())
            .invoke(backend)
            .build();
        let request = json!({
            "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:b:b-1",
            "FunctionName": "f",
            "Queues": ["orders"],
            "BatchSize": batch_size,
            "SourceAccessConfigurations": [{
                "Type": "BASIC_AUTH",
                "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:mq-AbCdEf",
            }],
        });
        let made = engine
            .create(serde_json::from_value(request).unwrap())
            .await;
        Self {
            engine,
            queue,
            function,
            mapping: made.unwrap().uuid.parse().unwrap(),
        }
    }

    fn publish(&self, number: usize) {
        for index in 0..number {
            let body = format!("{index:03}");
            let content: PushedContent = match self.queue.engine() {
                ActiveMq => ActiveMqMessage::new("orders", "ID:1", ActiveMqKind::Text, body).into(),
                _ => RabbitMqMessage::new(body).into(),
            };
            self.queue.publish(content).unwrap();
        }
    }

    /// Waits until it holds, for a day of this world at most.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..86_400 {
            if holds(self) {
                return;
            }
            sleep(Duration::from_millis(1_000)).await;
        }
        panic!("{what}: {:?}", self.engine.mapping_status(self.mapping));
    }

    fn is_empty(&self) -> bool {
        self.queue.ready() == 0 && self.queue.unsettled() == 0
    }

    fn state(&self) -> State {
        self.engine.mapping_status(self.mapping).unwrap().state
    }

    fn problem(&self) -> Option<String> {
        self.engine.mapping_status(self.mapping).unwrap().problem
    }

    async fn update(&self, request: Value) {
        let request = serde_json::from_value(request).unwrap();
        self.engine.update(self.mapping, request).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn messages_reach_the_function_in_order_each_once_and_are_accepted() {
    let scene = Scene::new(RabbitMq, 10).await;
    scene.function.takes.store(50, Ordering::Relaxed);
    scene.publish(995);
    scene.until("empty", Scene::is_empty).await;
    let all = scene.function.all();
    assert_eq!(all.len(), 995);
    assert!(all.is_sorted_by(|left, right| left < right));
    assert_eq!(scene.function.most.load(Ordering::Relaxed), 1);
    let counts = scene.engine.mapping_status(scene.mapping).unwrap().counts;
    assert_eq!(
        (counts.polled_event_count, counts.deleted_event_count),
        (995, 995)
    );
    scene.engine.shutdown().await;
    assert_eq!(scene.queue.consumers(), 0);
}

#[tokio::test(start_paused = true)]
async fn five_run_at_a_time_with_activemq() {
    let scene = Scene::new(ActiveMq, 10).await;
    scene.function.takes.store(1_000, Ordering::Relaxed);
    scene.publish(200);
    scene.until("empty", Scene::is_empty).await;
    let mut all = scene.function.all();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), scene.function.calls()), (200, 20));
    assert_eq!(scene.function.most.load(Ordering::Relaxed), 5);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_activemq_is_a_dead_letter_after_seven_failures_and_one_of_rabbitmq_never() {
    let scene = Scene::new(ActiveMq, 10).await;
    scene.function.fails.store(true, Ordering::Relaxed);
    scene.publish(3);
    scene
        .until("dead letters", |scene| {
            scene.queue.dead_letters().len() == 3
        })
        .await;
    assert_eq!(scene.function.calls(), 7);
    assert!(scene.is_empty());

    let scene = Scene::new(RabbitMq, 10).await;
    scene.function.fails.store(true, Ordering::Relaxed);
    scene.publish(3);
    scene
        .until("tries", |scene| scene.function.calls() == 30)
        .await;
    assert_eq!(scene.queue.unsettled(), 3);
    scene.function.fails.store(false, Ordering::Relaxed);
    scene.until("empty", Scene::is_empty).await;
    assert!(scene.queue.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_repeats_what_was_not_settled_and_loses_nothing() {
    for engine in [RabbitMq, ActiveMq] {
        let scene = Scene::new(engine, 10).await;
        scene.function.takes.store(300, Ordering::Relaxed);
        scene.publish(300);
        let mut returned = 0;
        for round in 0..5 {
            sleep(Duration::from_millis(1_700)).await;
            returned += scene.queue.unsettled();
            if round % 2 == 0 {
                scene.queue.break_connections();
            } else {
                scene
                    .queue
                    .fail_next(PushQueueCall::Settle, 1, SourceErrorKind::Transient);
            }
        }
        scene.until("empty", Scene::is_empty).await;
        let all = scene.function.all();
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 300);
        assert!(all.len() > 300, "something was repeated");
        let repeats = all.len() - 300;
        let most = returned + 2 * if engine == RabbitMq { 20 } else { 100 };
        assert!(repeats <= most, "{repeats} repeats of {most} at most");
        scene.engine.shutdown().await;
        assert_eq!(scene.queue.consumers(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_disabled_gives_back_what_the_function_does_not_have() {
    let scene = Scene::new(RabbitMq, 10).await;
    scene.function.takes.store(30_000, Ordering::Relaxed);
    scene.publish(50);
    scene
        .until("the function runs", |scene| scene.function.calls() == 1)
        .await;
    assert_eq!(scene.queue.unsettled(), 20);
    scene.update(json!({"Enabled": false})).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!((scene.queue.unsettled(), scene.queue.ready()), (10, 40));
    scene
        .until("disabled", |scene| scene.state() == State::Disabled)
        .await;
    assert_eq!((scene.queue.unsettled(), scene.queue.ready()), (0, 40));
    assert_eq!((scene.queue.consumers(), scene.function.calls()), (0, 1));
    scene.function.takes.store(0, Ordering::Relaxed);
    scene.update(json!({"Enabled": true})).await;
    scene.until("empty", Scene::is_empty).await;
    assert_eq!(scene.function.all().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_let_the_mapping_in_is_shown_and_recovered_from() {
    let scene = Scene::new(RabbitMq, 10).await;
    sleep(Duration::from_secs(1)).await;
    let error = SourceError::new(SourceErrorKind::Denied, "wrong password");
    let error = error.with_reason(ReasonCode::Authentication);
    scene.queue.set_problem(Some(error));
    sleep(Duration::from_secs(10)).await;
    let status = scene.engine.mapping_status(scene.mapping).unwrap();
    let reason = status.activity.source_reason;
    assert_eq!(reason, Some(ReasonCode::Authentication));
    assert!(status.problem.unwrap().contains("wrong password"));
    let tries = scene.queue.calls(PushQueueCall::Consume);
    assert!((3..=8).contains(&tries), "{tries} tries");
    scene.publish(1);
    scene.queue.set_problem(None);
    scene
        .until("recovered", |scene| scene.problem().is_none())
        .await;
    scene.until("empty", Scene::is_empty).await;
    assert_eq!(scene.function.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn filters_change_within_a_session_and_the_batch_size_begins_another() {
    let scene = Scene::new(RabbitMq, 10).await;
    scene.publish(1);
    scene
        .until("a call", |scene| scene.function.calls() == 1)
        .await;
    let pattern = r#"{"data":["001"]}"#;
    scene
        .update(json!({"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}))
        .await;
    sleep(Duration::from_secs(5)).await;
    scene.publish(3);
    scene.until("empty", Scene::is_empty).await;
    assert_eq!(scene.function.calls(), 2);
    assert_eq!(scene.queue.calls(PushQueueCall::Consume), 1);
    scene.update(json!({"BatchSize": 20})).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(scene.queue.calls(PushQueueCall::Consume), 2);
    assert_eq!(scene.queue.consumers(), 1);
}

#[tokio::test(start_paused = true)]
async fn mappings_on_one_queue_compete_and_a_deleted_one_leaves_all_to_the_other() {
    let scene = Scene::new(RabbitMq, 10).await;
    scene.function.takes.store(100, Ordering::Relaxed);
    // Another process that consumes the same queue.
    let other = scene.queue.consume(ConsumeRequest::new(10)).await.unwrap();
    scene.publish(100);
    let taken = other.next().await.unwrap();
    assert_eq!(taken.len(), 10);
    scene
        .until("the rest", |scene| {
            scene.queue.ready() == 0 && scene.queue.unsettled() == 10
        })
        .await;
    assert_eq!(scene.function.all().len(), 90);
    other.close().await;
    scene.until("empty", Scene::is_empty).await;
    assert_eq!(scene.function.all().len(), 100);
    scene.engine.delete(scene.mapping).await.unwrap();
    scene
        .until("gone", |scene| scene.queue.consumers() == 0)
        .await;
}
