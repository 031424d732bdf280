//! A backend whose invocations are recorded.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

use super::recording::Recorder;

/// Invokes functions by another backend, and tells a [`Recorder`] of each invocation.
#[derive(Clone)]
pub struct Observed<B> {
    backend: B,
    recorder: Arc<Recorder>,
}

impl<B: InvokeBackend> Observed<B> {
    /// Returns `backend`, watched by `recorder`.
    pub const fn new(backend: B, recorder: Arc<Recorder>) -> Self {
        Self { backend, recorder }
    }
}

/// An invocation under way. One whose future is dropped has ended, too.
struct Watched<'a> {
    recorder: &'a Recorder,
    invocation: Option<u64>,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(invocation) = self.invocation.take() {
            self.recorder.abandoned(invocation);
        }
    }
}

#[async_trait]
impl<B: InvokeBackend> InvokeBackend for Observed<B> {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let Some(invocation) = self.recorder.began(&request) else {
            return self.backend.invoke(request).await;
        };
        let mut watched = Watched {
            recorder: &self.recorder,
            invocation: Some(invocation),
        };
        let result = self.backend.invoke(request).await;
        if let Some(invocation) = watched.invocation.take() {
            self.recorder.ended(invocation, &result);
        }
        result
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.backend.describe(function).await
    }
}
