//! What SQS says of a message.

use std::borrow::Cow;
use std::sync::Arc;

use super::digest;
use crate::time::Timestamp;

/// What SQS returns of a message (SQS API reference, `Message`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqsMessage {
    /// The body, delivered verbatim.
    pub body: Arc<str>,
    /// The lower-case hexadecimal MD5 of the body.
    pub md5_of_body: Arc<str>,
    /// The lower-case hexadecimal MD5 of the message attributes; absent if there are none.
    pub md5_of_message_attributes: Option<String>,
    /// System attributes in the order received, e.g. `ApproximateReceiveCount`; values are strings.
    pub attributes: Vec<(Cow<'static, str>, String)>,
    /// The sender's attributes by name.
    pub message_attributes: Vec<(String, MessageAttribute)>,
}

impl SqsMessage {
    /// Returns a message with this body, its MD5, and no attributes.
    pub fn new(body: impl Into<Arc<str>>) -> Self {
        let body = body.into();
        Self {
            md5_of_body: digest::of_body(&body).into(),
            body,
            ..Self::default()
        }
    }

    /// Gives it the sender's attributes, and their MD5.
    #[must_use]
    pub fn with_message_attributes(mut self, attributes: Vec<(String, MessageAttribute)>) -> Self {
        let parts = attributes.iter().map(|(name, attribute)| {
            let (kind, value) = match &attribute.value {
                AttributeValue::Text(text) => (1, text.as_bytes()),
                AttributeValue::Binary(bytes) => (2, bytes.as_slice()),
            };
            (name.as_str(), attribute.data_type.as_str(), kind, value)
        });
        let parts: Vec<_> = parts.collect();
        self.md5_of_message_attributes = (!parts.is_empty()).then(|| digest::of_attributes(parts));
        self.message_attributes = attributes;
        self
    }

    /// Adds a system attribute, e.g. `SenderId`, behind those that it has.
    #[must_use]
    pub fn with_attribute(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// Adds what SQS says of each delivery: how often the message was received, this time included, when and by
    /// whom it was sent, and when it was first received.
    #[must_use]
    pub fn delivered(
        self,
        receive_count: u32,
        sent: Timestamp,
        sender_id: &str,
        first_received: Timestamp,
    ) -> Self {
        self.with_attribute("ApproximateReceiveCount", receive_count.to_string())
            .with_attribute("SentTimestamp", sent.millis().to_string())
            .with_attribute("SenderId", sender_id)
            .with_attribute(
                "ApproximateFirstReceiveTimestamp",
                first_received.millis().to_string(),
            )
    }
}

/// An attribute that the sender attached to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, with an optional custom suffix such as `Number.int`.
    pub data_type: String,
    /// Its value.
    pub value: AttributeValue,
}

impl MessageAttribute {
    /// Returns an attribute of a type: `String`, `Number` or `Binary`, with an optional suffix.
    pub fn new(data_type: impl Into<String>, value: AttributeValue) -> Self {
        Self {
            data_type: data_type.into(),
            value,
        }
    }

    /// Returns a `String` attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self::new("String", AttributeValue::Text(value.into()))
    }
}

/// The value of a [`MessageAttribute`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A string or a number in its textual form.
    Text(String),
    /// Raw bytes; base64 in the event.
    Binary(Vec<u8>),
}
