//! `BisectBatchOnFunctionError`: a failed batch is split in two inside its locks, and each half is tried on its own.

use super::renewals::Holder;
use crate::decision::{AfterFailure, BatchId};
use crate::queue::machine::QueueMachine;

impl QueueMachine {
    /// Splits a failed batch in two. The left half keeps its slot, and the right one waits for one. That uses no retry: each
    /// half inherits those used, as of a stream (Lambda developer guide, "Configure batch splitting").
    pub(super) fn bisect(&mut self, id: BatchId) -> Option<AfterFailure> {
        let flight = self.in_flight.get(id)?;
        let (half, tries) = (flight.batch.items.len() / 2, flight.tries.clone());
        let rest = self.in_flight.cut(id, half)?;
        let right = self.in_flight.add(rest, tries);
        self.keep_locks(Holder::Batch(right));
        Some(AfterFailure::Split { into: [id, right] })
    }
}
