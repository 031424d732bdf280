//! Where one mapping tells what happens to it.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::activity::Activity;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::lifecycle::LastProcessingResult;
use tokio::sync::{Notify, watch};

use crate::events::History;
use crate::mapping_metrics::MappingMetrics;
use crate::status::Progress;

/// The decisions, counts and progress of one mapping.
#[derive(Clone)]
pub(crate) struct Reporter {
    pub(crate) progress: watch::Sender<Progress>,
    /// Tells the supervisor when to look whether the mapping has halted: it need not look at all that happens.
    pub(crate) halts: Arc<Notify>,
    pub(crate) history: Arc<History>,
    pub(crate) metrics: MappingMetrics,
}

impl Reporter {
    /// Tells of a decision that the machine has made.
    pub(crate) fn report(&self, now: Timestamp, function: &Arc<str>, decision: Decision) {
        self.metrics.count(&decision);
        if let Some(result) = processing_result(&decision) {
            self.progress
                .send_if_modified(|progress| progress.last_result.replace(result) != Some(result));
        }
        self.history.add(now, function, decision);
    }

    /// Tells that the source has answered, and everything that comes into it from now on is read.
    pub(crate) fn source_answered(&self) {
        self.progress
            .send_if_modified(|progress| progress.lifecycle.source_answered());
    }

    /// Shows what the machine is busy with after a step, and what has happened up to then: both at once, so that nobody
    /// sees what a step has counted without what it led to. Watchers are woken only by what changed.
    pub(crate) fn publish(&self, activity: Activity) {
        self.metrics.show(&activity);
        let counts = self.metrics.counts();
        let halts = activity.halted.is_some();
        self.progress.send_if_modified(|progress| {
            let changed = progress.activity != activity || progress.counts != counts;
            if changed {
                progress.activity = activity;
                progress.counts = counts;
            }
            changed
        });
        if halts {
            self.halts.notify_one();
        }
    }

    /// Returns why nothing of the source is left to do, if that is so: its next records are lost, and what was read before is
    /// settled.
    pub(crate) fn halted(&self) -> Option<String> {
        let progress = self.progress.borrow();
        let activity = &progress.activity;
        let is_settled = activity.running == 0 && activity.gathering == 0;
        activity.halted.clone().filter(|_| is_settled)
    }
}

const fn processing_result(decision: &Decision) -> Option<LastProcessingResult> {
    match decision {
        Decision::Succeeded { .. } => Some(LastProcessingResult::Ok),
        Decision::Failed { .. }
        | Decision::PartiallyFailed { .. }
        | Decision::AttemptFailed { .. }
        | Decision::PartlyProcessed { .. }
        | Decision::Deferred { .. } => Some(LastProcessingResult::FunctionCallFailed),
        _ => None,
    }
}
