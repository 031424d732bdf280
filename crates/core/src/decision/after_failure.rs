//! What comes after a failed try of a batch.

use serde::Serialize;

use super::BatchId;

/// What comes after a failed try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AfterFailure {
    /// The batch is sent again.
    Retry {
        /// The wait in milliseconds.
        retry_ms: u64,
        /// How many retries are left after that one; `None` if they are not limited.
        retries_left: Option<u32>,
    },
    /// The batch is split in two.
    Split {
        /// The halves.
        into: [BatchId; 2],
    },
    /// The retries are used up.
    Discard,
    /// The share group is told: it delivers some again, and gives up those that it has delivered as often as may be.
    Acknowledge {
        /// How many are released.
        released: usize,
        /// How many are given up.
        given_up: usize,
    },
}
