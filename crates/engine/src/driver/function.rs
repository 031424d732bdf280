//! The function that a mapping calls.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::function_concurrency::Ended;
use lambda_esm_core::mapping::{FunctionRef, Mapping};
use uuid::Uuid;

use crate::function_concurrency::{Limiter, Turn};
use crate::patience::within;
use crate::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use crate::shared::Shared;

/// The longest timeout that a function may have (Lambda developer guide, "Configure Lambda function timeout").
const LONGEST_TIMEOUT: Duration = Duration::from_secs(900);

/// The function that a mapping calls, and the way to it.
pub(crate) struct Function {
    reference: Arc<FunctionRef>,
    pub(super) name: Arc<str>,
    mapping: Uuid,
    source: Arc<str>,
    /// How long an invocation may take until it is given up: the function's timeout, and the engine's grace.
    timeout: Duration,
    grace: Duration,
    backend: Arc<dyn InvokeBackend>,
    /// Where one lines up to call it.
    pub(super) limiter: Arc<Limiter>,
}

impl Function {
    /// Returns the function of a mapping; `facts` are what is known of it.
    pub(crate) fn new(mapping: &Mapping, facts: &FunctionFacts, shared: &Shared) -> Self {
        let function = &mapping.function;
        Self {
            name: function.name().into(),
            reference: Arc::new(function.clone()),
            mapping: mapping.uuid,
            source: mapping.source.name().into(),
            timeout: facts.timeout.unwrap_or(LONGEST_TIMEOUT),
            grace: shared.options.answer_grace,
            backend: shared.backend.clone(),
            limiter: shared.limiters.of(function.name()),
        }
    }

    /// Calls the function, whose turn that is.
    pub(super) fn invoke(
        &self,
        turn: Option<Turn>,
        (batch, attempt): (BatchId, u32),
        (payload, unwritten): (Bytes, usize),
    ) -> impl Future<Output = Result<InvokeAnswer, InvokeError>> + Send + use<> {
        let backend = self.backend.clone();
        let request = InvokeRequest::new(self.reference.clone(), payload)
            .with_unwritten(unwritten)
            .with_mapping(self.mapping)
            .with_source(self.source.clone())
            .with_batch(Some(batch))
            .with_attempt(attempt);
        let (timeout, grace) = (self.timeout, self.grace);
        async move {
            let limit = timeout.saturating_add(grace);
            let result = within(limit, backend.invoke(request)).await;
            let result = result.unwrap_or_else(|| Err(unanswered(timeout, grace)));
            if let Some(turn) = turn {
                turn.end(how_it_ended(&result));
            }
            result
        }
    }
}

/// The error of an invocation that was given up. The function may have run.
fn unanswered(timeout: Duration, grace: Duration) -> InvokeError {
    let (timeout, grace) = (timeout.as_secs_f64(), grace.as_secs_f64());
    InvokeError::function(format!(
        "the function did not answer within its timeout of {timeout} s and {grace} s of grace, and was given up"
    ))
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
            | InvokeErrorKind::Unavailable
            | _ => Ended::Unused,
        },
    }
}
