//! What was seen, as failures show it.

use std::fmt::{Debug, Formatter, Result};
use std::time::Duration;

use lambda_esm_core::record::{QueueContent, QueueMessage};

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

pub(super) fn body(message: &QueueMessage) -> &str {
    let QueueContent::Sqs(content) = &message.content;
    &content.body
}

/// Returns a system attribute.
pub(super) fn attribute<'a>(message: &'a QueueMessage, name: &str) -> Option<&'a str> {
    let QueueContent::Sqs(content) = &message.content;
    let mut attributes = content.attributes.iter();
    let (_, value) = attributes.find(|(each, _)| each == name)?;
    Some(value)
}
