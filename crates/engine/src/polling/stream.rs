//! Streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, KafkaDestination, Lanes, Mapping};
use lambda_esm_core::stream::{
    Checkpoint, KeptCheckpoint, KeptCheckpoints, ShardId, StreamConfig, StreamMachine,
};

use super::kind::{FoundSource, Polling, Reconfigured, Settings, SourceKind};
use crate::driver::{Driver, DriverHandle, StreamEnds, StreamPorts};
use crate::lookup::LookupError;
use crate::ports::{FailureDestination, FunctionFacts, StreamSource};
use crate::reporter::Reporter;
use crate::shared::Shared;
use crate::stored::read_checkpoint;

/// After so many checkpoints others have their turn.
const AT_A_TIME: usize = 100;

/// Sources that are read in shards: Kinesis, DynamoDB Streams, and change streams, which are one.
pub(super) struct Stream;

#[async_trait]
impl SourceKind for Stream {
    async fn check(
        &self,
        shared: &Shared,
        mapping: &Mapping,
        _function: &FunctionFacts,
    ) -> Result<(), ApiError> {
        if let Err(error) = shared.destination(mapping).await {
            shared.missing(error.refusal("DestinationConfig"))?;
        }
        let stream = match shared.stream(mapping).await {
            Ok(stream) => stream,
            Err(error) if error.is_absence() => {
                return shared.missing(no_such_stream(mapping, error.hint()));
            }
            Err(error) => return shared.missing(error.refusal("EventSourceArn")),
        };
        match stream.list().await {
            Err(error) if error.kind == SourceErrorKind::NotFound => {
                shared.missing(no_such_stream(mapping, error.message))
            }
            _ => Ok(()),
        }
    }

    async fn find(
        &self,
        shared: &Shared,
        mapping: &Mapping,
    ) -> Result<Box<dyn FoundSource>, SourceError> {
        Ok(Box::new(FoundStream {
            source: shared.stream(mapping).await?,
            destination: shared.destination(mapping).await?,
            checkpoints: checkpoints(shared, mapping).await?,
        }))
    }
}

/// Returns the refusal of a mapping whose stream does not exist (recorded).
fn no_such_stream(mapping: &Mapping, hint: String) -> ApiError {
    let arn = mapping.source.arn().map_or("", |arn| arn.as_str());
    ApiError::invalid("EventSourceArn", format!("Stream not found: {arn}")).hint(hint)
}

/// Returns how far the mapping had come.
async fn checkpoints(shared: &Shared, mapping: &Mapping) -> Result<KeptCheckpoints, SourceError> {
    let fatal = |text: String| SourceError::new(SourceErrorKind::Fatal, text);
    let rows = shared.store.checkpoints(mapping.uuid).await;
    let rows =
        rows.map_err(|error| fatal(format!("the checkpoints kept cannot be read: {error}")))?;
    let mut kept = KeptCheckpoints::new();
    for row in rows {
        let unusable = |why: String| {
            fatal(format!(
                "the checkpoint kept for {} cannot be used: {why}; otherwise delete the mapping and create it anew",
                row.partition
            ))
        };
        let progress = read_checkpoint(&row).map_err(unusable)?;
        let checkpoint = Checkpoint::from_text(&progress.checkpoint)
            .ok_or_else(|| unusable("it makes no sense".to_owned()))?;
        let known = KeptCheckpoint {
            identity: progress.source_identity,
            checkpoint,
        };
        kept.insert(ShardId::new(row.partition), known);
        if kept.len().is_multiple_of(AT_A_TIME) {
            tokio::task::yield_now().await;
        }
    }
    Ok(kept)
}

struct FoundStream {
    source: Arc<dyn StreamSource>,
    destination: Option<Arc<dyn FailureDestination>>,
    checkpoints: KeptCheckpoints,
}

impl FoundSource for FoundStream {
    fn poll(
        self: Box<Self>,
        settings: &Settings<'_>,
        seed: u64,
        reporter: Reporter,
    ) -> Result<Box<dyn Polling>, SourceError> {
        let Some(config) = config(settings) else {
            let text = "a stream was found for a mapping of another kind of source";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        };
        let (shared, clock) = (settings.shared, settings.shared.clock);
        let fixed = Fixed::of(&config);
        let (mapping, store) = (settings.mapping.uuid, shared.store.clone());
        let latest = (self.source, self.destination);
        let ports = StreamPorts::new(mapping, latest.clone(), store);
        let driver = Driver::new(ports, settings.to_call(), reporter, clock);
        let machine = StreamMachine::new(config, self.checkpoints, seed, clock.now());
        Ok(Box::new(StreamPolling {
            driver: DriverHandle::spawn(driver, machine),
            latest: Mutex::new(latest),
            fixed,
        }))
    }
}

struct StreamPolling {
    driver: DriverHandle<StreamPorts>,
    /// The stream and the destination that were found last.
    latest: Mutex<StreamEnds>,
    fixed: Fixed,
}

impl StreamPolling {
    fn latest(&self) -> MutexGuard<'_, StreamEnds> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a driver cannot change under way.
#[derive(PartialEq)]
struct Fixed {
    lanes: Lanes,
    destination: Option<KafkaDestination>,
}

impl Fixed {
    fn of(config: &StreamConfig) -> Self {
        let destination = config.on_failure.as_ref();
        Self {
            lanes: config.lanes,
            destination: destination.cloned(),
        }
    }
}

#[async_trait]
impl Polling for StreamPolling {
    /// New settings depend on nothing that the stream says, and its machine lists the shards itself.
    async fn ask_again(&self) {}

    async fn look_up_again(&self, shared: &Shared, mapping: &Mapping) -> Result<(), SourceError> {
        let found = async {
            let source = shared.stream(mapping).await?;
            let destination = shared.destination(mapping).await?;
            Ok::<StreamEnds, LookupError>((source, destination))
        };
        match found.await {
            Ok(found) => *self.latest() = found,
            Err(error) if error.is_absence() => return Err(error.into()),
            Err(_) => {}
        }
        Ok(())
    }

    async fn reconfigure(&self, settings: &Settings<'_>) -> Reconfigured {
        match config(settings) {
            Some(config) if Fixed::of(&config) == self.fixed => {
                let function = settings.to_call();
                let latest = self.latest().clone();
                Reconfigured::told(self.driver.reconfigure(config, function, latest).await)
            }
            // Begun anew with what the old driver leaves behind.
            _ => Reconfigured::NeedsRestart,
        }
    }

    async fn ended(&self) {
        self.driver.ended().await;
    }

    async fn drain(self: Box<Self>, bound: Duration) -> bool {
        self.driver.drain(bound).await
    }
}

/// Returns `None` if the mapping's source is no stream.
fn config(settings: &Settings<'_>) -> Option<StreamConfig> {
    StreamConfig::new(settings.mapping, &settings.surroundings())
}
