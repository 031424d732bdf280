//! What arrives at a source: when, under which keys, how large, and with what in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Distribution;

/// What arrives at one source.
#[derive(Clone, Debug)]
pub struct Workload {
    /// When; all of them together.
    pub arrivals: Vec<Arrivals>,
    /// Partition keys, message groups or items.
    pub keys: Keys,
    /// The size of a payload in bytes, where it is filler.
    pub size: Distribution,
    /// What payloads are.
    pub bodies: Bodies,
}

/// From when until when something is so, counted from the beginning of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: Duration,
    /// When it ends; with the scenario's duration at the latest.
    pub until: Duration,
}

/// When records arrive.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// At equal distances.
    Constant {
        /// Records per second.
        rate: f64,
        /// When.
        span: Span,
    },
    /// Independently of each other, at a rate on average.
    Poisson {
        /// Records per second.
        rate: f64,
        /// When.
        span: Span,
    },
    /// Many at one moment, again and again.
    Bursts {
        /// How many.
        count: u64,
        /// From one burst to the next; `None` for a single one, at the beginning of the span.
        every: Option<Duration>,
        /// When.
        span: Span,
    },
    /// A day's curve: a cosine between two rates, by the clock of the scenario (UTC), with Poisson arrivals.
    Daily {
        /// The lowest rate per second, twelve hours from the peak.
        low: f64,
        /// The highest rate per second.
        high: f64,
        /// When it is highest, counted from midnight.
        peak: Duration,
        /// When.
        span: Span,
    },
    /// A rate that rises or falls evenly, with equal distances by it.
    Ramp {
        /// Records per second at the beginning.
        from: f64,
        /// Records per second at the end.
        to: f64,
        /// When.
        span: Span,
    },
    /// At given moments, in ascending order, counted from the beginning.
    Times(Arc<[Duration]>),
    /// So many in each step, as a metric counts them: spread over it by chance.
    Counts {
        /// How long a step is: a minute in CloudWatch.
        step: Duration,
        /// How many in each.
        counts: Arc<[u64]>,
    },
    /// As they were recorded, with their keys, sizes and payloads, in ascending order.
    Recorded(Arc<[RecordedArrival]>),
}

/// One record that was recorded.
#[derive(Clone, Debug)]
pub struct RecordedArrival {
    /// When, counted from the beginning of the recording.
    pub after: Duration,
    /// Its partition key or message group, where it had one.
    pub key: Option<Arc<str>>,
    /// The size of its payload in bytes.
    pub size: usize,
    /// Its payload; `None` if that was left out: filler of its size then.
    pub payload: Option<Bytes>,
}

/// The keys of records: `key-0`, `key-1` and so on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// How many there are; at least 1.
    pub count: u64,
    /// By Zipf's law with this exponent some are more frequent than others; with 0 all are equally so.
    pub skew: f64,
}

/// What payloads are.
#[derive(Clone, Debug)]
pub enum Bodies {
    /// JSON objects of the workload's size: `{"n":17,"filler":"…"}`.
    Filler,
    /// These, each as often as its weight says.
    Samples(Arc<[Body]>),
}

/// A payload.
#[derive(Clone, Debug)]
pub struct Body {
    /// How often it comes, compared with the others; above 0.
    pub weight: f64,
    /// The payload: a message's body, a record's data, an item's new image.
    pub payload: Bytes,
}
