//! Which backend runs which function.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;

use crate::patience::within;
use crate::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

/// Sends each invocation to the backend of its function.
#[derive(Clone, Default)]
pub struct Functions {
    named: BTreeMap<String, Arc<dyn InvokeBackend>>,
    any: Option<Arc<dyn InvokeBackend>>,
}

impl Functions {
    /// Adds the backend of the function `name`; `*` stands for every other name.
    pub fn insert(&mut self, name: impl Into<String>, backend: Arc<dyn InvokeBackend>) {
        let name = name.into();
        if name == "*" {
            self.any = Some(backend);
        } else {
            self.named.insert(name, backend);
        }
    }

    fn find(&self, function: &FunctionRef) -> Result<&Arc<dyn InvokeBackend>, InvokeError> {
        let name = function.name();
        self.named.get(name).or(self.any.as_ref()).ok_or_else(|| {
            let known: Vec<&str> = self.named.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            let message = format!(
                "function {name:?} is not configured (configured: {known}); \
                 add it, or \"*\" for any other name"
            );
            InvokeError::new(InvokeErrorKind::NotFound, message)
        })
    }
}

#[async_trait]
impl InvokeBackend for Functions {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        self.find(&request.function)?.invoke(request).await
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.find(function)?.describe(function).await
    }
}

/// An in-process function: a closure that takes the event and returns the response.
pub struct Closure<F> {
    function: F,
    facts: FunctionFacts,
}

impl<F, R> Closure<F>
where
    F: Fn(InvokeRequest) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Bytes, InvokeError>> + Send + 'static,
{
    /// Returns a backend that runs `function` for every invocation.
    pub fn new(function: F) -> Self {
        let facts = FunctionFacts::default();
        Self { function, facts }
    }

    /// Says how long the function runs at most, and how often at a time. One that takes longer is dropped, and has
    /// failed.
    #[must_use]
    pub const fn with_facts(mut self, facts: FunctionFacts) -> Self {
        self.facts = facts;
        self
    }
}

#[async_trait]
impl<F, R> InvokeBackend for Closure<F>
where
    F: Fn(InvokeRequest) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Bytes, InvokeError>> + Send + 'static,
{
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let answer = (self.function)(request);
        let Some(limit) = self.facts.timeout else {
            return answer.await.map(Into::into);
        };
        let timed_out = || {
            let limit = limit.as_secs_f64();
            InvokeError::function(format!("Task timed out after {limit:.2} seconds"))
        };
        let answer = within(limit, answer).await;
        answer.ok_or_else(timed_out)?.map(Into::into)
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(self.facts)
    }
}
