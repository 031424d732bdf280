//! Whether figures have settled.

use std::time::Duration;

/// How many windows must agree.
const WINDOWS: usize = 3;
/// By how much they may differ from their mean.
const SPREAD: f64 = 0.10;
/// Differences of age that say nothing: the batching and polling of the service is no finer.
const NOISE: Duration = Duration::from_millis(500);

/// What happened in one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Records that were processed.
    pub(super) processed: u64,
    /// The age of the oldest record that is not settled, at its end.
    pub(super) age: Duration,
}

/// Tells whether the last windows are alike: as many records processed in each, and of one age, within 10 %.
pub(super) fn is_steady(windows: &[Window]) -> bool {
    let Some(last) = windows.last_chunk::<WINDOWS>() else {
        return false;
    };
    let processed = last.map(|window| window.processed as f64);
    // By chance alone numbers differ by their root.
    let chance = processed.iter().sum::<f64>().sqrt();
    let ages = last.map(|window| window.age.as_secs_f64());
    alike(processed, chance) && alike(ages, NOISE.as_secs_f64())
}

fn alike(values: [f64; WINDOWS], noise: f64) -> bool {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let bound = (mean * SPREAD).max(noise);
    values.iter().all(|value| (value - mean).abs() <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(figures: &[(u64, f64)]) -> Vec<Window> {
        let window = |&(processed, age): &(u64, f64)| Window {
            processed,
            age: Duration::from_secs_f64(age),
        };
        figures.iter().map(window).collect()
    }

    #[test]
    fn three_windows_alike_are_steady() {
        let ramp = windows(&[(10, 0.1), (1_000, 0.2), (1_030, 0.1), (990, 0.3)]);
        assert!(is_steady(&ramp));
        assert!(!is_steady(&ramp[..3]), "the first is not like the others");
        assert!(!is_steady(&ramp[1..3]), "two are not enough");
    }

    #[test]
    fn a_growing_age_is_not_steady() {
        assert!(!is_steady(&windows(&[
            (1_000, 1.0),
            (1_000, 2.0),
            (1_000, 3.0)
        ])));
    }

    #[test]
    fn a_falling_rate_is_not_steady() {
        assert!(!is_steady(&windows(&[
            (1_000, 0.1),
            (800, 0.1),
            (600, 0.1)
        ])));
    }
}
