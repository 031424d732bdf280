//! The second act: a stream, a reading that the function cannot process, tumbling windows.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::record::{KinesisRecord, StreamContent};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryDestination, MemoryStream, MemoryStreamOptions};
use lambda_esm_engine::{Clock, Counts, EngineBuilder};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::failure::Failure;

const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/readings";
const DESTINATION_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:unreadable";

/// The readings of each window in degrees; `None` is one that cannot be read.
const BURSTS: [&[Option<f64>]; 2] = [
    &[
        Some(20.5),
        Some(21.0),
        Some(21.5),
        None,
        Some(20.0),
        Some(22.0),
    ],
    &[Some(23.0), Some(23.5), Some(24.0)],
];
/// Long enough for the bursts to lie in two windows of a second.
const PAUSE: Duration = Duration::from_millis(1500);

pub(super) struct Readings {
    stream: MemoryStream,
    destination: MemoryDestination,
    sender: mpsc::UnboundedSender<Mean>,
}

/// What the function makes of a window.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Mean {
    pub(super) readings: u32,
    pub(super) celsius: f64,
}

/// How the act ended.
#[derive(Debug, Serialize)]
pub(super) struct ReadingsSummary {
    /// What the function made of each window.
    pub(super) windows: Vec<Mean>,
    /// What the on-failure destination was told.
    pub(super) told: Vec<Box<RawValue>>,
    /// The mapping's counters.
    pub(super) counts: Counts,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
    state: State,
    #[serde(rename = "isFinalInvokeForWindow")]
    is_final: bool,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Payload,
}

#[derive(Deserialize)]
struct Payload {
    data: String,
}

/// What the function hands from one invocation of a window to the next.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct State {
    readings: u32,
    sum: f64,
}

impl Readings {
    /// Returns the act, and what the function will make of each window.
    pub(super) fn new(clock: Clock) -> (Self, mpsc::UnboundedReceiver<Mean>) {
        let (sender, means) = mpsc::unbounded_channel();
        let readings = Self {
            stream: MemoryStream::new(clock, MemoryStreamOptions::kinesis()),
            destination: MemoryDestination::default(),
            sender,
        };
        (readings, means)
    }

    /// Adds the stream, the destination and the function to an engine.
    pub(super) fn register(&self, builder: EngineBuilder) -> EngineBuilder {
        let sender = self.sender.clone();
        let function = Closure::new(move |request| {
            let answer = average(&request.payload, &sender);
            async move { answer }
        });
        builder
            .stream("readings", self.stream.clone())
            .destination("unreadable", self.destination.clone())
            .function("average-readings", function)
    }

    pub(super) fn mapping(&self) -> Value {
        json!({
            "EventSourceArn": STREAM_ARN,
            "FunctionName": "average-readings",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 10,
            "TumblingWindowInSeconds": 1,
            "BisectBatchOnFunctionError": true,
            "MaximumRetryAttempts": 1,
            "DestinationConfig": { "OnFailure": { "Destination": DESTINATION_ARN } },
        })
    }

    pub(super) fn introduction(&self) -> String {
        "2. A stream in memory, and a function that averages readings, one of which it cannot read.\n\
         Tumbling windows of 1 s, batches that fail are split, 1 retry, then to the on-failure\n\
         destination."
            .to_owned()
    }

    /// Puts the readings into the stream, those of a window at one time.
    pub(super) async fn put(&self) -> Result<(), Failure> {
        for (index, burst) in BURSTS.into_iter().enumerate() {
            if index > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            self.stream
                .put_many(burst.iter().copied().map(record))
                .map_err(|error| Failure::general(error.to_string()))?;
        }
        Ok(())
    }

    /// Returns how many windows there are.
    pub(super) const fn windows(&self) -> usize {
        BURSTS.len()
    }

    pub(super) fn summary(&self, windows: Vec<Mean>, counts: Counts) -> ReadingsSummary {
        let told = self.destination.records();
        let told = told
            .iter()
            .filter_map(|record| serde_json::from_slice(&record.body).ok());
        ReadingsSummary {
            windows,
            told: told.collect(),
            counts,
        }
    }
}

fn record(reading: Option<f64>) -> StreamContent {
    let data = reading.map_or_else(|| "unreadable".to_owned(), |celsius| celsius.to_string());
    StreamContent::Kinesis(KinesisRecord::new("thermometer", data))
}

/// The function: adds the readings up, and tells their mean at the end of the window.
fn average(payload: &[u8], means: &mpsc::UnboundedSender<Mean>) -> Result<Bytes, InvokeError> {
    let event: Event = serde_json::from_slice(payload)
        .map_err(|error| InvokeError::function(error.to_string()))?;
    let mut state = event.state;
    for record in event.records {
        state.sum += read(&record.kinesis.data)?;
        state.readings += 1;
    }
    if event.is_final {
        let mean = Mean {
            readings: state.readings,
            celsius: state.sum / f64::from(state.readings.max(1)),
        };
        // Nobody listens any more once the demo is over.
        means.send(mean).ok();
    }
    Ok(json!({ "state": state }).to_string().into())
}

fn read(data: &str) -> Result<f64, InvokeError> {
    let text = BASE64_STANDARD.decode(data).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.parse()
        .map_err(|_| InvokeError::function(format!("\"{text}\" is no reading")))
}
