//! Messages of ActiveMQ.

use bytes::Bytes;

use crate::setters;
use crate::time::Timestamp;

/// A message of an ActiveMQ queue, in the terms of JMS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveMqMessage {
    /// `JMSMessageID`; empty where its sender gave it none.
    pub message_id: String,
    /// Text or bytes.
    pub kind: ActiveMqKind,
    /// The text, or the bytes.
    pub body: Bytes,
    /// `JMSDeliveryMode`: 1 for a message that is not persistent, 2 for one that is.
    pub delivery_mode: u8,
    /// `JMSReplyTo`, by name.
    pub reply_to: Option<String>,
    /// `JMSType`.
    pub jms_type: Option<String>,
    /// `JMSExpiration`: when it expires; `None` for never.
    pub expiration: Option<Timestamp>,
    /// `JMSPriority`: 0 to 9.
    pub priority: u8,
    /// `JMSCorrelationID`.
    pub correlation_id: Option<String>,
    /// `JMSRedelivered`: whether it was delivered before.
    pub redelivered: bool,
    /// `JMSDestination`, by name.
    pub destination: String,
    /// `JMSTimestamp`: when it was sent.
    pub timestamp: Option<Timestamp>,
    /// When the broker got it; `None` where the protocol does not tell.
    pub broker_in_time: Option<Timestamp>,
    /// When the broker sent it; `None` where the protocol does not tell.
    pub broker_out_time: Option<Timestamp>,
    /// Its properties, as texts, in the order in which they came.
    pub properties: Vec<(String, String)>,
}

/// What an ActiveMQ message carries. Lambda takes no other kinds (Lambda developer guide, "Using Lambda with Amazon
/// MQ").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActiveMqKind {
    /// `jms/text-message`.
    Text,
    /// `jms/bytes-message`.
    Bytes,
}

impl ActiveMqMessage {
    /// Returns a persistent message of priority 4 from `destination` that was not delivered before.
    pub fn new(
        destination: impl Into<String>,
        message_id: impl Into<String>,
        kind: ActiveMqKind,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            message_id: message_id.into(),
            kind,
            body: body.into(),
            delivery_mode: 2,
            reply_to: None,
            jms_type: None,
            expiration: None,
            priority: 4,
            correlation_id: None,
            redelivered: false,
            destination: destination.into(),
            timestamp: None,
            broker_in_time: None,
            broker_out_time: None,
            properties: Vec::new(),
        }
    }

    /// Returns how much data it carries, in bytes, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let properties = self.properties.iter();
        let properties = properties.map(|(name, value)| name.len() + value.len());
        self.body.len() + properties.sum::<usize>()
    }
}

setters!(ActiveMqMessage {
    with_delivery_mode sets delivery_mode: u8,
    with_reply_to sets reply_to: Option<String>,
    with_jms_type sets jms_type: Option<String>,
    with_expiration sets expiration: Option<Timestamp>,
    with_priority sets priority: u8,
    with_correlation_id sets correlation_id: Option<String>,
    with_redelivered sets redelivered: bool,
    with_timestamp sets timestamp: Option<Timestamp>,
    with_broker_in_time sets broker_in_time: Option<Timestamp>,
    with_broker_out_time sets broker_out_time: Option<Timestamp>,
    with_properties sets properties: Vec<(String, String)>,
});
