//! What the user said is good enough.

use crate::report::Report;
use crate::scenario::Metric;

/// Tells whether all expectations of these figures hold; `None` if there is none.
pub(super) fn holds(report: &Report, metrics: &[Metric]) -> Option<bool> {
    report
        .expectations
        .iter()
        .filter(|each| metrics.contains(&each.expectation.metric))
        .map(|each| each.holds)
        .reduce(|all, next| all && next)
}
