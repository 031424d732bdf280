//! `FilterCriteria`: which messages of a queue are delivered; the others are deleted (Lambda developer guide,
//! "Control which events Lambda sends to your function").

use lambda_esm_filter::{Mismatch, Record, Scratch};

use super::config::{QueueConfig, QueueEncoder};
use crate::record::{QueueContent, QueueMessage};

impl QueueEncoder {
    /// Returns what filters see of a message.
    fn record<'a>(&self, message: &'a QueueMessage, metadata: &'a [&'a [u8]]) -> Record<'a> {
        let QueueContent::Sqs(sqs) = &message.content;
        let data = sqs.body.as_bytes();
        Record {
            data_key: self.data_key(),
            data,
            metadata,
            on_mismatch: Mismatch::Drop,
        }
    }

    /// Appends what filters may look at beside the data key.
    fn write_metadata(&self, out: &mut Vec<u8>, message: &QueueMessage) {
        let (Self::Sqs(encoder), QueueContent::Sqs(sqs)) = (self, &message.content);
        encoder.write_without_body(out, &message.id, &message.receipt, sqs);
    }

    const fn data_key(&self) -> &'static str {
        match self {
            Self::Sqs(_) => "body",
        }
    }
}

/// Decides which messages are delivered.
#[derive(Debug, Default)]
pub(super) struct MessageFilter {
    scratch: Scratch,
    metadata: Vec<u8>,
}

impl MessageFilter {
    /// Returns whether the message passes.
    pub(super) fn passes(&mut self, config: &QueueConfig, message: &QueueMessage) -> bool {
        let Some(filters) = &config.filters else {
            return true;
        };
        let needed = filters.needs_metadata(config.encoder.data_key());
        self.metadata.clear();
        if needed {
            config.encoder.write_metadata(&mut self.metadata, message);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        let record = config.encoder.record(message, metadata);
        filters.matches_record(&record, &mut self.scratch).is_some()
    }
}

/// Returns why a message passes no filter, in words.
pub(super) fn explain(config: &QueueConfig, message: &QueueMessage) -> String {
    let Some(filters) = &config.filters else {
        return String::new();
    };
    let mut metadata = Vec::new();
    config.encoder.write_metadata(&mut metadata, message);
    let metadata: &[&[u8]] = &[&metadata];
    let record = config.encoder.record(message, metadata);
    let explanation = filters.explain_record(&record).to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}
