//! Messages of RabbitMQ.

use bytes::Bytes;

use crate::setters;

/// A message of a RabbitMQ queue (AMQP 0-9-1, `basic.deliver`).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RabbitMqMessage {
    /// What its publisher said of it.
    pub properties: BasicProperties,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// The body.
    pub body: Bytes,
}

impl RabbitMqMessage {
    /// Returns a message without properties that was not delivered before.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Returns how much data it carries, in bytes, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let headers = self.properties.headers.iter().flatten();
        let headers = headers.map(|(name, value)| name.len() + value.size());
        self.body.len() + headers.sum::<usize>()
    }
}

setters!(RabbitMqMessage {
    with_properties sets properties: BasicProperties,
    with_redelivered sets redelivered: bool,
});

/// The properties of a message (AMQP 0-9-1, class `basic`); `None` for what its publisher left out.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BasicProperties {
    /// MIME type of the body.
    pub content_type: Option<String>,
    /// MIME encoding of the body.
    pub content_encoding: Option<String>,
    /// Headers in the order in which they came.
    pub headers: Option<FieldTable>,
    /// 1 for a transient message, 2 for a persistent one.
    pub delivery_mode: Option<u8>,
    /// 0 to 9 by the protocol; priority queues take up to 255.
    pub priority: Option<u8>,
    /// What it answers to.
    pub correlation_id: Option<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// How long it may wait in the queue: milliseconds, as text.
    pub expiration: Option<String>,
    /// The publisher's name for it.
    pub message_id: Option<String>,
    /// The publisher's time, in seconds since the epoch.
    pub timestamp: Option<u64>,
    /// The publisher's name for its kind.
    pub kind: Option<String>,
    /// The user that published it, as the broker has checked.
    pub user_id: Option<String>,
    /// The application that published it.
    pub app_id: Option<String>,
    /// Reserved by the protocol.
    pub cluster_id: Option<String>,
}

setters!(BasicProperties {
    with_content_type sets content_type: Option<String>,
    with_content_encoding sets content_encoding: Option<String>,
    with_headers sets headers: Option<FieldTable>,
    with_delivery_mode sets delivery_mode: Option<u8>,
    with_priority sets priority: Option<u8>,
    with_correlation_id sets correlation_id: Option<String>,
    with_reply_to sets reply_to: Option<String>,
    with_expiration sets expiration: Option<String>,
    with_message_id sets message_id: Option<String>,
    with_timestamp sets timestamp: Option<u64>,
    with_kind sets kind: Option<String>,
    with_user_id sets user_id: Option<String>,
    with_app_id sets app_id: Option<String>,
    with_cluster_id sets cluster_id: Option<String>,
});

/// Names and values, in the order in which they came.
pub type FieldTable = Vec<(String, FieldValue)>;

/// A value of a field table (AMQP 0-9-1 with RabbitMQ's types).
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// `t`.
    Boolean(bool),
    /// `b`, `B`, `s`, `u`, `I`, `i` and `l`: any whole number.
    Integer(i64),
    /// `f`.
    Float(f32),
    /// `d`.
    Double(f64),
    /// `D`: `unscaled` divided by ten to the power of `scale`.
    Decimal {
        /// How many digits stand after the point.
        scale: u8,
        /// The digits.
        unscaled: i64,
    },
    /// `S`: text by the protocol, any bytes in fact.
    LongString(Bytes),
    /// `x`.
    ByteArray(Bytes),
    /// `T`: seconds since the epoch.
    Timestamp(u64),
    /// `A`.
    Array(Vec<Self>),
    /// `F`.
    Table(FieldTable),
    /// `V`.
    Void,
}

impl FieldValue {
    fn size(&self) -> usize {
        match self {
            Self::LongString(bytes) | Self::ByteArray(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(Self::size).sum(),
            Self::Table(table) => table
                .iter()
                .map(|(name, value)| name.len() + value.size())
                .sum(),
            _ => 8,
        }
    }
}
