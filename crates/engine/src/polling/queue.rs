//! Queues.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::batching::Limits;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, Mapping, Source, SqsConcurrency, check_function_timeout};
use lambda_esm_core::queue::{Concurrency, QueueConfig, QueueEncoder, QueueFacts, QueueMachine};

use super::kind::{FoundSource, Polling, Reconfigured, Settings, SourceKind};
use crate::driver::{Driver, DriverHandle, QueuePorts};
use crate::ports::{FunctionFacts, QueueSource};
use crate::reporter::Reporter;
use crate::shared::Shared;

/// Sources whose messages are received and settled: SQS.
pub(super) struct Queue;

#[async_trait]
impl SourceKind for Queue {
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        function: &FunctionFacts,
    ) -> Result<(), ApiError> {
        let queue = match shared.queue(mapping).await {
            Ok(queue) => queue,
            Err(error) if error.is_absence() => {
                return shared.missing(no_such_queue(error.hint()));
            }
            Err(error) => return shared.missing(error.refusal("EventSourceArn")),
        };
        match (queue.describe().await, function.timeout) {
            (Ok(queue), Some(timeout)) => {
                check_function_timeout(mapping, timeout, Some(queue.visibility_timeout))
            }
            (Err(error), _) if error.kind == SourceErrorKind::NotFound => {
                shared.missing(no_such_queue(error.message))
            }
            _ => Ok(()),
        }
    }

    async fn find(
        &self,
        shared: &Shared,
        mapping: &Mapping,
    ) -> Result<Box<dyn FoundSource>, SourceError> {
        let source = shared.queue(mapping).await?;
        let facts = source.describe().await?;
        Ok(Box::new(FoundQueue { source, facts }))
    }
}

/// Returns the refusal of a mapping whose queue does not exist (recorded).
fn no_such_queue(hint: String) -> ApiError {
    let text = "Error occurred while ReceiveMessage. SQS Error Code: \
         AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.";
    ApiError::invalid("EventSourceArn", text).hint(hint)
}

struct FoundQueue {
    source: Arc<dyn QueueSource>,
    facts: QueueFacts,
}

impl FoundSource for FoundQueue {
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError> {
        let Self { source, facts } = *self;
        let Some(config) = config(settings, facts) else {
            let text = "a queue was found for a mapping of another kind of source";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        };
        let clock = settings.shared.clock;
        let ports = QueuePorts::new((source.clone(), None), settings.shared.receives.clone());
        let driver = Driver::new(ports, settings.to_call(), reporter, clock);
        let machine = QueueMachine::new(config, seed, clock.now());
        Ok(Box::new(QueuePolling {
            driver: DriverHandle::spawn(driver, machine),
            latest: Mutex::new((source, facts)),
        }))
    }
}

struct QueuePolling {
    driver: DriverHandle<QueuePorts>,
    /// The queue that was found last, and what it said about itself when it could last be asked.
    latest: Mutex<(Arc<dyn QueueSource>, QueueFacts)>,
}

impl QueuePolling {
    fn latest(&self) -> MutexGuard<'_, (Arc<dyn QueueSource>, QueueFacts)> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Polling for QueuePolling {
    async fn ask_again(&self) {
        let source = self.latest().0.clone();
        if let Ok(facts) = source.describe().await {
            self.latest().1 = facts;
        }
    }

    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError> {
        let source = match shared.queue(mapping).await {
            Ok(source) => source,
            Err(error) if error.is_absence() => return Err(error.into()),
            Err(_) => return Ok(()),
        };
        match source.describe().await {
            Ok(facts) => *self.latest() = (source, facts),
            Err(error) if error.kind == SourceErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured {
        let (source, facts) = self.latest().clone();
        let Some(config) = config(settings, facts) else {
            return Reconfigured::NeedsRestart;
        };
        let function = settings.to_call();
        Reconfigured::told(
            self.driver
                .reconfigure(config, function, (source, None))
                .await,
        )
    }

    async fn ended(&self) {
        self.driver.ended().await;
    }

    async fn drain(self: Box<Self>, bound: Duration) -> bool {
        self.driver.drain(bound).await
    }
}

/// Returns `None` if the mapping's source is no queue.
fn config(settings: &Settings<'_>, facts: QueueFacts) -> Option<QueueConfig> {
    let Source::Sqs(sqs) = &settings.mapping.source else {
        return None;
    };
    let options = &settings.shared.options;
    let region = sqs.queue_arn.region();
    let has_window = !sqs.window.is_zero();
    let encoder = SqsEncoder::new(sqs.queue_arn.as_str(), region, has_window);
    let filters = settings.mapping.filters.as_ref();
    Some(QueueConfig {
        limits: Limits {
            count: sqs.batch_size as usize,
            window: sqs.window,
        },
        report_batch_item_failures: sqs.report_batch_item_failures,
        fifo: sqs.fifo,
        concurrency: match sqs.concurrency {
            SqsConcurrency::OnDemand { maximum } => Concurrency::OnDemand { maximum },
            SqsConcurrency::Provisioned(pollers) => Concurrency::Provisioned {
                minimum: pollers.minimum,
                maximum: pollers.maximum,
            },
            _ => return None,
        },
        pacing: options.pacing,
        filters: filters.map(|set| set.compiled().clone()),
        encoder: QueueEncoder::Sqs(encoder),
        facts,
        function_timeout: settings.function.timeout,
        function_concurrency: settings.function.concurrency,
        detail: options.detail,
        share_group: None,
    })
}
