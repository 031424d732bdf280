//! Round figures along an axis.

/// At most so many steps along an axis.
const STEPS: f64 = 5.0;

/// Lengths that people count time in, in milliseconds, the largest a week.
const TIMES: [f64; 31] = [
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    1e3,
    2e3,
    5e3,
    10e3,
    15e3,
    30e3,
    60e3,
    120e3,
    300e3,
    600e3,
    900e3,
    1_800e3,
    3_600e3,
    7_200e3,
    10_800e3,
    21_600e3,
    43_200e3,
    86_400e3,
    172_800e3,
    345_600e3,
    604_800e3,
    1_209_600e3,
];

/// Returns round whole numbers from 0 to `most` or little more.
pub(super) fn of_whole_numbers(most: f64) -> Vec<f64> {
    steps(most, decimal_step(most).max(1.0))
}

/// Returns round figures from 0 to `most` or little more.
pub(super) fn of_numbers(most: f64) -> Vec<f64> {
    steps(most, decimal_step(most))
}

/// Returns round durations from 0 to `most` milliseconds or little more.
pub(super) fn of_times(most: f64) -> Vec<f64> {
    let step = TIMES.into_iter().find(|step| most <= step * STEPS);
    steps(most, step.unwrap_or_else(|| decimal_step(most)))
}

/// The least of 1, 2 and 5, each with any number of zeros, of which few reach `most`.
fn decimal_step(most: f64) -> f64 {
    let least = (most / STEPS).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|each| each * power)
        .find(|&step| step >= least)
        .unwrap_or(10.0 * power)
}

fn steps(most: f64, step: f64) -> Vec<f64> {
    if !(most.is_finite() && most > 0.0) {
        return vec![0.0, 1.0];
    }
    // A little less than a whole step beyond the last is none.
    let last = (most / step - 1e-9).ceil().max(1.0) as usize;
    (0..=last).map(|at| plain(at as f64 * step)).collect()
}

/// Returns a figure without what the binary form of its tenths adds: 0.3, not 0.30000000000000004.
fn plain(figure: f64) -> f64 {
    format!("{figure:.10e}").parse().unwrap_or(figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_marked_at_few_round_figures_that_reach_the_most() {
        assert_eq!(of_numbers(97.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(of_numbers(100.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(of_numbers(0.0), [0.0, 1.0]);
        assert_eq!(of_numbers(0.4), [0.0, 0.1, 0.2, 0.3, 0.4]);
        assert_eq!(of_numbers(2.0), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(of_whole_numbers(2.0), [0.0, 1.0, 2.0]);
        assert_eq!(
            of_times(3_600_000.0),
            [0.0, 900e3, 1_800e3, 2_700e3, 3_600e3]
        );
        assert_eq!(of_times(1_500.0), [0.0, 500.0, 1_000.0, 1_500.0]);
        for most in [0.001, 0.7, 3.0, 12_345.0, 1e18, 1e300] {
            for ticks in [of_numbers(most), of_times(most)] {
                assert!(ticks.len() <= 7, "{most}: {ticks:?}");
                assert!(ticks.last() >= Some(&(most * 0.999)), "{most}: {ticks:?}");
            }
        }
    }
}
