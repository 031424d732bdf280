//! Mappings of queues, with all that is between a broker and a function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_activemq::ActiveMqBrokers;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::Arn;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::{Engine, EngineOptions};
use serde_json::{Value, json};

use crate::activemq::Broker;
use crate::scene::{ADMIN, Queue, secrets};
use crate::wait::until;

const ARN: &str = "arn:aws:mq:us-east-1:000000000000:broker:test:b-0";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:admin-AbCdEf";

/// How often each text was in an event.
type Seen = Arc<Mutex<HashMap<String, usize>>>;

/// Returns an engine whose function takes note of texts, and fails with batches that hold "0" if told so.
fn engine(broker: &Broker, seen: &Seen, fails: bool) -> Engine {
    let seen = Arc::clone(seen);
    let function = Closure::new(move |invocation| {
        let event: Value = serde_json::from_slice(&invocation.payload).unwrap();
        let messages = event["messages"].as_array().unwrap().iter();
        let data = messages.map(|message| message["data"].as_str().unwrap());
        let texts = data.map(|data| String::from_utf8(STANDARD.decode(data).unwrap()).unwrap());
        let texts: Vec<String> = texts.collect();
        let answer = match fails && texts.contains(&"0".to_owned()) {
            true => Err(InvokeError::function("it is 0")),
            false => Ok(Bytes::new()),
        };
        for text in texts {
            *seen.lock().unwrap().entry(text).or_default() += 1;
        }
        async { answer }
    });
    let address = broker.amqp().parse().unwrap();
    let secrets = secrets();
    let secret = format!(r#"{{"username":"{ADMIN}","password":"{ADMIN}-secret"}}"#);
    secrets.put(SECRET, &secret).unwrap();
    let brokers = [(Arn::parse(ARN).unwrap(), address)];
    Engine::builder()
        .options(EngineOptions::default().with_transition(Duration::ZERO))
        .provider(ActiveMqBrokers::new(brokers, secrets))
        .invoke(function)
        .build()
}

fn mapping(queue: &str, batch: usize) -> CreateEventSourceMapping {
    let request = json!({
        "EventSourceArn": ARN,
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}],
        "Queues": [queue],
        "FunctionName": "function",
        "BatchSize": batch,
    });
    serde_json::from_value(request).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_under_load_loses_nothing_and_repeats_no_more_than_the_prefetch() {
    const MESSAGES: usize = 4_000;
    const BATCH: usize = 50;
    let Some(mut broker) = Broker::start().await else {
        return;
    };
    let queue = Queue::at(&broker.amqp(), broker.jms());
    queue.fill(MESSAGES).await;
    let seen = Seen::default();
    let engine = engine(&broker, &seen, false);
    engine.create(mapping(&queue.name, BATCH)).await.unwrap();
    let different = async |count: usize| {
        until("messages are handled", async || {
            (seen.lock().unwrap().len() >= count).then_some(())
        })
        .await;
    };
    for kill in [1_000, 2_500] {
        different(kill).await;
        broker.kill().await;
        broker.restart().await;
    }
    different(MESSAGES).await;
    engine.shutdown().await;
    let repeats: usize = seen.lock().unwrap().values().map(|times| times - 1).sum();
    // Two kills, five batches at a time and as many that gather.
    assert!(repeats <= 2 * 10 * BATCH, "{repeats}");
    assert!(queue.jms.read(&queue.name).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_a_dead_letter_after_six_redeliveries_and_those_after_it_do_not_wait() {
    let Some(broker) = Broker::start().await else {
        return;
    };
    let queue = Queue::at(&broker.amqp(), broker.jms());
    queue.fill(3).await;
    let seen = Seen::default();
    let engine = engine(&broker, &seen, true);
    engine.create(mapping(&queue.name, 1)).await.unwrap();
    let times = |text: &str| seen.lock().unwrap().get(text).copied().unwrap_or_default();
    until("the others are handled", async || {
        (times("1") == 1 && times("2") == 1).then_some(())
    })
    .await;
    let mut letters = Vec::new();
    until("there is a dead letter", async || {
        if times("0") >= 7 {
            letters.extend(queue.jms.read("ActiveMQ.DLQ").await);
        }
        letters.first().cloned()
    })
    .await;
    engine.shutdown().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].text, "0");
    assert_eq!((times("0"), times("1"), times("2")), (7, 1, 1));
    assert!(queue.jms.read(&queue.name).await.is_empty());
}
