//! What all mappings of an engine work with.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lambda_esm_core::fault::{InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{
    ApiError, AwsDestination, Context, Mapping, Source, check_function_timeout,
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Clock;
use crate::compiling::Compiling;
use crate::events::Events;
use crate::guard::Guarded;
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::polling::not_built;
use crate::ports::{
    DestinationProvider, FailureDestination, InvokeBackend, QueueSource, SourceProvider,
    StreamSource,
};
use crate::store::Store;
use crate::turns::Lines;

/// How long source and function may take to say what they are.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a change waits for what only the outside knows: with its filters less than the 30 s after which the API
/// tells that it may still happen.
const CHANGE_PATIENCE: Duration = Duration::from_secs(20);

/// What all mappings of an engine share.
pub(crate) struct Shared {
    pub(crate) options: EngineOptions,
    pub(crate) clock: Clock,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) providers: Vec<Guarded<dyn SourceProvider>>,
    pub(crate) destinations: Vec<Guarded<dyn DestinationProvider>>,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    /// Where changes line up to have their filters compiled.
    pub(crate) compiling: Compiling,
    /// Where mappings line up to call their functions.
    pub(crate) lines: Lines,
    pub(crate) store: Arc<dyn Store>,
    /// Receives that are open, and releases of what those brought whose driver is gone.
    pub(crate) receives: TaskTracker,
    /// Where mappings and changes run.
    pub(crate) runtime: OnceLock<Handle>,
}

impl Shared {
    /// Returns the runtime within which the engine was built, or that was the first to ask; `None` if there
    /// is none yet.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        if self.runtime.get().is_none() {
            // Whoever is first decides.
            drop(self.runtime.set(Handle::try_current().ok()?));
        }
        self.runtime.get()
    }

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
        Err(unserved(&mapping.source, "queue", "SQS client", "sqs"))
    }

    /// Returns the stream of a mapping, from the first provider that serves it.
    pub(crate) async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn StreamSource>, SourceError> {
        for provider in &self.providers {
            if let Some(stream) = provider.stream(mapping).await? {
                return Ok(stream);
            }
        }
        Err(match &mapping.source {
            Source::DynamoDb(_) => {
                let source = &mapping.source;
                unserved(source, "stream", "DynamoDB Streams client", "dynamodb")
            }
            source => unserved(source, "stream", "Kinesis client", "kinesis"),
        })
    }

    /// Returns the on-failure destination of a stream mapping; `None` if it has none.
    pub(crate) async fn destination(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn FailureDestination>>, SourceError> {
        let Some(wanted) = on_failure(&mapping.source) else {
            return Ok(None);
        };
        let fatal = |text| SourceError::new(SourceErrorKind::Fatal, text);
        for provider in &self.destinations {
            let found = provider.destination(wanted).await;
            if let Some(found) = found.map_err(|error| fatal(error.message))? {
                return Ok(Some(found));
            }
        }
        let feature = match wanted {
            AwsDestination::Sqs(_) => "sqs",
            AwsDestination::Sns(_) => "sns",
            AwsDestination::S3(_) => "s3",
        };
        Err(fatal(format!(
            "no destination is registered for {}, and this build has no client for it; register one, or \
             build with the feature \"{feature}\"",
            wanted.arn().as_str()
        )))
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

    /// Checks what only the outside knows. What cannot be asked now, or does not answer in time, is not held
    /// against the mapping.
    pub(crate) async fn check_outside(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let checked = tokio::time::timeout(CHANGE_PATIENCE, self.ask_outside(mapping)).await;
        checked.unwrap_or(Ok(()))
    }

    async fn ask_outside(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let function = match self.backend.describe(&mapping.function).await {
            Ok(facts) => facts,
            Err(error) if error.kind == InvokeErrorKind::NotFound => {
                let text = "Function does not exist";
                return Err(ApiError::invalid("FunctionName", text).hint(error.message));
            }
            Err(_) => Default::default(),
        };
        match &mapping.source {
            Source::Sqs(_) => self.check_queue(mapping, function.timeout).await,
            Source::Kinesis(_) | Source::DynamoDb(_) => self.check_stream(mapping).await,
            other => {
                let error = not_built(other);
                Err(ApiError::invalid("EventSourceArn", error.message))
            }
        }
    }

    async fn check_queue(
        &self,
        mapping: &Mapping,
        timeout: Option<Duration>,
    ) -> Result<(), ApiError> {
        let queue = match self.queue(mapping).await {
            Ok(queue) => queue,
            Err(error) => return Err(ApiError::invalid("EventSourceArn", error.message)),
        };
        match (queue.describe().await, timeout) {
            (Ok(queue), Some(timeout)) => {
                check_function_timeout(mapping, timeout, Some(queue.visibility_timeout))
            }
            (Err(error), _) if error.kind == SourceErrorKind::NotFound => {
                Err(no_such_source(mapping, error))
            }
            _ => Ok(()),
        }
    }

    async fn check_stream(&self, mapping: &Mapping) -> Result<(), ApiError> {
        let stream = match self.stream(mapping).await {
            Ok(stream) => stream,
            Err(error) => return Err(ApiError::invalid("EventSourceArn", error.message)),
        };
        if let Err(error) = self.destination(mapping).await {
            return Err(ApiError::invalid("DestinationConfig", error.message));
        }
        match stream.list().await {
            Err(error) if error.kind == SourceErrorKind::NotFound => {
                Err(no_such_source(mapping, error))
            }
            _ => Ok(()),
        }
    }
}

const fn on_failure(source: &Source) -> Option<&AwsDestination> {
    match source {
        Source::Kinesis(kinesis) => kinesis.settings.on_failure.as_ref(),
        Source::DynamoDb(dynamodb) => dynamodb.settings.on_failure.as_ref(),
        _ => None,
    }
}

fn unserved(source: &Source, what: &str, client: &str, feature: &str) -> SourceError {
    let arn = source.arn().map_or("", |arn| arn.as_str());
    let text = format!(
        "no source is registered for {what} {arn}, and this build has no {client}; register one, or \
         build with the feature \"{feature}\""
    );
    SourceError::new(SourceErrorKind::Fatal, text)
}

/// Returns the API's error for a source that does not exist (recorded).
fn no_such_source(mapping: &Mapping, error: SourceError) -> ApiError {
    let text = match &mapping.source {
        Source::Sqs(_) => {
            "Error occurred while ReceiveMessage. SQS Error Code: \
             AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not \
             exist."
                .to_owned()
        }
        source => {
            let arn = source.arn().map_or("", |arn| arn.as_str());
            format!("Stream not found: {arn}")
        }
    };
    ApiError::invalid("EventSourceArn", text).hint(error.message)
}
