//! An invocation, as the recorder has it while it runs.

use std::sync::Arc;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::BatchId;

use super::identity::RecordId;

/// What a mapping reads, as which of the readers, and which function it calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) source: usize,
    pub(super) reader: usize,
    pub(super) function: usize,
}

/// An invocation that begins.
pub(super) struct Begun {
    /// Names it.
    pub(super) invocation: u64,
    pub(super) seat: Seat,
    pub(super) mapping: usize,
    pub(super) batch: Option<BatchId>,
    pub(super) reports_failures: bool,
    pub(super) payload: Bytes,
    /// How many bytes of the event are not in the payload.
    pub(super) unwritten: usize,
    pub(super) at: Timestamp,
}

/// An invocation under way.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) seat: Seat,
    pub(super) mapping: usize,
    /// The batch; 0 if that is not known.
    pub(super) batch: u64,
    /// Whether its function may report failed records.
    pub(super) reports_failures: bool,
    pub(super) payload: Bytes,
    pub(super) records: Arc<[RecordId]>,
    /// How many records the event has, also such as nobody knows.
    pub(super) size: u64,
    pub(super) began: Timestamp,
    /// How many of the mapping ran then, with this one.
    pub(super) at_a_time: u64,
    /// The same of the function.
    pub(super) at_a_time_in_all: u64,
}
