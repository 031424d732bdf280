//! The same arrivals at another rate.

use crate::scenario::{Arrivals, Workload};

/// Returns a workload of which `factor` times as much arrives, in the same time.
pub(super) fn scaled(workload: &Workload, factor: f64) -> Workload {
    let arrivals = workload.arrivals.iter();
    Workload {
        arrivals: arrivals.map(|each| more(each, factor)).collect(),
        ..workload.clone()
    }
}

fn more(arrivals: &Arrivals, factor: f64) -> Arrivals {
    match arrivals {
        Arrivals::Constant { rate, span } => Arrivals::Constant {
            rate: rate * factor,
            span: *span,
        },
        Arrivals::Poisson { rate, span } => Arrivals::Poisson {
            rate: rate * factor,
            span: *span,
        },
        Arrivals::Bursts { count, every, span } => Arrivals::Bursts {
            count: whole(*count as f64 * factor),
            every: *every,
            span: *span,
        },
        Arrivals::Daily {
            low,
            high,
            peak,
            span,
        } => Arrivals::Daily {
            low: low * factor,
            high: high * factor,
            peak: *peak,
            span: *span,
        },
        Arrivals::Ramp { from, to, span } => Arrivals::Ramp {
            from: from * factor,
            to: to * factor,
            span: *span,
        },
        Arrivals::Times(times) => Arrivals::Times(copies(times, factor).into()),
        Arrivals::Counts { step, counts } => {
            let counts = counts.iter();
            Arrivals::Counts {
                step: *step,
                counts: counts.map(|count| whole(*count as f64 * factor)).collect(),
            }
        }
        Arrivals::Recorded(records) => Arrivals::Recorded(copies(records, factor).into()),
    }
}

fn whole(count: f64) -> u64 {
    count.round() as u64
}

/// Returns each of them as often as it takes for all together to be `factor` times as many.
fn copies<T: Clone>(all: &[T], factor: f64) -> Vec<T> {
    let until = |place: usize| (place as f64 * factor).floor() as usize;
    let places = all.iter().enumerate();
    places
        .flat_map(|(place, one)| std::iter::repeat_n(one.clone(), until(place + 1) - until(place)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::Span;

    #[test]
    fn a_rate_grows_and_its_time_stays() {
        let span = Span {
            from: Duration::ZERO,
            until: Duration::from_secs(10),
        };
        let grown = more(&Arrivals::Constant { rate: 20.0, span }, 2.5);
        let Arrivals::Constant { rate, span: kept } = grown else {
            panic!("{grown:?} are other arrivals");
        };
        assert_eq!((rate, kept), (50.0, span));
    }

    #[test]
    fn single_moments_are_repeated_or_left_out() {
        assert_eq!(copies(&[1, 2, 3, 4], 1.5), [1, 2, 2, 3, 4, 4]);
        assert_eq!(copies(&[1, 2, 3, 4], 0.5), [2, 4]);
        assert_eq!(copies(&[1, 2], 1.0), [1, 2]);
    }
}
