//! Topics that a share group makes queues.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::batching::Limits;
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, KafkaCluster, KafkaMode, Mapping, Source};
use lambda_esm_core::queue::{
    Concurrency, QueueConfig, QueueEncoder, QueueFacts, QueueMachine, ShareGroupConfig,
};
use tokio::time::timeout;

use super::kafka::{self, Fixed};
use super::kind::{FoundSource, Polling, Reconfigured, Settings, SourceKind};
use crate::driver::{Driver, DriverHandle, QueuePorts};
use crate::lookup::LookupError;
use crate::ports::{FailureDestination, FunctionFacts, QueueSource};
use crate::reporter::Reporter;
use crate::shared::Shared;

/// How long a share group may take to be left: its sessions are closed and the member goes.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Sources whose records a share group delivers: self-managed Kafka in Queue mode.
pub(super) struct ShareGroup;

#[async_trait]
impl SourceKind for ShareGroup {
    /// A cluster that cannot be reached, and one without share groups, show as the mapping's problem.
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        _function: &FunctionFacts,
    ) -> Result<(), ApiError> {
        let source = match shared.queue(mapping).await {
            Ok(source) => source,
            Err(error) if error.may_pass() => return Ok(()),
            Err(error) => return shared.missing(error.refusal("SelfManagedEventSource")),
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
        let source = shared.queue(mapping).await?;
        let facts = source.describe().await?;
        let destination = destination(shared, mapping, &*source).await?;
        Ok(Box::new(FoundShareGroup {
            source,
            latest: Latest { facts, destination },
        }))
    }
}

async fn destination(
    shared: &Shared,
    mapping: &Mapping,
    source: &dyn QueueSource,
) -> Result<Option<Arc<dyn FailureDestination>>, LookupError> {
    let topic = |name: String| async move { source.destination(&name).await };
    kafka::destination(shared, mapping, topic).await
}

struct FoundShareGroup {
    source: Arc<dyn QueueSource>,
    latest: Latest,
}

/// What was found last, when it could be asked for.
#[derive(Clone)]
struct Latest {
    facts: QueueFacts,
    destination: Option<Arc<dyn FailureDestination>>,
}

impl FoundSource for FoundShareGroup {
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError> {
        let Self { source, latest } = *self;
        let fixed = Fixed::of(kafka::source_of(settings.mapping)?);
        let Some(config) = config(settings, latest.facts) else {
            let text = "the settings are not those of a share group";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        };
        let clock = settings.shared.clock;
        let ends = (source.clone(), latest.destination.clone());
        let ports = QueuePorts::new(ends, settings.shared.receives.clone());
        let driver = Driver::new(ports, settings.to_call(), reporter, clock);
        let machine = QueueMachine::new(config, seed, clock.now());
        Ok(Box::new(ShareGroupPolling {
            driver: DriverHandle::spawn(driver, machine),
            source,
            latest: Mutex::new(latest),
            fixed,
        }))
    }
}

struct ShareGroupPolling {
    driver: DriverHandle<QueuePorts>,
    /// The member of the group, which stays the same.
    source: Arc<dyn QueueSource>,
    latest: Mutex<Latest>,
    fixed: Fixed,
}

impl ShareGroupPolling {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Polling for ShareGroupPolling {
    async fn ask_again(&self) {
        if let Ok(facts) = self.source.describe().await {
            self.latest().facts = facts;
        }
    }

    /// The member goes on by itself, whatever becomes of the cluster.
    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError> {
        self.ask_again().await;
        if let Ok(found) = destination(shared, mapping, &*self.source).await {
            self.latest().destination = found;
        }
        Ok(())
    }

    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured {
        let same =
            kafka::source_of(settings.mapping).is_ok_and(|kafka| Fixed::of(kafka) == self.fixed);
        let latest = self.latest().clone();
        match config(settings, latest.facts) {
            Some(config) if same => {
                let ends = (self.source.clone(), latest.destination);
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
        if timeout(CLOSE_LIMIT, self.source.close()).await.is_err() {
            tracing::warn!(
                limit = ?CLOSE_LIMIT,
                "the share group was not left in time: what is locked goes to others when its locks end"
            );
        }
        drained
    }
}

/// Returns `None` if the mapping has no share group.
fn config(settings: &Settings<'_>, facts: QueueFacts) -> Option<QueueConfig> {
    let Source::Kafka(kafka) = &settings.mapping.source else {
        return None;
    };
    let KafkaCluster::SelfManaged { bootstrap_servers } = &kafka.cluster else {
        return None;
    };
    let options = &settings.shared.options;
    let around = settings.surroundings();
    let group = ShareGroupConfig::new(settings.mapping, &around, options.share_group_retries)?;
    let (concurrency, report_batch_item_failures) = match &kafka.mode {
        KafkaMode::Provisioned(provisioned) => (
            Concurrency::Provisioned {
                minimum: provisioned.pollers.minimum,
                maximum: provisioned.pollers.maximum,
            },
            provisioned.report_batch_item_failures,
        ),
        _ => (Concurrency::OnDemand { maximum: None }, false),
    };
    let encoder = KafkaEncoder::self_managed(&bootstrap_servers.join(","), &kafka.topic);
    let filters = settings.mapping.filters.as_ref();
    Some(QueueConfig {
        limits: Limits {
            count: kafka.batch_size as usize,
            // Batches of a share group do not wait (Lambda API reference, `MaximumBatchingWindowInSeconds`).
            window: Duration::ZERO,
        },
        report_batch_item_failures,
        fifo: false,
        concurrency,
        pacing: options.pacing,
        filters: filters.map(|set| set.compiled().clone()),
        encoder: QueueEncoder::Kafka(encoder),
        facts,
        function_timeout: settings.function.timeout,
        function_concurrency: settings.function.concurrency,
        detail: options.detail,
        share_group: Some(Arc::new(group)),
    })
}
