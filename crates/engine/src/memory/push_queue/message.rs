//! A message as the broker keeps it.

use std::cmp::Reverse;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{DeliveryTag, PushedContent, PushedMessage};

/// Where a message stands in its queue: it goes back to this place when it is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) priority: Reverse<u8>,
    pub(super) number: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) content: PushedContent,
    /// How many of its deliveries have failed.
    pub(super) failures: u32,
    pub(super) was_delivered: bool,
    expires: Option<Timestamp>,
}

impl Stored {
    pub(super) fn new(now: Timestamp, content: PushedContent) -> Self {
        Self {
            expires: expires(now, &content),
            content,
            failures: 0,
            was_delivered: false,
        }
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|time| time <= now)
    }

    /// Returns the message as it is delivered.
    pub(super) fn delivered(
        &self,
        now: Timestamp,
        tag: DeliveryTag,
        engine: MqEngine,
    ) -> PushedMessage {
        let mut content = self.content.clone();
        match &mut content {
            PushedContent::RabbitMq(message) => message.redelivered = self.was_delivered,
            PushedContent::ActiveMq(message) => message.redelivered = self.was_delivered,
            _ => {}
        }
        let counts = engine == MqEngine::ActiveMq;
        let failures = if counts { self.failures } else { 0 };
        PushedMessage::new(tag, content)
            .with_failed_deliveries(failures)
            .with_time_to_live(self.expires.map(|time| time.since(now)))
    }
}

/// Returns when a message expires: after so long in the queue of RabbitMQ, at that time in one of ActiveMQ.
fn expires(now: Timestamp, content: &PushedContent) -> Option<Timestamp> {
    match content {
        PushedContent::RabbitMq(message) => {
            let text = message.properties.expiration.as_deref()?;
            Some(now + Duration::from_millis(text.parse().ok()?))
        }
        PushedContent::ActiveMq(message) => message.expiration,
        _ => None,
    }
}

/// Returns the priority that its publisher gave a message.
pub(super) fn priority(content: &PushedContent) -> u8 {
    match content {
        PushedContent::RabbitMq(message) => message.properties.priority.unwrap_or(0),
        PushedContent::ActiveMq(message) => message.priority,
        _ => 0,
    }
}
