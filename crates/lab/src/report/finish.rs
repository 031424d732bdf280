//! What follows from a report's figures: costs, expectations and answers.

use super::answers::answers;
use super::costs::costs;
use super::figure::figure;
use super::{ExpectationReport, Report};
use crate::scenario::{Expectation, Prices};

impl Report {
    /// Works out what follows from the figures.
    #[must_use]
    pub fn finish(mut self, expectations: &[Expectation], prices: &Prices) -> Self {
        self.costs = costs(&self, prices);
        self.cost = self.costs.iter().map(|line| line.cost).sum();
        self.expectations = expectations
            .iter()
            .filter_map(|expectation| {
                let seen = figure(&self, expectation.mapping.as_deref(), expectation.metric)?;
                Some(ExpectationReport {
                    expectation: expectation.clone(),
                    seen,
                    holds: expectation.comparison.holds(seen, expectation.bound),
                })
            })
            .collect();
        self.answers = answers(&self);
        self
    }

    /// Tells whether all that was expected holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.expectations
            .iter()
            .all(|expectation| expectation.holds)
    }
}
