//! `BisectBatchOnFunctionError`: a failed batch is split in two, and each half is tried on its own.

use super::Lane;
use super::batch_in_flight::Part;
use crate::decision::AfterFailure;
use crate::stream::context::Context;

impl Lane {
    /// Splits a failed part in two, the left half first. That uses no retry: each half inherits those used (Lambda
    /// developer guide, "Configure batch splitting": splitting a batch does not count toward the retry quota).
    pub(super) fn bisect(&mut self, ctx: &mut Context<'_>, part: &Part) -> AfterFailure {
        let records = part.batch.items.len();
        let at = records / 2;
        let left = part.some(ctx.shared.next_batch(), 0..at);
        let right = part.some(ctx.shared.next_batch(), at..records);
        let into = [left.id, right.id];
        self.put_back(right);
        self.put_back(left);
        AfterFailure::Split { into }
    }
}
