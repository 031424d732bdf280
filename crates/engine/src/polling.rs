//! Polling: a driver at work for a mapping, whatever the kind of its source.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::batching::Limits;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Lanes, Mapping, Source, SqsConcurrency, SqsMapping};
use lambda_esm_core::queue::{Concurrency, QueueConfig, QueueEncoder, QueueFacts};
use lambda_esm_core::stream::{
    Checkpoint, KeptCheckpoint, KeptCheckpoints, ShardId, StreamConfig, Surroundings,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::driver::{Command, Function, Outside, QueueDriver, StreamDriver, StreamPorts};
use crate::options::EngineOptions;
use crate::ports::{FunctionFacts, QueueSource};
use crate::shared::Shared;

/// After so many checkpoints others have their turn.
const AT_A_TIME: usize = 100;

/// What source, store and function say.
pub(crate) struct Facts {
    pub(crate) source: Result<Found, SourceError>,
    /// `None` if it cannot be asked now.
    pub(crate) function: Option<FunctionFacts>,
}

/// A source to be polled.
pub(crate) enum Found {
    Queue(Arc<dyn QueueSource>, QueueFacts),
    Stream(StreamPorts, KeptCheckpoints),
}

/// A driver at work.
pub(crate) enum Polling {
    Queue {
        driver: Running<QueueConfig>,
        source: Arc<dyn QueueSource>,
        /// What the queue said about itself when it could last be asked.
        facts: QueueFacts,
    },
    Stream {
        driver: Running<StreamConfig>,
        /// What a driver cannot change under way.
        lanes: Lanes,
        destination: Option<String>,
    },
}

/// What came of new settings.
pub(crate) enum Reconfigured {
    Done,
    /// The driver has ended by itself.
    Ended,
    /// They ask for another driver.
    NeedsRestart,
}

/// The task of a driver, and the way to talk to it.
pub(crate) struct Running<C> {
    commands: mpsc::Sender<Command<C>>,
    task: JoinHandle<()>,
}

impl<C> Drop for Running<C> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<C> Running<C> {
    async fn tell(&self, config: C, function: Function) -> Reconfigured {
        let command = Command::Reconfigure {
            config: Box::new(config),
            function,
        };
        match self.commands.send(command).await {
            Ok(()) => Reconfigured::Done,
            Err(_) => Reconfigured::Ended,
        }
    }

    /// Lets the driver finish what is in flight. Returns whether it did so within `bound`.
    async fn drain(mut self, bound: Duration) -> bool {
        // The driver may have ended by itself; then there is nothing to tell it.
        drop(self.commands.send(Command::Drain { bound }).await);
        let ended = tokio::time::timeout(bound, &mut self.task).await.is_ok();
        self.task.abort();
        // The aborted driver must not write to the progress any more.
        self.commands.closed().await;
        ended
    }
}

/// Asks the source of a mapping for what the rules need to know. One that is polled is asked again.
pub(crate) async fn ask(
    shared: &Shared,
    mapping: &Mapping,
    running: Option<&Polling>,
) -> Result<Found, SourceError> {
    match &mapping.source {
        Source::Sqs(_) => {
            let source = match running {
                Some(Polling::Queue { source, .. }) => source.clone(),
                _ => shared.queue(mapping).await?,
            };
            let facts = source.describe().await?;
            Ok(Found::Queue(source, facts))
        }
        Source::Kinesis(_) | Source::DynamoDb(_) => {
            let ports = StreamPorts {
                source: shared.stream(mapping).await?,
                destination: shared.destination(mapping).await?,
                store: shared.store.clone(),
            };
            Ok(Found::Stream(ports, kept(shared, mapping).await?))
        }
        other => Err(not_built(other)),
    }
}

/// Returns how far the mapping had come.
async fn kept(shared: &Shared, mapping: &Mapping) -> Result<KeptCheckpoints, SourceError> {
    let fatal = |text: String| SourceError::new(SourceErrorKind::Fatal, text);
    let rows = shared.store.checkpoints(mapping.uuid).await;
    let rows =
        rows.map_err(|error| fatal(format!("the checkpoints kept cannot be read: {error}")))?;
    let mut kept = KeptCheckpoints::new();
    for row in rows {
        let Some(checkpoint) = Checkpoint::from_text(&row.checkpoint) else {
            return Err(fatal(format!(
                "the checkpoint kept for {} makes no sense; delete the mapping and create it anew",
                row.partition
            )));
        };
        let known = KeptCheckpoint {
            identity: row.source_identity,
            checkpoint,
        };
        kept.insert(ShardId::new(row.partition), known);
        if kept.len().is_multiple_of(AT_A_TIME) {
            tokio::task::yield_now().await;
        }
    }
    Ok(kept)
}

/// Begins to poll what was found.
pub(crate) fn start(
    shared: &Shared,
    mapping: &Mapping,
    facts: Facts,
    seed: u64,
    outside: Outside,
) -> Result<Polling, SourceError> {
    match (facts.source?, &mapping.source) {
        (Found::Queue(source, queue), Source::Sqs(sqs)) => {
            let function = facts.function.unwrap_or_default();
            let config = queue_config(&shared.options, mapping, sqs, queue, function);
            let (commands, receiver) = mpsc::channel(8);
            let driver = QueueDriver::new(
                config,
                seed,
                source.clone(),
                shared.receives.clone(),
                outside,
            );
            let task = tokio::spawn(driver.run(receiver));
            Ok(Polling::Queue {
                driver: Running { commands, task },
                source,
                facts: queue,
            })
        }
        (Found::Stream(ports, kept), source) => {
            let Some(config) = stream_config(&shared.options, mapping) else {
                return Err(not_built(source));
            };
            let (lanes, destination) = (config.lanes, destination_of(&config));
            let (commands, receiver) = mpsc::channel(8);
            let driver = StreamDriver::new(mapping.uuid, ports, outside);
            let task = tokio::spawn(driver.run(config, kept, seed, receiver));
            Ok(Polling::Stream {
                driver: Running { commands, task },
                lanes,
                destination,
            })
        }
        (Found::Queue(..), source) => Err(not_built(source)),
    }
}

impl Polling {
    /// Waits until the driver has ended, though nobody told it to.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Queue { driver, .. } => driver.commands.closed().await,
            Self::Stream { driver, .. } => driver.commands.closed().await,
        }
    }

    /// Tells the driver new settings.
    pub(crate) async fn reconfigure(
        &mut self,
        shared: &Shared,
        mapping: &Mapping,
        facts: Facts,
    ) -> Reconfigured {
        let function = Function::new(&mapping.function, &shared.lines);
        match self {
            Self::Queue {
                driver,
                facts: known,
                ..
            } => {
                // The old facts about the queue are better than none if it cannot be asked now.
                if let Ok(Found::Queue(_, queue)) = facts.source {
                    *known = queue;
                }
                let Source::Sqs(sqs) = &mapping.source else {
                    return Reconfigured::NeedsRestart;
                };
                let options = &shared.options;
                let about = facts.function.unwrap_or_default();
                let config = queue_config(options, mapping, sqs, *known, about);
                driver.tell(config, function).await
            }
            Self::Stream {
                driver,
                lanes,
                destination,
            } => match stream_config(&shared.options, mapping) {
                Some(config)
                    if config.lanes == *lanes && destination_of(&config) == *destination =>
                {
                    driver.tell(config, function).await
                }
                _ => Reconfigured::NeedsRestart,
            },
        }
    }

    /// Lets the driver finish what is in flight. Returns whether it did so within `bound`.
    pub(crate) async fn drain(self, bound: Duration) -> bool {
        match self {
            Self::Queue { driver, .. } => driver.drain(bound).await,
            Self::Stream { driver, .. } => driver.drain(bound).await,
        }
    }
}

