//! Figures over time, in steps that grow with the time that they cover.

use crate::report::{MappingSeries, Series};

/// More steps than this are made half as many.
const MOST: usize = 240;

/// What one mapping did in one step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    pub(super) arrivals: u64,
    pub(super) processed: u64,
    pub(super) invocations: u64,
    pub(super) errors: u64,
    pub(super) throttles: u64,
    pub(super) concurrency: u64,
    pub(super) backlog: u64,
    pub(super) age_ms: u64,
}

impl Step {
    /// Takes in the step that follows.
    fn join(self, next: Self) -> Self {
        Self {
            arrivals: self.arrivals + next.arrivals,
            processed: self.processed + next.processed,
            invocations: self.invocations + next.invocations,
            errors: self.errors + next.errors,
            throttles: self.throttles + next.throttles,
            concurrency: self.concurrency.max(next.concurrency),
            backlog: next.backlog,
            age_ms: self.age_ms.max(next.age_ms),
        }
    }
}

/// The steps of all mappings.
#[derive(Debug)]
pub(super) struct Steps {
    step_ms: u64,
    mappings: Vec<Vec<Step>>,
}

impl Steps {
    pub(super) fn new(mappings: usize) -> Self {
        Self {
            step_ms: 1000,
            mappings: vec![Vec::new(); mappings],
        }
    }

    /// Returns the step of a mapping at a time, in milliseconds from the beginning. What a later step does not say is as at
    /// the end of the one before.
    pub(super) fn at(&mut self, mapping: usize, millis: u64) -> &mut Step {
        while millis / self.step_ms >= MOST as u64 {
            self.step_ms *= 2;
            for steps in &mut self.mappings {
                let pairs = steps.chunks(2);
                *steps = pairs
                    .map(|pair| match *pair {
                        [one, next] => one.join(next),
                        [one, ..] => one,
                        [] => Step::default(),
                    })
                    .collect();
            }
        }
        let place = usize::try_from(millis / self.step_ms).unwrap_or_default();
        if self.mappings.len() <= mapping {
            self.mappings.resize(mapping + 1, Vec::new());
        }
        let steps = &mut self.mappings[mapping];
        while steps.len() <= place {
            let backlog = steps.last().map_or(0, |step| step.backlog);
            steps.push(Step {
                backlog,
                ..Step::default()
            });
        }
        &mut steps[place]
    }

    /// Returns the series up to `end_ms`, all of one length.
    pub(super) fn series(mut self, end_ms: u64) -> Series {
        for mapping in 0..self.mappings.len() {
            self.at(mapping, end_ms.saturating_sub(1));
        }
        let list = |steps: &[Step], of: fn(&Step) -> u64| steps.iter().map(of).collect();
        let mappings = self.mappings.iter().map(|steps| MappingSeries {
            arrivals: list(steps, |step| step.arrivals),
            processed: list(steps, |step| step.processed),
            invocations: list(steps, |step| step.invocations),
            errors: list(steps, |step| step.errors),
            throttles: list(steps, |step| step.throttles),
            concurrency: list(steps, |step| step.concurrency),
            backlog: list(steps, |step| step.backlog),
            age_ms: list(steps, |step| step.age_ms),
        });
        Series {
            step_ms: self.step_ms,
            mappings: mappings.collect(),
        }
    }
}
