//! Records that are given up together, and why.

use super::tries::Tries;
use crate::batching::Batch;
use crate::decision::BatchId;
use crate::on_failure_record::{Condition, FailedResponse};
use crate::queue::delivery::Delivery;

/// Records that are given up together.
#[derive(Debug)]
pub(super) struct GivenUp {
    /// The batch that they were of.
    pub(super) batch: BatchId,
    pub(super) condition: Condition,
    pub(super) records: Batch<Delivery>,
    /// How often the function failed with them during this delivery, and what it answered last.
    pub(super) tries: Tries,
    pub(super) because: String,
}

impl GivenUp {
    /// Returns records of a batch.
    pub(super) fn of_batch(
        batch: BatchId,
        condition: Condition,
        records: Batch<Delivery>,
        tries: Tries,
        because: impl Into<String>,
    ) -> Self {
        Self {
            batch,
            condition,
            records,
            tries,
            because: because.into(),
        }
    }

    /// Returns what the function answered last; `None` if that is not why they are given up.
    pub(super) fn response(&self) -> Option<&FailedResponse> {
        self.tries.response.as_ref()
    }
}
