//! What happens on the way.

use std::time::Duration;

use lambda_esm_core::mapping::UpdateEventSourceMapping;

use super::Distribution;

/// Something that happens at a time.
#[derive(Clone, Debug)]
pub struct TimedChange {
    /// When, counted from the beginning.
    pub at: Duration,
    /// What. What lasts a while has a second change that ends it.
    pub change: Change,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Change {
    /// A stream of Kinesis gets another number of shards, by splits and merges; a table's shards roll over if it has
    /// that many; a topic gets more partitions.
    Reshard {
        /// The place in [`Scenario::sources`](super::Scenario::sources).
        source: usize,
        /// How many there are then.
        shards: usize,
    },
    /// A source cannot be reached, or can again.
    SourceDown {
        /// The place in [`Scenario::sources`](super::Scenario::sources).
        source: usize,
        /// Whether it is down from now on.
        down: bool,
    },
    /// A function behaves otherwise: a deploy, an outage of what it calls, throttling.
    Function {
        /// The place in [`Scenario::functions`](super::Scenario::functions).
        function: usize,
        /// What of it is otherwise from now on.
        change: FunctionChange,
    },
    /// A mapping is updated; also how it is disabled and enabled.
    Update {
        /// The place in [`Scenario::mappings`](super::Scenario::mappings).
        mapping: usize,
        /// What is changed.
        request: Box<UpdateEventSourceMapping>,
    },
}

/// What of a function is otherwise; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionChange {
    /// See [`Function::duration`](super::Function::duration).
    pub duration: Option<Distribution>,
    /// See [`Function::error_rate`](super::Function::error_rate).
    pub error_rate: Option<f64>,
    /// See [`Function::throttle_rate`](super::Function::throttle_rate).
    pub throttle_rate: Option<f64>,
    /// See [`Function::record_error_rate`](super::Function::record_error_rate).
    pub record_error_rate: Option<f64>,
    /// See [`Function::reserved_concurrency`](super::Function::reserved_concurrency).
    pub reserved_concurrency: Option<Option<u32>>,
    /// Whether all environments are gone, as after a deploy.
    pub cold: bool,
}
