//! The four questions, in their order.

use super::{cost, keeps_up, latency, losses};
use crate::report::{Answer, Report};

/// Answers the four questions from what the report counts: does it keep up, how late are records, what does it cost,
/// what is lost. What the report itself says as its answers is not looked at.
///
/// An answer is good news if what it is about went well; where expectations were stated for its figures, if they hold.
#[must_use]
pub fn answers(report: &Report) -> Vec<Answer> {
    let paces = keeps_up::paces(report);
    vec![
        keeps_up::answer(report, &paces),
        latency::answer(report, &paces),
        cost::answer(report, &paces),
        losses::answer(report),
    ]
}
