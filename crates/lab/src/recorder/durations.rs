//! Many durations, and what they were like.

use hdrhistogram::Histogram;

use crate::report::Summary;

/// Durations in milliseconds: exact below two seconds, to a thousandth above.
#[derive(Debug)]
pub(crate) struct Durations {
    histogram: Option<Histogram<u64>>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            // Three digits are always allowed.
            histogram: Histogram::new(3).ok(),
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl Durations {
    pub(crate) fn add(&mut self, millis: u64) {
        self.add_many(millis, 1);
    }

    pub(crate) fn add_many(&mut self, millis: u64, times: u64) {
        self.count += times;
        self.sum += u128::from(millis) * u128::from(times);
        self.min = self.min.min(millis);
        self.max = self.max.max(millis);
        if let Some(histogram) = &mut self.histogram {
            // It grows as it has to; what is too long for it, 300 million years, is the longest all the same.
            histogram.record_n(millis, times).ok();
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        if self.count == 0 {
            return Summary::default();
        }
        let quantile = |share: f64| {
            let histogram = self.histogram.as_ref();
            let value = histogram.map_or(0, |histogram| histogram.value_at_quantile(share));
            value.clamp(self.min, self.max) as f64
        };
        Summary {
            count: self.count,
            min: self.min as f64,
            mean: self.sum as f64 / self.count as f64,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: self.max as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_durations_are_told_as_well_as_short_ones() {
        let mut durations = Durations::default();
        for second in 1..=1_000 {
            durations.add(second * 1000);
        }
        let Summary { p50, p99, max, .. } = durations.summary();
        for (seen, expected) in [(p50, 500_000.0), (p99, 990_000.0), (max, 1_000_000.0)] {
            assert!(
                (seen / expected - 1.0).abs() < 0.001,
                "{seen}, not {expected}"
            );
        }
    }
}
