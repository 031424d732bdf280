//! What memory does to the duration of a function.

use super::PlanError;
use crate::scenario::Distribution;

/// The memory at which a function has one whole vCPU, in MB (Lambda developer guide, "Configure Lambda function memory").
pub const ONE_VCPU_MB: u32 = 1_769;

/// What memory does to the duration of a function. Its processor grows with its memory, so that it depends on the code:
/// nobody but its owner knows.
#[derive(Clone, Debug, PartialEq)]
pub enum MemoryEffect {
    /// This share of the duration, `0.0..=1.0`, is work of one thread, which takes half the time with twice the memory, up to
    /// [`ONE_VCPU_MB`]. The rest waits for others.
    CpuShare(f64),
    /// Durations that were measured, by memory in MB in ascending order. Between them they are interpolated; below the first
    /// and beyond the last they stay as they are. Only their ratios matter.
    Measured(Vec<(u32, f64)>),
}

impl MemoryEffect {
    /// Checks the numbers.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let error = |text: &str| Err(PlanError::new(text));
        match self {
            Self::CpuShare(share) if !(0.0..=1.0).contains(share) => {
                error("the share of a duration that is work of the processor lies between 0 and 1")
            }
            Self::Measured(points) if points.is_empty() => {
                error("what memory does to a duration needs at least one measurement")
            }
            Self::Measured(points) if !points.iter().all(|(_, seconds)| is_duration(*seconds)) => {
                error("a duration that was measured is above 0")
            }
            Self::Measured(points) if !points.is_sorted_by(|one, next| one.0 < next.0) => {
                error("durations that were measured are given by memory in ascending order")
            }
            _ => Ok(()),
        }
    }

    /// Returns how many times as long the function takes with `to` MB as with `from` MB.
    pub(super) fn factor(&self, from: u32, to: u32) -> f64 {
        match self {
            Self::CpuShare(share) => {
                let speed = |memory: u32| f64::from(memory.min(ONE_VCPU_MB));
                1.0 - share + share * speed(from) / speed(to)
            }
            Self::Measured(points) => measured(points, to) / measured(points, from),
        }
    }
}

fn is_duration(seconds: f64) -> bool {
    seconds > 0.0 && seconds.is_finite()
}

/// Interpolates between the measurements.
fn measured(points: &[(u32, f64)], memory: u32) -> f64 {
    let next = points.partition_point(|(known, _)| *known < memory);
    let after = points.get(next).or_else(|| points.last());
    let before = next.checked_sub(1).and_then(|at| points.get(at)).or(after);
    match (before, after) {
        (Some((low, slow)), Some((high, fast))) if high > low => {
            let share = f64::from(memory.saturating_sub(*low)) / f64::from(high - low);
            slow + (fast - slow) * share.min(1.0)
        }
        (_, Some((_, seconds))) => *seconds,
        _ => 1.0,
    }
}

/// Returns the distribution of values that are `factor` times as large.
pub(super) fn scaled(distribution: &Distribution, factor: f64) -> Distribution {
    match distribution {
        Distribution::Fixed(value) => Distribution::Fixed(value * factor),
        Distribution::Uniform { min, max } => Distribution::Uniform {
            min: min * factor,
            max: max * factor,
        },
        Distribution::LogNormal { p50, p99 } => Distribution::LogNormal {
            p50: p50 * factor,
            p99: p99 * factor,
        },
        Distribution::Exponential { mean } => Distribution::Exponential {
            mean: mean * factor,
        },
        Distribution::Empirical(values) => {
            Distribution::Empirical(values.iter().map(|value| value * factor).collect())
        }
    }
}
