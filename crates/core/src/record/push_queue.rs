//! Messages that a broker pushes to its consumers.

use std::time::Duration;

use super::{ActiveMqMessage, RabbitMqMessage, Unreadable};
use crate::setters;

/// Names a delivery within its session: each has a greater one than all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryTag(pub u64);

/// A message that a broker has pushed to a consumer, and that is the consumer's until it is settled or the session
/// ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PushedMessage {
    /// This delivery of it.
    pub tag: DeliveryTag,
    /// How many deliveries of it have failed before, as the broker counts; 0 where it does not.
    pub failed_deliveries: u32,
    /// How long it may still wait before the broker counts it as expired; `None` for ever.
    pub time_to_live: Option<Duration>,
    /// What the event shows of it.
    pub content: PushedContent,
}

impl PushedMessage {
    /// Returns a message that was not delivered before and does not expire.
    #[must_use]
    pub const fn new(tag: DeliveryTag, content: PushedContent) -> Self {
        Self {
            tag,
            failed_deliveries: 0,
            time_to_live: None,
            content,
        }
    }
}

setters!(PushedMessage {
    with_failed_deliveries sets failed_deliveries: u32,
    with_time_to_live sets time_to_live: Option<Duration>,
});

/// What a pushed message carries, in the terms of its broker.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PushedContent {
    /// A message of RabbitMQ.
    RabbitMq(Box<RabbitMqMessage>),
    /// A message of ActiveMQ.
    ActiveMq(Box<ActiveMqMessage>),
    /// A message that no event can show, as an ActiveMQ map message. It is dropped and counted, so that it does not stop
    /// the queue.
    Unreadable(Box<Unreadable>),
}

impl From<RabbitMqMessage> for PushedContent {
    fn from(message: RabbitMqMessage) -> Self {
        Self::RabbitMq(Box::new(message))
    }
}

impl From<ActiveMqMessage> for PushedContent {
    fn from(message: ActiveMqMessage) -> Self {
        Self::ActiveMq(Box::new(message))
    }
}

impl PushedContent {
    /// Returns how much data it carries, in bytes, about.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::RabbitMq(message) => message.size(),
            Self::ActiveMq(message) => message.size(),
            Self::Unreadable(message) => message.json.len(),
        }
    }
}
