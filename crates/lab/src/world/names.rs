//! The names of records in memory lead back to their places.

use crate::recorder::{Identity, NamedRecord, RecordId, SourceType};

/// Knows what the sources in memory call their records.
pub(crate) struct Names(pub(crate) Vec<SourceType>);

impl Identity for Names {
    fn record(&self, source: usize, name: NamedRecord<'_>) -> Option<RecordId> {
        let text = match name {
            NamedRecord::Offset { partition, offset } => {
                return Some(RecordId {
                    lane: u32::try_from(partition).ok()?,
                    index: u64::try_from(offset).ok()?,
                });
            }
            NamedRecord::Text(text) => text,
        };
        let decimal = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
        let (lane, index) = match self.0.get(source)? {
            // The last 12 of the 16 digits of its number; see `MemoryQueueOptions::seed`.
            SourceType::Sqs => {
                let number = digits(text.as_bytes().get(24..36)?, 16)?;
                (0, number.checked_sub(1)?)
            }
            SourceType::Kinesis => (decimal(14, 34)?, decimal(34, 56)?),
            SourceType::DynamoDb => (decimal(8, 20)?, decimal(20, 40)?),
            SourceType::DocumentDb => (0, decimal(10, 30)?),
            SourceType::RabbitMq | SourceType::ActiveMq => {
                (0, digits(text.strip_prefix("message-")?.as_bytes(), 10)?)
            }
            SourceType::Kafka => return None,
        };
        Some(RecordId {
            lane: u32::try_from(lane).ok()?,
            index,
        })
    }

    fn lane(&self, source: usize, shard: &str) -> Option<u32> {
        lane_of(*self.0.get(source)?, shard)
    }
}

/// Returns the number of a shard, which its name ends with.
pub(super) fn lane_of(kind: SourceType, shard: &str) -> Option<u32> {
    let name = shard.as_bytes();
    let number = match kind {
        SourceType::Kinesis => digits(name.get(name.len().checked_sub(12)?..)?, 10)?,
        SourceType::DynamoDb => digits(name.get(name.len().checked_sub(6)?..)?, 16)?,
        SourceType::DocumentDb => 0,
        _ => return None,
    };
    u32::try_from(number).ok()
}

/// Reads a number; `None` if that is none, or too large.
pub(super) fn digits(text: &[u8], base: u32) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        number.checked_mul(base.into())?.checked_add(digit.into())
    })
}
