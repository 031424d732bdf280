//! Who is best, and what rules the others out.

use std::cmp::Ordering;

use super::bench::Measured;
use super::outcome::{Broken, Figures};
use super::plan::Objective;
use crate::scenario::{Comparison, Expectation, Metric};

/// Figures that no configuration may worsen unless the plan says what is allowed: whoever gives records up, or leaves them
/// behind, is cheap and fast.
const GUARDED: [Metric; 3] = [Metric::Drops, Metric::DeadLetters, Metric::Waiting];

/// The share of the gain that a smaller change may lack.
const NEARLY: f64 = 0.02;

/// What configurations are measured by.
pub(super) struct Judge<'a> {
    objective: Objective,
    asked: &'a [Expectation],
    implied: Vec<Expectation>,
}

impl<'a> Judge<'a> {
    /// Takes the constraints that are asked for, and those implied by what the scenario's own configuration does. Counts vary
    /// by chance: three standard deviations of a Poisson count more are allowed (our choice).
    pub(super) fn new(objective: Objective, asked: &'a [Expectation], base: &Figures) -> Self {
        let is_asked = |metric| asked.iter().any(|one: &Expectation| one.metric == metric);
        let guarded = GUARDED.into_iter().filter(|metric| !is_asked(*metric));
        let implied = guarded.map(|metric| {
            let seen = value(base, metric);
            Expectation {
                mapping: None,
                metric,
                comparison: Comparison::AtMost,
                bound: (seen + 3.0 * seen.sqrt()).floor(),
            }
        });
        Self {
            objective,
            asked,
            implied: implied.collect(),
        }
    }

    /// Returns all constraints, those that are asked for first, and whether each is implied.
    pub(super) fn constraints(&self) -> impl Iterator<Item = (&Expectation, bool)> {
        let asked = self.asked.iter().map(|one| (one, false));
        asked.chain(self.implied.iter().map(|one| (one, true)))
    }

    /// Returns what a configuration breaks.
    pub(super) fn broken(&self, measured: &Measured) -> Vec<Broken> {
        let asked = measured.seen.iter().copied();
        let implied = self.implied.iter();
        let implied = implied.map(|one| value(&measured.figures, one.metric));
        let seen = asked.chain(implied);
        let constraints = self.constraints().zip(seen).enumerate();
        constraints
            .filter(|(_, ((one, _), seen))| !one.comparison.holds(*seen, one.bound))
            .map(|(constraint, (_, seen))| Broken { constraint, seen })
            .collect()
    }

    /// Returns the objective's figure.
    pub(super) fn aim(&self, measured: &Measured) -> f64 {
        value(&measured.figures, self.objective.metric)
    }

    /// Returns what is to be as low as possible.
    pub(super) fn effort(&self, measured: &Measured) -> f64 {
        self.objective.effort(self.aim(measured))
    }

    /// Returns the effort up to which a configuration has nearly all of what the best one gains.
    pub(super) fn enough(&self, base: &Measured, best: &Measured) -> f64 {
        let (base, best) = (self.effort(base), self.effort(best));
        best + NEARLY * (base - best).abs()
    }

    /// Returns the figure that one mostly pays with: latency where money is the aim, money where times are.
    pub(super) fn price(&self, measured: &Measured) -> f64 {
        let metric = match self.objective.metric {
            Metric::P50 | Metric::P90 | Metric::P99 | Metric::MaxLatency | Metric::Age => {
                Metric::Cost
            }
            _ => Metric::P99,
        };
        value(&measured.figures, metric)
    }

    /// Returns what decides about a configuration's place, but for its place in the plan.
    pub(super) fn standing(&self, measured: &Measured, changes: usize) -> Standing {
        let broken = self.broken(measured);
        Standing {
            index: 0,
            effort: self.effort(measured),
            invocations: value(&measured.figures, Metric::Invocations),
            changes,
            distance: self.distance(&broken),
            broken: broken.len(),
        }
    }

    /// Returns how far a configuration is from fulfilling what it breaks: the sum of what is too much, as shares of the bounds.
    fn distance(&self, broken: &[Broken]) -> f64 {
        let bounds: Vec<f64> = self.constraints().map(|(one, _)| one.bound).collect();
        let excess = broken.iter().map(|one| {
            let bound = bounds.get(one.constraint).copied().unwrap_or_default();
            let measure = if bound == 0.0 { 1.0 } else { bound.abs() };
            (one.seen - bound).abs() / measure
        });
        excess.sum()
    }
}

/// What decides about the place of a configuration.
pub(super) struct Standing {
    pub(super) index: usize,
    pub(super) effort: f64,
    pub(super) invocations: f64,
    pub(super) changes: usize,
    pub(super) broken: usize,
    pub(super) distance: f64,
}

impl Standing {
    /// Compares two: those that break nothing by effort, then by invocations, then by how much is changed; the others by how
    /// much they break.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let first = self.broken.cmp(&other.broken);
        let first = first.then(self.distance.total_cmp(&other.distance));
        first
            .then(rounded(self.effort).total_cmp(&rounded(other.effort)))
            .then(self.invocations.total_cmp(&other.invocations))
            .then(self.changes.cmp(&other.changes))
            .then(self.index.cmp(&other.index))
    }
}

/// Returns a figure by its first six digits: what differs beyond them is as good as equal.
fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return figure + 0.0;
    }
    let unit = 10_f64.powf(figure.abs().log10().floor() - 5.0);
    (figure / unit).round() * unit
}

/// Returns a figure; 0 if it is not there.
pub(super) fn value(figures: &Figures, metric: Metric) -> f64 {
    figures.get(&metric).copied().unwrap_or_default()
}

/// Tells how many of `all` fulfil a constraint.
pub(super) fn fulfilled(constraint: usize, all: &[Vec<Broken>]) -> usize {
    let breaks = |broken: &Vec<Broken>| broken.iter().any(|one| one.constraint == constraint);
    all.iter().filter(|broken| !breaks(broken)).count()
}
