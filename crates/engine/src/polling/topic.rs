//! Topics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, Mapping};
use lambda_esm_core::stream::topic::{TopicConfig, TopicMachine};

use super::kafka::{self, Fixed};
use super::kind::{FoundSource, Polling, Reconfigured, Settings, SourceKind};
use crate::driver::{Driver, DriverHandle, TopicPorts};
use crate::lookup::LookupError;
use crate::ports::{FailureDestination, FunctionFacts, JoinRequest, TopicConsumer, TopicSource};
use crate::reporter::Reporter;
use crate::shared::Shared;

/// Sources whose partitions a consumer group shares: Amazon MSK and self-managed Kafka.
pub(super) struct Topic;

#[async_trait]
impl SourceKind for Topic {
    /// A cluster that cannot be reached, and a topic that is not there, show as the mapping's problem.
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        _function: &FunctionFacts,
    ) -> Result<(), ApiError> {
        let field = match mapping.source.arn() {
            Some(_) => "EventSourceArn",
            None => "SelfManagedEventSource",
        };
        let source = match shared.topic(mapping).await {
            Ok(source) => source,
            Err(error) if error.may_pass() => return Ok(()),
            Err(error) => return shared.missing(error.refusal(field)),
        };
        match destination(shared, mapping, &*source).await {
            Ok(_) => Ok(()),
            Err(error) => shared.missing(error.refusal("DestinationConfig")),
        }
    }

    async fn find(
        &self,
        shared: &Shared,
        mapping: &Mapping,
    ) -> Result<Box<dyn FoundSource>, SourceError> {
        let kafka = kafka::source_of(mapping)?;
        let source = shared.topic(mapping).await?;
        let destination = destination(shared, mapping, &*source).await?;
        let request = JoinRequest::new(kafka.consumer_group_id.clone(), kafka.start);
        Ok(Box::new(FoundTopic {
            bootstrap_servers: source.bootstrap_servers(),
            consumer: source.join(request).await?,
            destination,
        }))
    }
}

async fn destination(
    shared: &Shared,
    mapping: &Mapping,
    source: &dyn TopicSource,
) -> Result<Option<Arc<dyn FailureDestination>>, LookupError> {
    let topic = |name: String| async move { source.destination(&name).await };
    kafka::destination(shared, mapping, topic).await
}

struct FoundTopic {
    bootstrap_servers: String,
    consumer: Arc<dyn TopicConsumer>,
    destination: Option<Arc<dyn FailureDestination>>,
}

impl FoundSource for FoundTopic {
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError> {
        let kafka = kafka::source_of(settings.mapping)?;
        let fixed = Fixed::of(kafka);
        let Some(config) = config(settings, &self.bootstrap_servers) else {
            let text = "the settings are not those of a topic";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        };
        let clock = settings.shared.clock;
        let ports = TopicPorts::new((self.consumer.clone(), self.destination.clone()));
        let driver = Driver::new(ports, settings.to_call(), reporter, clock);
        let machine = TopicMachine::new(config, seed, clock.now());
        Ok(Box::new(TopicPolling {
            driver: DriverHandle::spawn(driver, machine),
            consumer: self.consumer,
            destination: Mutex::new(self.destination),
            bootstrap_servers: self.bootstrap_servers,
            fixed,
        }))
    }
}

struct TopicPolling {
    driver: DriverHandle<TopicPorts>,
    consumer: Arc<dyn TopicConsumer>,
    /// The destination that was found last.
    destination: Mutex<Option<Arc<dyn FailureDestination>>>,
    bootstrap_servers: String,
    fixed: Fixed,
}

impl TopicPolling {
    fn destination(&self) -> MutexGuard<'_, Option<Arc<dyn FailureDestination>>> {
        self.destination
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Polling for TopicPolling {
    /// New settings depend on nothing that the cluster says.
    async fn ask_again(&self) {}

    /// The consumer goes on by itself, whatever becomes of the cluster.
    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError> {
        let source = match shared.topic(mapping).await {
            Ok(source) => source,
            Err(error) if error.is_absence() => return Err(error.into()),
            Err(_) => return Ok(()),
        };
        if let Ok(found) = destination(shared, mapping, &*source).await {
            *self.destination() = found;
        }
        Ok(())
    }

    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured {
        let same =
            kafka::source_of(settings.mapping).is_ok_and(|kafka| Fixed::of(kafka) == self.fixed);
        match config(settings, &self.bootstrap_servers) {
            Some(config) if same => {
                let ends = (self.consumer.clone(), self.destination().clone());
                let function = settings.to_call();
                Reconfigured::told(self.driver.reconfigure(config, function, ends).await)
            }
            // Begun anew, as another member of the group.
            _ => Reconfigured::NeedsRestart,
        }
    }

    async fn ended(&self) {
        self.driver.ended().await;
    }

    async fn drain(self: Box<Self>, bound: Duration) -> bool {
        let drained = self.driver.drain(bound).await;
        self.consumer.leave().await;
        drained
    }
}

/// Returns `None` if the mapping's source is no topic.
fn config(settings: &Settings<'_>, bootstrap_servers: &str) -> Option<TopicConfig> {
    TopicConfig::new(
        settings.mapping,
        bootstrap_servers,
        &settings.surroundings(),
    )
}
