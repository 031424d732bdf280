//! Values that are left to chance: durations in seconds, sizes in bytes.

use std::sync::Arc;

/// How a value is distributed. Nothing is ever negative.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Fixed(f64),
    /// Anything between two values, with equal chance.
    Uniform {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// Log-normal, as durations of functions mostly are: half of the values are below `p50`, 99 in 100 below `p99`.
    LogNormal {
        /// The median.
        p50: f64,
        /// The 99th percentile; not below the median.
        p99: f64,
    },
    /// Exponential.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Values that were measured, each as likely as any other; not empty.
    Empirical(Arc<[f64]>),
}
