//! What a machine remembers of a record in a batch.

use std::fmt;
use std::sync::Arc;

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
}

impl Place {
    /// Returns the sequence number, which is empty for an offset.
    pub(super) fn sequence(&self) -> &str {
        match self {
            Self::Sequence(sequence) => sequence,
            Self::Offset { .. } => "",
        }
    }

    /// Returns the partition and the offset; zeros for a sequence number.
    pub(super) const fn offset(&self) -> (i32, i64) {
        match *self {
            Self::Sequence(_) => (0, 0),
            Self::Offset { partition, offset } => (partition, offset),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(sequence) => out.write_str(sequence),
            Self::Offset { partition, offset } => write!(out, "{partition}-{offset}"),
        }
    }
}
