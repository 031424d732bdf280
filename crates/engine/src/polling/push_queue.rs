//! Queues whose brokers push.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{
    ApiError, Mapping, MqEngine, MqMapping, Source, check_broker_engine,
};
use lambda_esm_core::push_queue::{PushQueueConfig, PushQueueMachine};

use super::kind::{FoundSource, Polling, Reconfigured, Settings, SourceKind};
use crate::driver::{Driver, DriverHandle, PushQueuePorts};
use crate::ports::{FunctionFacts, PushQueueSource};
use crate::reporter::Reporter;
use crate::shared::Shared;

/// Sources whose brokers push to competing consumers: RabbitMQ and ActiveMQ.
pub(super) struct PushQueue;

#[async_trait]
impl SourceKind for PushQueue {
    /// A broker that cannot be reached, and a queue that is not there, show as the mapping's problem.
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        _function: &FunctionFacts,
    ) -> Result<(), ApiError> {
        match shared.push_queue(mapping).await {
            Ok(source) => check_broker_engine(mapping, source.engine()),
            Err(error) if error.may_pass() => Ok(()),
            Err(error) => shared.missing(error.refusal("EventSourceArn")),
        }
    }

    async fn find(
        &self,
        shared: &Shared,
        mapping: &Mapping,
    ) -> Result<Box<dyn FoundSource>, SourceError> {
        let source = shared.push_queue(mapping).await?;
        Ok(Box::new(FoundPushQueue { source }))
    }
}

struct FoundPushQueue {
    source: Arc<dyn PushQueueSource>,
}

impl FoundSource for FoundPushQueue {
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError> {
        let found = config(settings, self.source.engine()).zip(Fixed::of(settings.mapping));
        let Some((config, fixed)) = found else {
            let text = "the settings are not those of a broker's queue";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        };
        let clock = settings.shared.clock;
        let ports = PushQueuePorts::new(self.source.clone());
        let driver = Driver::new(ports, settings.to_call(), reporter, clock);
        let prefetch = config.prefetch();
        let machine = PushQueueMachine::new(config, seed, clock.now());
        Ok(Box::new(PushQueuePolling {
            driver: DriverHandle::spawn(driver, machine),
            engine: self.source.engine(),
            source: Mutex::new(self.source),
            prefetch,
            fixed,
        }))
    }
}

struct PushQueuePolling {
    driver: DriverHandle<PushQueuePorts>,
    /// The queue that was found last.
    source: Mutex<Arc<dyn PushQueueSource>>,
    engine: MqEngine,
    prefetch: usize,
    fixed: Fixed,
}

impl PushQueuePolling {
    fn source(&self) -> MutexGuard<'_, Arc<dyn PushQueueSource>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session is begun with.
#[derive(PartialEq)]
struct Fixed {
    credentials: String,
    virtual_host: Option<String>,
}

impl Fixed {
    /// Returns `None` if the mapping's source is no queue of a broker.
    fn of(mapping: &Mapping) -> Option<Self> {
        let Source::Mq(MqMapping {
            credentials,
            virtual_host,
            ..
        }) = &mapping.source
        else {
            return None;
        };
        Some(Self {
            credentials: credentials.clone(),
            virtual_host: virtual_host.clone(),
        })
    }
}

#[async_trait]
impl Polling for PushQueuePolling {
    /// New settings depend on nothing that the broker says.
    async fn ask_again(&self) {}

    /// The session goes on; the next one is with what was found.
    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError> {
        match shared.push_queue(mapping).await {
            Ok(source) => *self.source() = source,
            Err(error) if error.is_absence() => return Err(error.into()),
            Err(_) => {}
        }
        Ok(())
    }

    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured {
        let source = self.source().clone();
        let same = Fixed::of(settings.mapping).is_some_and(|fixed| fixed == self.fixed)
            && source.engine() == self.engine;
        match config(settings, self.engine) {
            Some(config) if same && config.prefetch() == self.prefetch => {
                let function = settings.to_call();
                Reconfigured::told(self.driver.reconfigure(config, function, source).await)
            }
            // Begun anew, with another session.
            _ => Reconfigured::NeedsRestart,
        }
    }

    async fn ended(&self) {
        self.driver.ended().await;
    }

    /// The driver ends the session when all is settled; one that is cut short drops it, which ends it, too.
    async fn drain(self: Box<Self>, bound: Duration) -> bool {
        self.driver.drain(bound).await
    }
}

/// Returns `None` if the mapping's source is no queue of a broker.
fn config(settings: &Settings<'_>, engine: MqEngine) -> Option<PushQueueConfig> {
    PushQueueConfig::new(settings.mapping, engine, &settings.surroundings())
}
