//! How many batches run at a time: a poller for each partition at most (Lambda developer guide, "Apache Kafka event
//! poller scaling modes").

use super::config::Pollers;
use crate::pacing::Pacing;
use crate::scaling_model::{TOPIC_EVALUATED_EVERY, TOPIC_GROWTH, TOPIC_INVOCATIONS_PER_POLLER};
use crate::time::Timestamp;

/// The pollers of a mapping.
#[derive(Debug)]
pub(super) struct Scaling {
    pollers: usize,
    evaluated: Timestamp,
    /// Whether the function was throttled since.
    throttled: bool,
}

/// How the number of pollers has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) because: &'static str,
}

impl Scaling {
    /// Returns the pollers of a mapping that begins.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            pollers: 0,
            evaluated: now,
            throttled: false,
        }
    }

    /// The function was throttled.
    pub(super) const fn note_throttled(&mut self) {
        self.throttled = true;
    }

    /// Returns how many batches may run at a time. With eager pacing that is as many as are ever allowed.
    pub(super) fn limit(&self, pollers: Pollers, pacing: Pacing, partitions: usize) -> usize {
        let now = match (pollers, pacing) {
            (Pollers::OnDemand, Pacing::Aws) => self.pollers.max(1),
            (Pollers::OnDemand, Pacing::Eager) => partitions,
            (Pollers::Provisioned(bounds), pacing) => {
                let (least, most) = (bounds.minimum as usize, bounds.maximum as usize);
                let pollers = match pacing {
                    Pacing::Aws => self.pollers.clamp(least, most),
                    Pacing::Eager => most,
                };
                pollers.saturating_mul(TOPIC_INVOCATIONS_PER_POLLER)
            }
        };
        now.min(partitions).max(1)
    }

    /// Returns when the lag is looked at next.
    pub(super) fn next_evaluation(&self) -> Timestamp {
        self.evaluated + TOPIC_EVALUATED_EVERY
    }

    /// Looks at the lag, once a minute: pollers double while there is one, go down by one while there is none, and are
    /// halved where the function was throttled. Lambda documents the minute, and that pollers are added, removed and, for
    /// a throttled target, reduced, but no curve.
    pub(super) fn evaluate(
        &mut self,
        now: Timestamp,
        pollers: Pollers,
        lag: i64,
        partitions: usize,
    ) -> Option<Scaled> {
        if self.next_evaluation() > now {
            return None;
        }
        self.evaluated = now;
        let (least, most) = match pollers {
            Pollers::OnDemand => (1, partitions.max(1)),
            Pollers::Provisioned(bounds) => {
                let least = bounds.minimum as usize;
                (least, (bounds.maximum as usize).min(partitions).max(least))
            }
        };
        let from = self.pollers.clamp(least, most);
        let (to, because) = if std::mem::take(&mut self.throttled) {
            (from / 2, "the function was throttled")
        } else if lag > 0 {
            (from * TOPIC_GROWTH, "there is an offset lag")
        } else {
            (from - 1, "there is no offset lag")
        };
        self.pollers = to.clamp(least, most);
        let to = self.pollers;
        (from != to).then_some(Scaled { from, to, because })
    }
}
