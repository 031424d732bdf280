//! The function that a mapping calls.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::function_concurrency::Ended;
use lambda_esm_core::mapping::FunctionRef;

use crate::function_concurrency::{Limiter, Turn};
use crate::ports::{InvokeAnswer, InvokeBackend, InvokeRequest};
use crate::shared::Shared;

/// The function that a mapping calls, and the way to it.
pub(crate) struct Function {
    reference: Arc<FunctionRef>,
    pub(super) name: Arc<str>,
    backend: Arc<dyn InvokeBackend>,
    /// Where one lines up to call it.
    pub(super) limiter: Arc<Limiter>,
}

impl Function {
    pub(crate) fn new(function: &FunctionRef, shared: &Shared) -> Self {
        Self {
            name: function.name().into(),
            reference: Arc::new(function.clone()),
            backend: shared.backend.clone(),
            limiter: shared.limiters.of(function.name()),
        }
    }

    /// Calls the function, whose turn that is.
    pub(super) fn invoke(
        &self,
        turn: Option<Turn>,
        payload: Bytes,
    ) -> impl Future<Output = Result<InvokeAnswer, InvokeError>> + Send + use<> {
        let backend = self.backend.clone();
        let function = self.reference.clone();
        async move {
            let result = backend.invoke(InvokeRequest { function, payload }).await;
            if let Some(turn) = turn {
                turn.end(how_it_ended(&result));
            }
            result
        }
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
