//! What all mappings of an engine work with.

use std::sync::{Arc, OnceLock};

use lambda_esm_core::fault::{DeliveryError, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{
    ApiError, AwsDestination, Context, KafkaDestination, Mapping, Source,
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Clock;
use crate::compiling::Compiling;
use crate::events::EventSender;
use crate::fresh::Fresh;
use crate::function_concurrency::Limiters;
use crate::lookup::LookupError;
use crate::metrics::Metrics;
use crate::options::EngineOptions;
use crate::panic_isolation::Guarded;
use crate::ports::{
    DestinationProvider, FailureDestination, InvokeBackend, PushQueueSource, QueueSource,
    SourceProvider, StreamSource, TopicSource,
};
use crate::store::Store;

/// What all mappings of an engine share.
pub(crate) struct Shared {
    pub(crate) options: EngineOptions,
    pub(crate) clock: Clock,
    pub(crate) backend: Arc<dyn InvokeBackend>,
    pub(crate) providers: Vec<Guarded<dyn SourceProvider>>,
    pub(crate) destinations: Vec<Guarded<dyn DestinationProvider>>,
    pub(crate) events: EventSender,
    pub(crate) metrics: Metrics,
    /// Where changes line up to have their filters compiled.
    pub(crate) compiling: Compiling,
    /// Where mappings line up to call their functions.
    pub(crate) limiters: Limiters,
    pub(crate) store: Arc<dyn Store>,
    /// Receives that are open, and releases of what those brought whose driver is gone.
    pub(crate) receives: TaskTracker,
    /// Where mappings and changes run.
    pub(crate) runtime: OnceLock<Handle>,
    pub(crate) fresh: Fresh,
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
    ) -> Result<Arc<dyn QueueSource>, LookupError> {
        for provider in &self.providers {
            if let Some(queue) = provider.queue(mapping).await? {
                return Ok(queue);
            }
        }
        if let Source::Kafka(_) = &mapping.source {
            return Err(LookupError::Unserved {
                problem: format!(
                    "no source is registered for the share group of {}",
                    mapping.source.name()
                ),
                way_out: "this build has no client for share groups of Kafka; register one, or build with the feature \
                          \"kafka\""
                    .to_owned(),
            });
        }
        Err(unserved(&mapping.source, "queue", "SQS client", "sqs"))
    }

    /// Returns the stream of a mapping, from the first provider that serves it.
    pub(crate) async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn StreamSource>, LookupError> {
        for provider in &self.providers {
            if let Some(stream) = provider.stream(mapping).await? {
                return Ok(stream);
            }
        }
        let (client, feature) = match &mapping.source {
            Source::DynamoDb(_) => ("DynamoDB Streams client", "dynamodb"),
            _ => ("Kinesis client", "kinesis"),
        };
        Err(unserved(&mapping.source, "stream", client, feature))
    }

    /// Returns the topic of a mapping, from the first provider that serves it.
    pub(crate) async fn topic(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn TopicSource>, LookupError> {
        for provider in &self.providers {
            if let Some(topic) = provider.topic(mapping).await? {
                return Ok(topic);
            }
        }
        Err(LookupError::Unserved {
            problem: format!(
                "no source is registered for the topic of {}",
                mapping.source.name()
            ),
            way_out:
                "this build has no Kafka client; register one, or build with the feature \"kafka\""
                    .to_owned(),
        })
    }

    /// Returns the broker's queue of a mapping, from the first provider that serves it.
    pub(crate) async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Arc<dyn PushQueueSource>, LookupError> {
        for provider in &self.providers {
            if let Some(queue) = provider.push_queue(mapping).await? {
                return Ok(queue);
            }
        }
        let client = "client of this broker";
        let features = "rabbitmq\" or \"activemq";
        Err(unserved(&mapping.source, "queue", client, features))
    }

    /// Returns the on-failure destination of a stream mapping; `None` if it has none.
    pub(crate) async fn destination(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn FailureDestination>>, LookupError> {
        let Some(wanted) = on_failure(&mapping.source) else {
            return Ok(None);
        };
        for provider in &self.destinations {
            let found = provider.destination(&wanted).await;
            let fatal =
                |error: DeliveryError| SourceError::new(SourceErrorKind::Fatal, error.message);
            if let Some(found) = found.map_err(fatal)? {
                return Ok(Some(found));
            }
        }
        let feature = match wanted {
            AwsDestination::Sqs(_) => "sqs",
            AwsDestination::Sns(_) => "sns",
            _ => "s3",
        };
        Err(LookupError::Unserved {
            problem: format!("no destination is registered for {}", wanted.arn().as_str()),
            way_out: format!(
                "this build has no client for it; register one, or build with the feature \"{feature}\""
            ),
        })
    }

    /// Refuses a change that names what does not exist, unless that may come later.
    pub(crate) fn missing(&self, refusal: ApiError) -> Result<(), ApiError> {
        if self.options.allow_missing_sources {
            return Ok(());
        }
        Err(refusal)
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
}

fn on_failure(source: &Source) -> Option<AwsDestination> {
    match source {
        Source::Kinesis(kinesis) => kinesis.settings.on_failure.clone(),
        Source::DynamoDb(dynamodb) => dynamodb.settings.on_failure.clone(),
        Source::Kafka(kafka) => match kafka.on_failure() {
            Some(KafkaDestination::Aws(destination)) => Some(destination),
            _ => None,
        },
        _ => None,
    }
}

fn unserved(source: &Source, what: &str, client: &str, feature: &str) -> LookupError {
    let arn = source.arn().map_or("", |arn| arn.as_str());
    LookupError::Unserved {
        problem: format!("no source is registered for {what} {arn}"),
        way_out: format!(
            "this build has no {client}; register one, or build with the feature \"{feature}\""
        ),
    }
}
