//! Queues in memory, which may have a fault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, BasicProperties, FieldValue, PushedContent, RabbitMqMessage,
};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{MessageToPublish, PushQueueContract};
use lambda_esm_engine::memory::{MemoryPushQueue, MemoryPushQueueOptions};
use lambda_esm_engine::ports::PushQueueSource;

use crate::fault::Fault;
use crate::faulty::FaultyQueue;

pub(crate) struct MemoryQueues {
    fault: Option<Fault>,
    engine: MqEngine,
    queues: Mutex<HashMap<String, MemoryPushQueue>>,
}

impl MemoryQueues {
    pub(crate) fn new(fault: Option<Fault>, engine: MqEngine) -> Self {
        Self {
            fault,
            engine,
            queues: Mutex::default(),
        }
    }

    fn queue(&self, name: &str) -> MemoryPushQueue {
        let mut queues = self.queues.lock().unwrap();
        let missing = || {
            let queue = self.new_queue(name);
            let text = "there is no such queue";
            queue.set_problem(Some(SourceError::new(SourceErrorKind::NotFound, text)));
            queue
        };
        queues
            .entry(name.to_owned())
            .or_insert_with(missing)
            .clone()
    }

    fn new_queue(&self, name: &str) -> MemoryPushQueue {
        let options = MemoryPushQueueOptions::default().with_engine(self.engine);
        MemoryPushQueue::new(Clock::system(), name, options)
    }
}

#[async_trait]
impl PushQueueContract for MemoryQueues {
    fn engine(&self) -> MqEngine {
        self.engine
    }

    async fn make(&self, queue: &str) {
        self.queue(queue).set_problem(None);
    }

    async fn source(&self, queue: &str) -> Arc<dyn PushQueueSource> {
        match self.fault {
            None => Arc::new(self.queue(queue)),
            Some(fault) => Arc::new(FaultyQueue::new(self.queue(queue), fault)),
        }
    }

    async fn publish(&self, queue: &str, message: MessageToPublish) {
        let content: PushedContent = match self.engine {
            MqEngine::ActiveMq => activemq(queue, message).into(),
            _ => rabbitmq(message).into(),
        };
        self.queue(queue).publish(content).unwrap();
    }

    async fn ready(&self, queue: &str) -> usize {
        self.queue(queue).ready()
    }

    async fn dead_letters(&self, queue: &str) -> Option<usize> {
        Some(self.queue(queue).dead_letters().len())
    }

    async fn break_connections(&self, queue: &str) -> bool {
        self.queue(queue).break_connections();
        true
    }

    async fn delete(&self, queue: &str) -> bool {
        self.queue(queue).delete();
        true
    }
}

fn rabbitmq(message: MessageToPublish) -> RabbitMqMessage {
    let text = |text: String| FieldValue::LongString(Bytes::from(text));
    let headers = message.headers.into_iter();
    let headers: Vec<_> = headers.map(|(name, value)| (name, text(value))).collect();
    let properties = BasicProperties::default()
        .with_delivery_mode(Some(2))
        .with_correlation_id(message.correlation_id)
        .with_kind(message.kind)
        .with_priority(message.priority)
        .with_headers((!headers.is_empty()).then_some(headers));
    RabbitMqMessage::new(message.body).with_properties(properties)
}

fn activemq(queue: &str, message: MessageToPublish) -> ActiveMqMessage {
    let kind = match message.is_text {
        true => ActiveMqKind::Text,
        false => ActiveMqKind::Bytes,
    };
    ActiveMqMessage::new(queue, "ID:1", kind, message.body)
        .with_correlation_id(message.correlation_id)
        .with_jms_type(message.kind)
        .with_priority(message.priority.unwrap_or(4))
        .with_properties(message.headers)
}
