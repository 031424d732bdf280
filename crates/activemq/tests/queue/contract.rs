//! The contract of queues of brokers, on ActiveMQ.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use fe2o3_amqp::types::messaging::{AmqpValue, Body, Data, Header, Message, Priority, Properties};
use fe2o3_amqp::types::messaging::{ApplicationProperties, MessageId};
use fe2o3_amqp::types::primitives::{Binary, SimpleValue, Value};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::contract::{MessageToPublish, PushQueueContract, push_queue_contract};
use lambda_esm_engine::ports::PushQueueSource;
use tokio::sync::Mutex;

use crate::activemq::Broker;
use crate::amqp::Amqp;
use crate::line::Line;
use crate::scene::{ADMIN, source};

/// The queue of dead letters.
const DEAD: &str = "ActiveMQ.DLQ";

struct Queues {
    broker: String,
    amqp: Mutex<Amqp>,
    lines: Mutex<HashMap<String, Line>>,
}

#[async_trait]
impl PushQueueContract for Queues {
    fn engine(&self) -> MqEngine {
        MqEngine::ActiveMq
    }

    async fn make(&self, queue: &str) {
        self.amqp.lock().await.make(queue).await;
    }

    async fn source(&self, queue: &str) -> Arc<dyn PushQueueSource> {
        let line = Line::to(&self.broker).await;
        let source = source(&line.address, queue, ADMIN);
        self.lines.lock().await.insert(queue.to_owned(), line);
        Arc::new(source)
    }

    async fn publish(&self, queue: &str, message: MessageToPublish) {
        let message = amqp(message);
        self.amqp.lock().await.publish(queue, message).await;
    }

    async fn ready(&self, queue: &str) -> usize {
        self.amqp.lock().await.ready(queue).await
    }

    fn marks_redeliveries(&self) -> bool {
        false
    }

    fn makes_missing_queues(&self) -> bool {
        true
    }

    async fn dead_letters(&self, _queue: &str) -> Option<usize> {
        // All are of this contract.
        Some(self.amqp.lock().await.ready(DEAD).await)
    }

    async fn break_connections(&self, queue: &str) -> bool {
        let line = self.lines.lock().await.remove(queue).unwrap();
        let address = line.address.strip_prefix("amqp://").unwrap().to_owned();
        line.cut().await;
        // The next session takes the same way.
        let line = Line::from(&address, &self.broker).await;
        self.lines.lock().await.insert(queue.to_owned(), line);
        true
    }
}

/// Returns a message as clients of JMS send it by AMQP.
fn amqp(message: MessageToPublish) -> Message<Body<Value>> {
    let body = if message.is_text {
        let text = String::from_utf8(message.body.to_vec()).unwrap();
        Body::Value(AmqpValue(Value::String(text)))
    } else {
        Body::Data(vec![Data(Binary::from(message.body.to_vec()))].into())
    };
    let headers = message.headers.into_iter();
    let headers = headers.map(|(name, value)| (name, SimpleValue::String(value)));
    let header = Header {
        durable: true,
        priority: Priority(message.priority.unwrap_or(4)),
        ..Header::default()
    };
    let properties = Properties {
        correlation_id: message.correlation_id.map(MessageId::String),
        subject: message.kind,
        ..Properties::default()
    };
    Message::builder()
        .header(header)
        .properties(properties)
        .application_properties(ApplicationProperties(headers.collect()))
        .body(body)
        .build()
}

#[tokio::test(flavor = "multi_thread")]
async fn activemq_keeps_the_contract() {
    let Some(broker) = Broker::start().await else {
        return;
    };
    let broker_at = broker.amqp().strip_prefix("amqp://").unwrap().to_owned();
    let mut amqp = Amqp::to(&broker_at).await;
    amqp.make(DEAD).await;
    let queues = Queues {
        broker: broker_at,
        amqp: Mutex::new(amqp),
        lines: Mutex::default(),
    };
    push_queue_contract(&queues).await;
}
