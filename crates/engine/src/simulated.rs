//! A function that only takes time, and fails as often as it is told to.

use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::setters;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

/// How long a simulated function runs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Runtime {
    /// Always the same time.
    Constant(Duration),
    /// Any time between two, with equal chance.
    Uniform(Duration, Duration),
    /// Log-normal: half of the runs are shorter than the first time, 99 in 100 than the second.
    LogNormal {
        /// The median.
        p50: Duration,
        /// The 99th percentile.
        p99: Duration,
    },
}

impl Runtime {
    fn sample(self, random: &mut Random) -> Duration {
        match self {
            Self::Constant(duration) => duration,
            Self::Uniform(low, high) => low + high.saturating_sub(low).mul_f64(random.fraction()),
            Self::LogNormal { p50, p99 } => {
                /// How many standard deviations the 99th percentile lies above the median.
                const Z99: f64 = 2.326_347_874;
                let sigma = (p99.as_secs_f64() / p50.as_secs_f64().max(1e-9))
                    .max(1.0)
                    .ln()
                    / Z99;
                // Box and Muller's way from two even numbers to one normal number.
                let radius = (-2.0 * (1.0 - random.fraction()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * random.fraction()).cos();
                p50.mul_f64((sigma * normal).exp().min(1e6))
            }
        }
    }
}

/// The behaviour of a [`Simulated`] function.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Behaviour {
    /// How long each invocation takes.
    pub runtime: Runtime,
    /// The share of invocations that fail, `0.0..=1.0`.
    pub error_rate: f64,
    /// The share of invocations that are throttled, `0.0..=1.0`.
    pub throttle_rate: f64,
    /// The share of records reported in `batchItemFailures`, `0.0..=1.0`: messages by their id, records of a
    /// stream by their sequence number. Only a mapping with `ReportBatchItemFailures` looks at that.
    pub record_error_rate: f64,
    /// The most concurrent invocations; more are throttled. `None` for no limit.
    pub concurrency: Option<usize>,
    /// The same seed gives the same durations and failures in the same order.
    pub seed: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            runtime: Runtime::Constant(Duration::ZERO),
            error_rate: 0.0,
            throttle_rate: 0.0,
            record_error_rate: 0.0,
            concurrency: None,
            seed: 0,
        }
    }
}

setters!(Behaviour {
    with_runtime sets runtime: Runtime,
    with_error_rate sets error_rate: f64,
    with_throttle_rate sets throttle_rate: f64,
    with_record_error_rate sets record_error_rate: f64,
    with_concurrency sets concurrency: Option<usize>,
    with_seed sets seed: u64,
});

/// A function without code. In a tumbling window it hands the state on as it got it.
#[derive(Debug)]
pub struct Simulated {
    behaviour: Behaviour,
    random: Mutex<Random>,
    running: AtomicUsize,
}

#[derive(Default, Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "Records", default)]
    records: Vec<EventRecord<'a>>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
}

/// The identifiers that a record may have.
#[derive(Deserialize)]
struct EventRecord<'a> {
    #[serde(borrow, rename = "messageId")]
    message_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kinesis: Option<Change<'a>>,
    #[serde(borrow)]
    dynamodb: Option<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, rename = "sequenceNumber", alias = "SequenceNumber")]
    sequence_number: Cow<'a, str>,
}

impl EventRecord<'_> {
    fn identifier(&self) -> Option<&str> {
        let change = self.kinesis.as_ref().or(self.dynamodb.as_ref());
        let sequence_number = change.map(|change| &change.sequence_number);
        self.message_id
            .as_ref()
            .or(sequence_number)
            .map(AsRef::as_ref)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    batch_item_failures: Vec<Failure<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    item_identifier: &'a str,
}

/// What chance decided for one invocation.
struct Fate {
    duration: Duration,
    fails: bool,
    throttled: bool,
    /// Decides the records, so that their number does not shift the decisions of later invocations.
    record_seed: u64,
}

/// Counts an invocation for as long as it runs, also if its future is dropped.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Simulated {
    /// Returns a function that behaves so.
    #[must_use]
    pub const fn new(behaviour: Behaviour) -> Self {
        let random = Mutex::new(Random::new(behaviour.seed));
        Self {
            behaviour,
            random,
            running: AtomicUsize::new(0),
        }
    }

    fn draw(&self) -> Fate {
        let mut random = self
            .random
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Fate {
            duration: self.behaviour.runtime.sample(&mut random),
            fails: random.fraction() < self.behaviour.error_rate,
            throttled: random.fraction() < self.behaviour.throttle_rate,
            record_seed: random.next_u64(),
        }
    }

    fn answer(&self, payload: &[u8], seed: u64) -> Bytes {
        let rate = self.behaviour.record_error_rate;
        // The last member of an event of a tumbling window, and of no other.
        let in_window = [true, false].iter().any(|early| {
            let end = format!("\"isWindowTerminatedEarly\":{early}}}");
            payload.ends_with(end.as_bytes())
        });
        if rate <= 0.0 && !in_window {
            return Bytes::from_static(b"null");
        }
        let event: Event<'_> = serde_json::from_slice(payload).unwrap_or_default();
        let mut random = Random::new(seed);
        let failing = event
            .records
            .iter()
            .filter(|_| random.fraction() < rate)
            .filter_map(EventRecord::identifier);
        let response = Response {
            batch_item_failures: failing
                .map(|item_identifier| Failure { item_identifier })
                .collect(),
            state: event.state,
        };
        // Texts and what was read as JSON can always be written.
        serde_json::to_vec(&response).unwrap_or_default().into()
    }
}

#[async_trait]
impl InvokeBackend for Simulated {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let fate = self.draw();
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(&self.running);
        let full = self
            .behaviour
            .concurrency
            .is_some_and(|limit| before >= limit);
        if full || fate.throttled {
            let kind = InvokeErrorKind::throttled(None);
            return Err(InvokeError::new(kind, "simulated throttle"));
        }
        if !fate.duration.is_zero() {
            tokio::time::sleep(fate.duration).await;
        }
        if fate.fails {
            return Err(InvokeError::function("simulated function error"));
        }
        Ok(self.answer(&request.payload, fate.record_seed).into())
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(FunctionFacts {
            timeout: None,
            concurrency: self.behaviour.concurrency,
        })
    }
}
