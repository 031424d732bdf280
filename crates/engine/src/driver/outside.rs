//! What every driver works with.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::activity::Activity;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::function_concurrency::Ended;
use lambda_esm_core::lifecycle::LastProcessingResult;
use lambda_esm_core::mapping::FunctionRef;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::events::History;
use crate::metrics::MappingMetrics;
use crate::ports::{InvokeAnswer, InvokeBackend, InvokeRequest};
use crate::status::Progress;
use crate::turns::{Line, Lines, Turn};

/// What the supervisor tells a driver.
pub(crate) enum Command<C> {
    /// New settings, and the function to call from now on.
    Reconfigure { config: Box<C>, function: Function },
    /// Stop reading, finish what is in flight within the bound, and end.
    Drain { bound: Duration },
}

/// The function that a mapping calls.
pub(crate) struct Function {
    reference: Arc<FunctionRef>,
    name: Arc<str>,
    /// Where one lines up to call it.
    pub(super) line: Arc<Line>,
}

impl Function {
    pub(crate) fn new(function: &FunctionRef, lines: &Lines) -> Self {
        Self {
            name: function.name().into(),
            reference: Arc::new(function.clone()),
            line: lines.of(function.name()),
        }
    }
}

/// The mapping's function, and where a driver tells what happens.
pub(crate) struct Outside {
    pub(crate) function: Function,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) clock: Clock,
    pub(crate) history: Arc<History>,
    pub(crate) metrics: MappingMetrics,
    pub(crate) progress: watch::Sender<Progress>,
}

impl Outside {
    /// Calls the function, whose turn that is.
    pub(super) fn invoke(
        &self,
        turn: Option<Turn>,
        payload: Bytes,
    ) -> impl Future<Output = Result<InvokeAnswer, InvokeError>> + Send + use<> {
        let backend = self.backend.clone();
        let function = self.function.reference.clone();
        async move {
            let result = backend.invoke(InvokeRequest { function, payload }).await;
            if let Some(turn) = turn {
                turn.end(how_it_ended(&result));
            }
            result
        }
    }

    /// Tells that the source has answered, and everything that comes into it from now on is read.
    pub(super) fn source_answered(&self) {
        self.progress
            .send_if_modified(|progress| progress.lifecycle.source_answered());
    }

    pub(super) fn report(&self, now: Timestamp, decision: Decision) {
        self.metrics.count(&decision);
        if let Some(result) = processing_result(&decision) {
            self.progress
                .send_if_modified(|progress| progress.last_result.replace(result) != Some(result));
        }
        self.history.add(now, &self.function.name, decision);
    }

    /// Shows what the machine is busy with. Watchers are woken only by what changed.
    pub(super) fn publish(&self, activity: Activity) {
        self.metrics
            .show(activity.concurrency, activity.iterator_age_ms);
        self.progress.send_if_modified(|progress| {
            let changed = progress.activity != activity;
            if changed {
                progress.activity = activity;
            }
            changed
        });
    }
}

/// Returns what an invocation has shown of how many the function can run at a time.
const fn how_it_ended(result: &Result<InvokeAnswer, InvokeError>) -> Ended {
    match result {
        Ok(_) => Ended::Answered,
        Err(error) => match error.kind {
            InvokeErrorKind::Throttled { .. } => Ended::Throttled,
            InvokeErrorKind::Function => Ended::Answered,
            InvokeErrorKind::Refused { .. }
            | InvokeErrorKind::NotFound
            | InvokeErrorKind::Denied
            | InvokeErrorKind::Unavailable => Ended::Unused,
        },
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
