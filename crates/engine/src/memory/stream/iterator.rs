//! The names of places in an in-memory stream: shards, sequence numbers and positions.

use std::sync::Arc;

use lambda_esm_core::Timestamp;

use super::options::StreamKind;
use crate::ports::{Cursor, ShardId};

/// Which shard of which generation of a stream; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lineage {
    /// How often the stream was created anew.
    pub(super) generation: u64,
    /// How many shards were made before this one in its generation.
    pub(super) number: u64,
}

/// A cursor that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardIterator {
    pub(super) lineage: Lineage,
    /// The record to begin with, counted from the shard's first.
    pub(super) index: u64,
    /// When the cursor was given out.
    pub(super) issued: Timestamp,
}

impl Lineage {
    /// Returns the name of this shard. Those of a Kinesis stream that is created anew are the old names
    /// again.
    pub(super) fn shard(self, kind: StreamKind, made: Timestamp) -> ShardId {
        let Self { generation, number } = self;
        ShardId::new(match kind {
            StreamKind::Kinesis => format!("shardId-{number:012}"),
            StreamKind::DocumentDb => "changes".to_owned(),
            StreamKind::DynamoDb => {
                format!("shardId-{:020}-{generation:02x}{number:06x}", made.millis())
            }
        })
    }

    /// Returns the sequence number of a record: 56 digits in Kinesis, 40 in DynamoDB, 30 in a change stream. Those of a child
    /// are greater than those of its parents.
    pub(super) fn sequence(self, kind: StreamKind, index: u64) -> Arc<str> {
        let Self { generation, number } = self;
        let (head, parts) = match kind {
            StreamKind::Kinesis => ("49", [(generation, 12), (number, 20), (index, 22)]),
            StreamKind::DocumentDb => ("82", [(generation, 8), (0, 0), (index, 20)]),
            StreamKind::DynamoDb => ("1", [(generation, 7), (number, 12), (index, 20)]),
        };
        // Written by hand: one for each record.
        let mut digits = [b'0'; 56];
        let mut end = head.len();
        digits[..end].copy_from_slice(head.as_bytes());
        for (mut value, width) in parts {
            end += width;
            let mut at = end;
            while value > 0 {
                at -= 1;
                digits[at] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        // All of them are digits.
        std::str::from_utf8(&digits[..end])
            .unwrap_or_default()
            .into()
    }

    /// Returns the index of the record of this shard that has a sequence number; `None` if `sequence` is
    /// not from this shard.
    pub(super) fn index(self, kind: StreamKind, sequence: &str) -> Option<u64> {
        let digits = match kind {
            StreamKind::Kinesis => 22,
            StreamKind::DynamoDb | StreamKind::DocumentDb => 20,
        };
        let at = sequence.len().checked_sub(digits)?;
        let index: u64 = sequence.get(at..)?.parse().ok()?;
        (*self.sequence(kind, index) == *sequence).then_some(index)
    }
}

impl ShardIterator {
    pub(super) fn cursor(self) -> Cursor {
        let Lineage { generation, number } = self.lineage;
        Cursor(format!(
            "{generation}:{number}:{}:{}",
            self.index,
            self.issued.millis()
        ))
    }

    pub(super) fn parse(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split(':');
        let generation = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        let index = parts.next()?.parse().ok()?;
        let issued = Timestamp(parts.next()?.parse().ok()?);
        let lineage = Lineage { generation, number };
        parts.next().is_none().then_some(Self {
            lineage,
            index,
            issued,
        })
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::stream::compare_sequences;

    use super::*;

    const SHARD: Lineage = Lineage {
        generation: 3,
        number: 17,
    };

    #[test]
    fn sequence_numbers_have_the_services_length_and_lead_back_to_their_record() {
        for (kind, digits) in [
            (StreamKind::Kinesis, 56),
            (StreamKind::DynamoDb, 40),
            (StreamKind::DocumentDb, 30),
        ] {
            for index in [0, 1, 10_000_000_000, u64::MAX] {
                let sequence = SHARD.sequence(kind, index);
                assert_eq!(sequence.len(), digits, "{sequence}");
                assert_eq!(SHARD.index(kind, &sequence), Some(index));
            }
            assert_eq!(SHARD.index(kind, "12"), None);
            assert_eq!(SHARD.index(kind, &"€".repeat(20)), None);
        }
    }

    #[test]
    fn a_sequence_number_of_another_shard_or_generation_is_not_ours() {
        let others = [
            Lineage {
                number: 18,
                ..SHARD
            },
            Lineage {
                generation: 4,
                ..SHARD
            },
        ];
        for kind in [StreamKind::Kinesis, StreamKind::DynamoDb] {
            for other in others {
                let sequence = other.sequence(kind, 5);
                assert_eq!(SHARD.index(kind, &sequence), None);
                let ours = SHARD.sequence(kind, 6);
                assert!(compare_sequences(&ours, &sequence).is_lt());
            }
        }
    }

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let iterator = ShardIterator {
            lineage: SHARD,
            index: 9,
            issued: Timestamp(1_700_000_000_000),
        };
        assert_eq!(ShardIterator::parse(&iterator.cursor()), Some(iterator));
        for text in ["", "1:2:3", "1:2:3:4:5", "1:2:x:4", "-1:2:3:4"] {
            assert_eq!(
                ShardIterator::parse(&Cursor(text.to_owned())),
                None,
                "{text}"
            );
        }
    }
}