fn destination_of(config: &StreamConfig) -> Option<String> {
    let destination = config.on_failure.as_ref()?;
    Some(destination.arn().as_str().to_owned())
}

fn stream_config(options: &EngineOptions, mapping: &Mapping) -> Option<StreamConfig> {
    let around = Surroundings {
        region: options.region.clone(),
        account_id: options.account_id.clone(),
        role_arn: options.role_arn.clone(),
        pacing: options.pacing,
        detail: options.detail,
    };
    StreamConfig::new(mapping, &around)
}

fn queue_config(
    options: &EngineOptions,
    mapping: &Mapping,
    sqs: &SqsMapping,
    queue: QueueFacts,
    function: FunctionFacts,
) -> QueueConfig {
    let region = sqs.queue_arn.region();
    let has_window = !sqs.window.is_zero();
    let encoder = SqsEncoder::new(sqs.queue_arn.as_str(), region, has_window);
    let filters = mapping.filters.as_ref();
    QueueConfig {
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
        },
        pacing: options.pacing,
        filters: filters.map(|set| set.compiled().clone()),
        encoder: QueueEncoder::Sqs(encoder),
        facts: queue,
        function_timeout: function.timeout,
        function_concurrency: function.concurrency,
        detail: options.detail,
    }
}

/// Returns the error of a source for which there is no driver.
pub(crate) fn not_built(source: &Source) -> SourceError {
    let text = format!(
        "event sources of kind {:?} are not supported by this build",
        source.kind()
    );
    SourceError::new(SourceErrorKind::Fatal, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_panics_is_noticed() {
        let (commands, receiver) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let _commands = receiver;
            panic!("as a fault in a machine would");
        });
        let polling = Polling::Stream {
            driver: Running { commands, task },
            lanes: Lanes::Parallel(1),
            destination: None,
        };
        polling.ended().await;
    }
}
