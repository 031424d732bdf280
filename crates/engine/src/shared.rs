//! What all mappings of an engine work with.

use std::sync::Arc;

use lambda_esm_core::fault::{InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, Context, Mapping, Source, check_function_timeout};
use uuid::Uuid;

use crate::clock::Clock;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::ports::{InvokeBackend, QueueSource, SourceProvider};
use crate::store::Store;
use crate::supervisor::not_built;

/// What all mappings of an engine share.
pub(crate) struct Shared {
    pub(crate) options: EngineOptions,
    pub(crate) clock: Clock,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) providers: Vec<Arc<dyn SourceProvider>>,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    pub(crate) store: Arc<dyn Store>,
}

impl Shared {
    /// Returns the queue of a mapping, from the first provider that serves it.
    pub(crate) async fn queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn QueueSource>, SourceError> {
        for provider in &self.providers {
            if let Some(queue) = provider.queue(mapping).await? {
                return Ok(queue);
            }
        }
        match &mapping.source {
            Source::Sqs(sqs) => {
                let text = format!(
                    "no source is registered for queue {}, and this build has no SQS client; \
                     register one, or build with the feature \"sqs\"",
                    sqs.queue_arn.as_str()
                );
                Err(SourceError::new(SourceErrorKind::Fatal, text))
            }
            other => Err(not_built(other)),
        }
    }

    /// Returns what a mapping is made and changed with.
    pub(crate) fn context(&self, uuid: Uuid) -> Context {
        Context {
            region: self.options.region.clone(),
            account_id: self.options.account_id.clone(),
            uuid,
            now: self.clock.now(),
            filter_limits: self.options.filter_limits,
            dialect: self.options.dialect,
        }
    }

    /// Checks what only the outside knows. What cannot be asked now is not held against the mapping.
    pub(crate) async fn check_outside(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let function = match self.backend.describe(&mapping.function).await {
            Ok(facts) => facts,
            Err(error) if error.kind == InvokeErrorKind::NotFound => {
                let text = "Function does not exist";
                return Err(ApiError::invalid("FunctionName", text).hint(error.message));
            }
            Err(_) => Default::default(),
        };
        let queue = match self.queue(mapping).await {
            Ok(queue) => queue,
            Err(error) => return Err(ApiError::invalid("EventSourceArn", error.message)),
        };
        match (queue.describe().await, function.timeout) {
            (Ok(queue), Some(timeout)) => {
                check_function_timeout(mapping, timeout, Some(queue.visibility_timeout))
            }
            (Err(error), _) if error.kind == SourceErrorKind::NotFound => {
                Err(no_such_source(mapping, error))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the API's error for a source that does not exist (recorded).
fn no_such_source(mapping: &Mapping, error: SourceError) -> ApiError {
    let text = match &mapping.source {
        Source::Sqs(_) => {
            "Error occurred while ReceiveMessage. SQS Error Code: \
             AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not \
             exist."
        }
        _ => return ApiError::invalid("EventSourceArn", error.message),
    };
    ApiError::invalid("EventSourceArn", text).hint(error.message)
}
