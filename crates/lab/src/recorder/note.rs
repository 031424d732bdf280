//! What a recorder is told.

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::Event;
use lambda_esm_engine::ports::InvokeAnswer;

use super::identity::RecordId;
use super::invocation::Begun;

/// Something that has happened.
pub(super) enum Note {
    /// Records have arrived at a source.
    Arrived {
        source: usize,
        records: Vec<(RecordId, Timestamp)>,
    },
    /// A mapping has decided something.
    Decided(Event),
    /// A mapping has become known, perhaps after it has decided something.
    Known,
    /// A record was settled without the function.
    Settled {
        mapping: usize,
        id: RecordId,
        how: Settled,
    },
    /// An invocation has begun.
    Began(Begun),
    /// It has ended.
    Ended {
        invocation: u64,
        at: Timestamp,
        result: Result<InvokeAnswer, InvokeError>,
    },
    /// It was given up.
    Abandoned { invocation: u64, at: Timestamp },
    /// It is time to look at ages and backlogs.
    Sampled(Timestamp),
}

/// How a record is settled without the function.
pub(super) enum Settled {
    /// It was filtered out.
    Filtered,
    /// It was given up, as a decision has said.
    GivenUp,
    /// It moved to the dead-letter queue, for this reason.
    DeadLettered(String),
}
