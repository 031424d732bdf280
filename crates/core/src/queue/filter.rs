//! `FilterCriteria`: which messages of a queue are delivered; the others are deleted (Lambda developer guide,
//! "Control which events Lambda sends to your function").

use lambda_esm_filter::{Filters, Mismatch, Record, Scratch};

use super::config::QueueConfig;
use super::encoder::QueueEncoder;
use crate::event::sqs::SqsEncoder;
use crate::record::{QueueContent, QueueMessage, SqsMessage};
use crate::stream::data_filter::{self, DataFilter};
use crate::stream::topic::filter::PartitionRecord;

/// The name under which patterns speak of a message's body.
const BODY: &str = "body";

/// Decides which messages are delivered.
#[derive(Debug, Default)]
pub(super) struct MessageFilter {
    scratch: Scratch,
    metadata: Vec<u8>,
    records: DataFilter,
}

impl MessageFilter {
    /// Returns whether the message passes.
    pub(super) fn passes(&mut self, config: &QueueConfig, message: &QueueMessage) -> bool {
        let Some(filters) = &config.filters else {
            return true;
        };
        match (&config.encoder, &message.content) {
            (QueueEncoder::Sqs(encoder), QueueContent::Sqs(sqs)) => {
                self.message_passes(filters, encoder, message, sqs)
            }
            (QueueEncoder::Kafka(encoder), QueueContent::Kafka(shared)) => {
                let record = PartitionRecord {
                    encoder,
                    partition: shared.partition,
                    record: &shared.record,
                };
                self.records.passes(filters, &record)
            }
            _ => true,
        }
    }

    fn message_passes(
        &mut self,
        filters: &Filters,
        encoder: &SqsEncoder,
        message: &QueueMessage,
        sqs: &SqsMessage,
    ) -> bool {
        let needed = filters.needs_metadata(BODY);
        self.metadata.clear();
        if needed {
            encoder.write_without_body(&mut self.metadata, &message.id, &message.receipt, sqs);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        filters
            .matches_record(&seen(sqs, metadata), &mut self.scratch)
            .is_some()
    }
}

/// Returns what filters see of a message.
fn seen<'a>(sqs: &'a SqsMessage, metadata: &'a [&'a [u8]]) -> Record<'a> {
    Record {
        data_key: BODY,
        data: sqs.body.as_bytes(),
        metadata,
        on_mismatch: Mismatch::Drop,
    }
}

/// Returns why a message passes no filter, in words.
pub(super) fn explain(config: &QueueConfig, message: &QueueMessage) -> String {
    let Some(filters) = &config.filters else {
        return String::new();
    };
    match (&config.encoder, &message.content) {
        (QueueEncoder::Sqs(encoder), QueueContent::Sqs(sqs)) => {
            let mut metadata = Vec::new();
            encoder.write_without_body(&mut metadata, &message.id, &message.receipt, sqs);
            let explanation = filters.explain_record(&seen(sqs, &[&metadata])).to_string();
            let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
            lines.join("; ")
        }
        (QueueEncoder::Kafka(encoder), QueueContent::Kafka(shared)) => {
            let record = PartitionRecord {
                encoder,
                partition: shared.partition,
                record: &shared.record,
            };
            data_filter::explain(filters, &record)
        }
        _ => String::new(),
    }
}
