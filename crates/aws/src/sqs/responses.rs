//! What is read of the responses of SQS (SQS API reference).

use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::json::{LimitedMap, ListStart};

/// The most messages of one receive and the most entries of one batch request (SQS API reference,
/// `ReceiveMessage` and `DeleteMessageBatch`).
pub(super) const BATCH_LIMIT: usize = 10;

/// The attributes of a message, of either kind; SQS takes ten of the sender's, and has ten of its own.
pub(super) const ATTRIBUTES: usize = 100;

/// Of `ReceiveMessage`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessageResponse<'a> {
    /// Each is read by itself, so that one which cannot be read leaves the others alone.
    #[serde(borrow)]
    pub(super) messages: Option<ListStart<&'a RawValue, BATCH_LIMIT>>,
}

/// The id of a message in which something else cannot be read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageWithId {
    pub(super) message_id: String,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Message {
    pub(super) message_id: Option<String>,
    pub(super) receipt_handle: Option<String>,
    pub(super) body: Option<Arc<str>>,
    #[serde(rename = "MD5OfBody")]
    pub(super) md5_of_body: Option<Arc<str>>,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub(super) md5_of_message_attributes: Option<String>,
    pub(super) attributes: Option<LimitedMap<Text, ATTRIBUTES>>,
    pub(super) message_attributes: Option<LimitedMap<Attribute, ATTRIBUTES>>,
}

/// An attribute that the sender attached.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) data_type: Option<String>,
    pub(super) string_value: Option<Text>,
    /// In base64.
    pub(super) binary_value: Option<String>,
}

/// A text. SQS writes numbers and truth values as texts, what stands in for it may not.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json)
                .map(Self)
                .map_err(D::Error::custom),
            Some(b'{' | b'[' | b'n') => Err(D::Error::custom("a value that is no text")),
            _ => Ok(Self(json.to_owned())),
        }
    }
}
