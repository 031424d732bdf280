//! What was seen, as failures show it.

use std::fmt::{Debug, Formatter, Result};
use std::time::Duration;

use lambda_esm_core::record::{QueueMessage, SqsMessage};

use crate::contract::promise::broken;

/// A text of any length, the start of which is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'a>(pub(super) &'a str);

/// How many characters of a text are shown.
const SHOWN: usize = 80;

impl Debug for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0.char_indices().nth(SHOWN) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}... ({} bytes)", &self.0[..end], self.0.len()),
        }
    }
}

/// A message in brief.
pub(super) struct Brief<'a>(pub(super) &'a QueueMessage);

impl Debug for Brief<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self(message) = self;
        f.debug_struct("QueueMessage")
            .field("id", &message.id)
            .field("receipt", &message.receipt.0)
            .field("body", &Text(body(message)))
            .finish_non_exhaustive()
    }
}

/// A moment since something else.
pub(super) struct After(pub(super) Duration);

impl Debug for After {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "after {:?}", self.0)
    }
}

/// Returns what SQS says of a message.
#[track_caller]
pub(super) fn sqs(message: &QueueMessage) -> &SqsMessage {
    let content = message.content.sqs();
    content.unwrap_or_else(|| broken("a queue gives messages of SQS", "one", &message.content))
}

pub(super) fn body(message: &QueueMessage) -> &str {
    &sqs(message).body
}

/// Returns a system attribute.
pub(super) fn attribute<'a>(message: &'a QueueMessage, name: &str) -> Option<&'a str> {
    let mut attributes = sqs(message).attributes.iter();
    let (_, value) = attributes.find(|(each, _)| each == name)?;
    Some(value)
}
