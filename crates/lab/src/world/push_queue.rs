//! A queue of RabbitMQ or ActiveMQ.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, BasicProperties, PushedContent, RabbitMqMessage,
};
use lambda_esm_engine::memory::{MemoryPushQueue, MemoryPushQueueOptions};
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, DeliveryTag, Outcome, PushQueueConsumer, PushQueueSource,
    PushedMessage,
};

use super::intake::Intake;
use super::names::Names;
use crate::arrivals::Arrival;
use crate::recorder::{Identity as _, NamedRecord, RecordId, SourceType};

/// A queue, and what arrives in it.
#[derive(Clone)]
pub(crate) struct PushQueue {
    pub(super) intake: Arc<Intake>,
    pub(super) queue: MemoryPushQueue,
    name: Arc<str>,
}

impl PushQueue {
    pub(super) fn new(intake: Arc<Intake>, name: &str, engine: MqEngine) -> Self {
        let options = MemoryPushQueueOptions::default().with_engine(engine);
        Self {
            queue: MemoryPushQueue::new(intake.clock, name, options),
            intake,
            name: name.into(),
        }
    }

    pub(super) fn fill(&self) {
        self.intake.fill(|due| {
            let due: Vec<_> = due.collect();
            let messages = due.iter().map(|(_, arrival)| self.message(arrival));
            // All of them are of the queue's broker.
            drop(self.queue.publish_many(messages));
            let places = due.iter().map(|(time, arrival)| {
                let id = RecordId {
                    lane: 0,
                    index: arrival.number,
                };
                (id, *time)
            });
            places.collect()
        });
    }

    fn message(&self, arrival: &Arrival) -> PushedContent {
        let id = format!("message-{}", arrival.number);
        let body = arrival.payload.clone();
        match self.queue.engine() {
            MqEngine::ActiveMq => {
                ActiveMqMessage::new(&*self.name, id, ActiveMqKind::Text, body).into()
            }
            _ => {
                let properties = BasicProperties::default().with_message_id(Some(id));
                RabbitMqMessage::new(body)
                    .with_properties(properties)
                    .into()
            }
        }
    }

    /// Returns how many messages are in the queue.
    pub(super) fn waiting(&self) -> u64 {
        (self.queue.ready() + self.queue.unsettled()) as u64
    }
}

struct Consumer {
    queue: PushQueue,
    consumer: Arc<dyn PushQueueConsumer>,
    /// The messages that are not settled.
    delivered: Mutex<BTreeMap<DeliveryTag, RecordId>>,
}

#[async_trait]
impl PushQueueSource for PushQueue {
    fn engine(&self) -> MqEngine {
        self.queue.engine()
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        self.intake.call("consume")?;
        self.fill();
        Ok(Arc::new(Consumer {
            queue: self.clone(),
            consumer: self.queue.consume(request).await?,
            delivered: Mutex::default(),
        }))
    }
}

#[async_trait]
impl PushQueueConsumer for Consumer {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let intake = &self.queue.intake;
        intake.call("next")?;
        loop {
            self.queue.fill();
            let messages = tokio::select! {
                biased;
                messages = self.consumer.next() => messages?,
                () = intake.arrival() => continue,
            };
            let mut delivered = self
                .delivered
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for message in &messages {
                if let Some(id) = record(&message.content) {
                    delivered.insert(message.tag, id);
                }
            }
            drop(delivered);
            return Ok(messages);
        }
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        let intake = &self.queue.intake;
        intake.call("settle")?;
        let settled = outcomes.clone();
        self.consumer.settle(outcomes).await?;
        let mut delivered = self
            .delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for outcome in settled {
            let record = delivered.remove(&outcome.tag);
            let (Some(id), Some(mapping)) = (record, intake.mapping) else {
                continue;
            };
            match outcome.outcome {
                // What the function has not processed matched no filter.
                Outcome::Accepted => intake.recorder.filtered(mapping, id),
                // A decision says why.
                Outcome::Rejected => intake.recorder.given_up(mapping, id),
                _ => {}
            }
        }
        Ok(())
    }

    async fn stop(&self) -> Result<(), SourceError> {
        self.consumer.stop().await
    }

    async fn close(&self) {
        self.consumer.close().await;
    }
}

fn record(content: &PushedContent) -> Option<RecordId> {
    let (kind, id) = match content {
        PushedContent::RabbitMq(message) => (
            SourceType::RabbitMq,
            message.properties.message_id.as_ref()?,
        ),
        PushedContent::ActiveMq(message) => (SourceType::ActiveMq, &message.message_id),
        _ => return None,
    };
    Names(vec![kind]).record(0, NamedRecord::Text(id))
}
