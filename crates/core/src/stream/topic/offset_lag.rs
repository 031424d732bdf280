//! The offset lag: how many records of the logs are not committed (Lambda developer guide, "Using CloudWatch metrics with
//! Lambda", Kafka metrics).

use super::action::Action;
use super::machine::TopicMachine;
use super::measuring::MEASURED_EVERY;
use super::port::Watermarks;
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::pacing::Pacing;
use crate::time::Timestamp;

impl TopicMachine {
    /// Measures the logs and looks at the lag, if it is time.
    pub(super) fn measure(&mut self, now: Timestamp) {
        if self.draining || self.partitions.is_empty() {
            return;
        }
        if self.measuring.next_deadline().is_some_and(|at| at <= now) {
            self.measuring.under_way = true;
            self.actions.push_back(Action::Measure);
        }
        if self.config.batches.pacing == Pacing::Eager {
            return;
        }
        let lag = self.lags().sum();
        let (pollers, partitions) = (self.config.pollers, self.partitions.len());
        if let Some(scaled) = self.scaling.evaluate(now, pollers, lag, partitions) {
            self.shared.report(Decision::Scaled {
                from: scaled.from,
                to: scaled.to,
                because: scaled.because,
            });
        }
    }

    /// Returns the lag of each partition of which it is known.
    pub(super) fn lags(&self) -> impl Iterator<Item = i64> {
        self.partitions
            .values()
            .filter_map(|partition| partition.lag())
    }

    /// The logs were measured.
    pub(super) fn measured(
        &mut self,
        now: Timestamp,
        result: Result<Vec<Watermarks>, SourceError>,
    ) {
        self.measuring.under_way = false;
        self.measuring.next = now + MEASURED_EVERY;
        let Ok(watermarks) = result else { return };
        for Watermarks {
            partition,
            low,
            high,
        } in watermarks
        {
            let Some(known) = self.partitions.get_mut(&partition) else {
                continue;
            };
            known.log = Some((low, high));
            if let Some((first, last)) = known.expired() {
                self.shared.report(Decision::RecordsExpired {
                    shard: known.name.clone(),
                    because: format!("offsets {first} to {last} are not retained any more"),
                });
            }
        }
    }
}
