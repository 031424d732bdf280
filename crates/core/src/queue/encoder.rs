//! How the messages of a queue become events.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::delivery::Delivery;
use crate::batching::Batch;
use crate::event::kafka::KafkaEncoder;
use crate::event::sqs::SqsEncoder;
use crate::event::{Envelope, RECORDS};
use crate::record::{QueueContent, QueueMessage, Receipt};

/// Writes the events of one kind of queue.
#[derive(Clone, Debug)]
pub enum QueueEncoder {
    /// SQS events.
    Sqs(SqsEncoder),
    /// Kafka events, of records that a share group delivers.
    Kafka(KafkaEncoder),
}

impl QueueEncoder {
    /// Returns what stands around the fragments of a batch until its [event](Self::event) is made.
    pub(super) const fn envelope(&self) -> Envelope {
        match self {
            Self::Sqs(_) | Self::Kafka(_) => RECORDS,
        }
    }

    /// Appends the fragment of one message.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        id: &str,
        receipt: &Receipt,
        content: &QueueContent,
    ) {
        match (self, content) {
            (Self::Sqs(encoder), QueueContent::Sqs(sqs)) => encoder.write(out, id, receipt, sqs),
            (Self::Kafka(encoder), QueueContent::Kafka(shared)) => {
                encoder.write(out, shared.partition, &shared.record);
            }
            // A source that yields another kind of message than its mapping says.
            _ => out.extend_from_slice(b"null"),
        }
    }

    /// Returns the event of a batch.
    pub(super) fn event(&self, batch: &Batch<Delivery>) -> Bytes {
        match self {
            Self::Sqs(_) => batch.payload(),
            Self::Kafka(encoder) => {
                let partitions = batch.items.iter().map(Delivery::partition);
                encoder.event(partitions.zip(batch.each_fragment()))
            }
        }
    }

    /// Returns how many bytes the event of these messages has beside their fragments more than its batch: of all
    /// together, and of one alone at most.
    pub(super) fn overhead(&self, messages: &[QueueMessage]) -> (usize, usize) {
        let Self::Kafka(encoder) = self else {
            return (0, 0);
        };
        let envelope = RECORDS.prefix.len() + RECORDS.suffix.len();
        let around = encoder.overhead().saturating_sub(envelope);
        let partitions = messages
            .iter()
            .filter_map(|message| message.content.kafka());
        let partitions: BTreeSet<i32> = partitions.map(|shared| shared.partition).collect();
        let overheads = || {
            let partitions = partitions.iter();
            partitions.map(|&partition| encoder.partition_overhead(partition))
        };
        let alone = around + overheads().max().unwrap_or_default();
        (around + overheads().sum::<usize>(), alone)
    }
}
