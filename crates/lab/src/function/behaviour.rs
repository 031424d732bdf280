//! How a function behaves now.

use std::time::Duration;

use crate::arrivals::Sampler;
use crate::scenario::{Function, FunctionChange};

/// How a function behaves now: what its scenario says, with the changes so far.
#[derive(Debug)]
pub(super) struct Behaviour {
    pub(super) timeout: Duration,
    pub(super) duration: Sampler,
    pub(super) per_record: Sampler,
    pub(super) cold_start: Sampler,
    pub(super) error_rate: f64,
    pub(super) throttle_rate: f64,
    pub(super) record_error_rate: f64,
    pub(super) poison_rate: f64,
    pub(super) reserved_concurrency: Option<u32>,
}

impl Behaviour {
    pub(super) fn new(function: &Function) -> Self {
        Self {
            timeout: function.timeout,
            duration: Sampler::new(&function.duration),
            per_record: Sampler::new(&function.per_record),
            cold_start: Sampler::new(&function.cold_start),
            error_rate: function.error_rate,
            throttle_rate: function.throttle_rate,
            record_error_rate: function.record_error_rate,
            poison_rate: function.poison_rate,
            reserved_concurrency: function.reserved_concurrency,
        }
    }

    pub(super) fn change(&mut self, change: &FunctionChange) {
        if let Some(duration) = &change.duration {
            self.duration = Sampler::new(duration);
        }
        let rates = [
            (&mut self.error_rate, change.error_rate),
            (&mut self.throttle_rate, change.throttle_rate),
            (&mut self.record_error_rate, change.record_error_rate),
        ];
        for (rate, new) in rates {
            *rate = new.unwrap_or(*rate);
        }
        self.reserved_concurrency = change
            .reserved_concurrency
            .unwrap_or(self.reserved_concurrency);
    }

    /// Tells whether single records may fail.
    pub(super) fn looks_at_records(&self) -> bool {
        self.record_error_rate > 0.0 || self.poison_rate > 0.0
    }
}
