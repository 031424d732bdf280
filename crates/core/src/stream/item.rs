//! What a machine remembers of a record in a batch.

use std::fmt;
use std::sync::Arc;

use crate::record::DeliveryTag;
use crate::time::Timestamp;

/// Names a record within its machine, in the order in which records are gathered from a shard or partition.
pub(super) type Ordinal = u64;

/// A record in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) ordinal: Ordinal,
    pub(super) place: Place,
    pub(super) arrival: Timestamp,
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this sequence number of its shard.
    Sequence(Arc<str>),
    /// At this offset of a partition.
    Offset { partition: i32, offset: i64 },
    /// It was pushed, under this tag.
    Delivery(DeliveryTag),
}

impl Place {
    /// Returns the sequence number; empty for another place.
    pub(super) fn sequence(&self) -> &str {
        match self {
            Self::Sequence(sequence) => sequence,
            Self::Offset { .. } | Self::Delivery(_) => "",
        }
    }

    /// Returns the partition and the offset; zeros for another place.
    pub(super) const fn offset(&self) -> (i32, i64) {
        match *self {
            Self::Sequence(_) | Self::Delivery(_) => (0, 0),
            Self::Offset { partition, offset } => (partition, offset),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(sequence) => out.write_str(sequence),
            Self::Offset { partition, offset } => write!(out, "{partition}-{offset}"),
            Self::Delivery(DeliveryTag(tag)) => write!(out, "{tag}"),
        }
    }
}
