//! Mappings of RabbitMQ queues: each message once, in order, and what happens when the broker is gone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::ports::InvokeRequest;
use lambda_esm_engine::{Engine, EngineOptions};
use lambda_esm_rabbitmq::RabbitMqBrokers;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitBroker, RabbitQueue, RabbitQueueOptions};
use lambda_esm_tests::until;
use serde_json::{Value, json};

use crate::consumer::{SECRET, login, numbers};

const BROKER: &str = "arn:aws:mq:us-east-1:000000000000:broker:test:b-0";

/// What a function was invoked with: the texts of each event.
type Events = Arc<Mutex<Vec<Vec<String>>>>;

/// A mapping of a queue, and what its function has seen.
struct Running {
    engine: Engine,
    events: Events,
}

impl Running {
    /// Creates a mapping whose function fails in its first so many invocations.
    async fn of(queue: &RabbitQueue, batch: usize, failures: usize) -> Self {
        let events = Events::default();
        let seen = events.clone();
        let key = format!("{}::/", queue.name());
        let function = Closure::new(move |request: InvokeRequest| {
            let mut seen = seen.lock().unwrap();
            seen.push(texts(&request.payload, &key));
            let failed = seen.len() <= failures;
            async move {
                if failed {
                    return Err(InvokeError::function("not yet"));
                }
                Ok(Bytes::new())
            }
        });
        let address = queue.rabbit().plain().parse().unwrap();
        let broker = (Arn::parse(BROKER).unwrap(), address);
        let engine = Engine::builder()
            .options(EngineOptions::default().with_transition(Duration::ZERO))
            .provider(RabbitMqBrokers::new([broker], login("u", "p")))
            .invoke(function)
            .build();
        let request = json!({
            "EventSourceArn": BROKER,
            "Queues": [queue.name()],
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}],
            "FunctionName": "function",
            "BatchSize": batch,
        });
        let request = serde_json::from_value(request).unwrap();
        engine.create(request).await.unwrap();
        Self { engine, events }
    }

    fn seen(&self) -> Vec<String> {
        self.events.lock().unwrap().concat()
    }

    /// Waits until so many different messages were seen, and stops.
    async fn sees(&self, messages: usize) -> Vec<String> {
        let all = async || {
            let distinct: HashSet<String> = self.seen().into_iter().collect();
            (distinct.len() >= messages).then_some(())
        };
        until("all messages were seen", all).await;
        self.engine.shutdown().await;
        self.seen()
    }
}

/// Returns the bodies in an event.
fn texts(event: &[u8], key: &str) -> Vec<String> {
    let event: Value = serde_json::from_slice(event).unwrap();
    assert_eq!(event["eventSourceArn"], BROKER);
    let messages = event["rmqMessagesByQueue"][key].as_array().unwrap();
    let body = |message: &Value| {
        let body = BASE64_STANDARD.decode(message["data"].as_str().unwrap());
        String::from_utf8(body.unwrap()).unwrap()
    };
    messages.iter().map(body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_handed_over_once_in_order_and_none_is_left() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    for options in [RabbitQueueOptions::default(), RabbitQueueOptions::quorum()] {
        let queue = rabbit.queue("mapping", options).await;
        queue.publish(numbers(1..=2_000)).await;
        let seen = Running::of(&queue, 50, 0).await.sees(2_000).await;
        assert_eq!(seen, numbers(1..=2_000));
        assert_eq!(queue.ready().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_comes_again_whole_and_in_order_before_any_other() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("failing", RabbitQueueOptions::default()).await;
    queue.publish(numbers(1..=20)).await;
    let running = Running::of(&queue, 10, 2).await;
    running.sees(20).await;
    let events = running.events.lock().unwrap().clone();
    let (first, second) = (numbers(1..=10), numbers(11..=20));
    assert_eq!(events, [first.clone(), first.clone(), first, second]);
    assert_eq!(queue.ready().await, 0);
}

/// A broker that is killed forgets what it had not stored, and so delivers again also what was acknowledged shortly before.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_or_restarts_under_load_loses_nothing() {
    const MESSAGES: usize = 20_000;
    const BATCH: usize = 100;
    let Some(mut broker) = RabbitBroker::start(&[]).await else {
        return;
    };
    let options = RabbitQueueOptions::default();
    let queue = broker.rabbit().queue("load", options).await;
    queue.publish(numbers(1..=MESSAGES)).await;
    let running = Running::of(&queue, BATCH, 0).await;
    for (killed, handed_over) in [(true, 1_000), (false, 3_000)] {
        until("some are handed over", async || {
            (running.seen().len() > handed_over).then_some(())
        })
        .await;
        if killed {
            broker.kill().await;
        } else {
            broker.terminate().await;
        }
        broker.restart().await;
    }
    let seen = running.sees(MESSAGES).await;
    let distinct: HashSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), MESSAGES);
    assert_eq!(queue.ready().await, 0);
}
