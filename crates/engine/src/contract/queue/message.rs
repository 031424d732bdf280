//! What the contract asks an implementation's test to send.

use lambda_esm_core::record::MessageAttribute;

/// A message that the contract has put into the queue. No two that go to a FIFO queue have the same body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageToSend {
    /// The body.
    pub body: String,
    /// The message group; given for FIFO queues only.
    pub group: Option<String>,
    /// The sender's attributes; most messages have none.
    pub attributes: Vec<(String, MessageAttribute)>,
}

impl MessageToSend {
    pub(super) fn new(body: &str, group: Option<String>) -> Self {
        Self {
            body: body.to_owned(),
            group,
            attributes: Vec::new(),
        }
    }
}
