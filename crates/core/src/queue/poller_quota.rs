//! The quotas of provisioned pollers: each makes at most 10 polling calls and reads at most 1 MB per
//! second (Lambda developer guide, "Using provisioned mode with SQS event source mappings").

use crate::quota::Quota;
use crate::time::Timestamp;

const CALLS_PER_POLLER: f64 = 10.0;
const BYTES_PER_POLLER: f64 = 1_048_576.0;

/// The calls and the bytes of all pollers together, at most one second's worth of each.
#[derive(Clone, Debug)]
pub(super) struct PollerQuota {
    calls: Quota,
    bytes: Quota,
}

impl PollerQuota {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            calls: Quota::new(now, 1.0),
            bytes: Quota::new(now, 1.0),
        }
    }

    /// Takes one call, or returns when the next one is allowed.
    pub(super) fn take_call(&mut self, now: Timestamp, pollers: f64) -> Result<(), Timestamp> {
        let (calls, bytes) = (CALLS_PER_POLLER * pollers, BYTES_PER_POLLER * pollers);
        self.calls.fill(now, calls, calls);
        self.bytes.fill(now, bytes, bytes);
        if self.calls.left() >= 1.0 && self.bytes.left() > 0.0 {
            self.calls.spend(1.0);
            return Ok(());
        }
        let call = self.calls.when(1.0, now, calls);
        Err(call.max(self.bytes.when(0.0, now, bytes)))
    }

    /// Counts what was read; the debt delays the next call.
    pub(super) const fn spend_bytes(&mut self, bytes: usize) {
        self.bytes.spend(bytes as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls as often as allowed for ten seconds, and returns how often that was.
    fn calls_in_ten_seconds(pollers: f64, bytes_per_call: usize) -> usize {
        let mut quota = PollerQuota::new(Timestamp(0));
        let (mut now, mut calls) = (Timestamp(0), 0);
        while now < Timestamp(10_000) {
            match quota.take_call(now, pollers) {
                Ok(()) => {
                    calls += 1;
                    quota.spend_bytes(bytes_per_call);
                }
                Err(next) => {
                    assert!(next > now, "a refusal must name a later time");
                    now = next;
                }
            }
        }
        calls
    }

    #[test]
    fn a_poller_makes_ten_calls_a_second() {
        assert!((90..=101).contains(&calls_in_ten_seconds(1.0, 10)));
        assert!((270..=303).contains(&calls_in_ten_seconds(3.0, 10)));
    }

    #[test]
    fn a_poller_reads_one_megabyte_a_second() {
        let calls = calls_in_ten_seconds(2.0, 1_048_576);
        assert!(
            (18..=23).contains(&calls),
            "{calls} MB in ten seconds by two pollers"
        );
    }
}
