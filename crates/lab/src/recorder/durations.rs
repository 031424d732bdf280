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
            // It grows as it has to; the saturating way of recording would count whatever is beyond its end as its end.
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
    fn long_durations_count_as_what_they_are() {
        let mut durations = Durations::default();
        for second in 1..=100 {
            durations.add(1_000 * second);
        }
        let summary = durations.summary();
        for (seen, wanted) in [
            (summary.p50, 50e3),
            (summary.p90, 90e3),
            (summary.p99, 99e3),
        ] {
            assert!((seen - wanted).abs() <= wanted / 1_000.0, "{summary:?}");
        }
    }
}
