//! A histogram with few bars.

use super::Histogram;

/// Values from `least` to `most`, and how often one of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) times: u64,
}

impl Bucket {
    /// Writes its values: `7`, `8–15`.
    pub(super) fn values(&self) -> String {
        if self.least == self.most {
            super::units::count(self.least)
        } else {
            format!(
                "{}–{}",
                super::units::count(self.least),
                super::units::count(self.most)
            )
        }
    }
}

/// At most so many bars.
const BARS: u64 = 8;

/// Puts a histogram into at most 8 buckets: of a value each if there are so few, else equally wide.
pub(super) fn buckets(histogram: &Histogram) -> Vec<Bucket> {
    let (Some((&least, _)), Some((&most, _))) =
        (histogram.first_key_value(), histogram.last_key_value())
    else {
        return Vec::new();
    };
    if histogram.len() as u64 <= BARS {
        return histogram
            .iter()
            .map(|(&value, &times)| Bucket {
                least: value,
                most: value,
                times,
            })
            .collect();
    }
    let width = (most - least) / BARS + 1;
    (0..BARS)
        .map(|at| least.saturating_add(at.saturating_mul(width)))
        .take_while(|&first| first <= most)
        .map(|first| {
            let last = first.saturating_add(width - 1).min(most);
            let times = histogram.range(first..=last).map(|(_, &times)| times).sum();
            Bucket {
                least: first,
                most: last,
                times,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_a_bar_each_and_many_share_eight() {
        let few = Histogram::from([(1, 5), (10, 2)]);
        assert_eq!(
            buckets(&few),
            [
                Bucket {
                    least: 1,
                    most: 1,
                    times: 5
                },
                Bucket {
                    least: 10,
                    most: 10,
                    times: 2
                }
            ]
        );
        let many: Histogram = (1..=100).map(|value| (value, 1)).collect();
        let bars = buckets(&many);
        assert_eq!(bars.len(), 8);
        assert_eq!(bars.iter().map(|bar| bar.times).sum::<u64>(), 100);
        assert_eq!((bars[0].least, bars[7].most), (1, 100));
        assert!(buckets(&Histogram::new()).is_empty());
        let extremes: Histogram = (0..9).map(|value| (value * (u64::MAX / 8), 1)).collect();
        assert_eq!(
            buckets(&extremes).iter().map(|bar| bar.times).sum::<u64>(),
            9
        );
    }
}
