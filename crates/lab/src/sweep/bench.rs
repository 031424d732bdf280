//! Simulations on all cores.

use std::collections::HashMap;
use std::fmt::Display;
use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::candidates::{Candidates, SettingChange, key};
use super::outcome::Figures;
use crate::report::{Report, figure};
use crate::scenario::{Expectation, Metric, Scenario};

/// How a sweep is run.
#[derive(Clone, Copy)]
pub struct Runs<'a> {
    /// How many simulations there are at a time.
    pub jobs: NonZero<usize>,
    /// Once this is true no further simulation begins: what is done is ranked.
    pub stop: &'a AtomicBool,
    /// Is told when a phase begins, and of each simulation that is done, from any thread.
    pub progress: &'a (dyn Fn(SweepProgress) + Sync),
}

/// How far a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepProgress {
    /// What it is at.
    pub phase: Phase,
    /// Simulations of this phase that are done.
    pub done: usize,
    /// Simulations of this phase in all.
    pub total: usize,
}

/// What a sweep is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It tries the configurations.
    Configurations,
    /// It looks which changes of the best one matter.
    Changes,
    /// It compares with other seeds.
    Seeds,
}

/// What is kept of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) figures: Figures,
    /// What was seen of each constraint's figure.
    pub(super) seen: Vec<f64>,
}

/// A simulation that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) seed: u64,
    pub(super) changes: Vec<SettingChange>,
}

/// Where simulations run, each once.
pub(super) struct Bench<'a, S> {
    pub(super) candidates: &'a Candidates<'a>,
    pub(super) constraints: &'a [Expectation],
    pub(super) runs: Runs<'a>,
    simulate: S,
    known: HashMap<(u64, String), Result<Measured, String>>,
}

impl<'a, S, E> Bench<'a, S>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    pub(super) fn new(
        candidates: &'a Candidates<'a>,
        constraints: &'a [Expectation],
        runs: Runs<'a>,
        simulate: S,
    ) -> Self {
        Self {
            candidates,
            constraints,
            runs,
            simulate,
            known: HashMap::new(),
        }
    }

    /// Simulates, and returns what came of each in the same order; `None` for what was not begun.
    pub(super) fn measure(
        &mut self,
        phase: Phase,
        jobs: &[Job],
    ) -> Vec<Option<Result<Measured, String>>> {
        let keys: Vec<(u64, String)> = jobs
            .iter()
            .map(|job| (job.seed, key(&job.changes)))
            .collect();
        let mut open: Vec<usize> = (0..jobs.len())
            .filter(|&at| !self.known.contains_key(&keys[at]))
            .collect();
        open.dedup_by_key(|at| &keys[*at]);
        for (at, measured) in self.run(phase, jobs, &open) {
            self.known.insert(keys[at].clone(), measured);
        }
        keys.iter()
            .map(|key| self.known.get(key).cloned())
            .collect()
    }

    fn run(
        &self,
        phase: Phase,
        jobs: &[Job],
        open: &[usize],
    ) -> Vec<(usize, Result<Measured, String>)> {
        let results: Vec<OnceLock<_>> = open.iter().map(|_| OnceLock::new()).collect();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let told = |done| {
            (self.runs.progress)(SweepProgress {
                phase,
                done,
                total: open.len(),
            });
        };
        if !open.is_empty() {
            told(0);
        }
        let work = || {
            while !self.runs.stop.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let (Some(&at), Some(result)) = (open.get(place), results.get(place)) else {
                    break;
                };
                result.get_or_init(|| self.one(&jobs[at]));
                told(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.runs.jobs.get().min(open.len()) {
                scope.spawn(work);
            }
            work();
        });
        let results = open.iter().zip(results);
        results
            .filter_map(|(&at, result)| Some((at, result.into_inner()?)))
            .collect()
    }

    fn one(&self, job: &Job) -> Result<Measured, String> {
        let scenario = self.candidates.scenario(&job.changes);
        let mut scenario = scenario.map_err(|error| error.to_string())?;
        scenario.seed = job.seed;
        let report = (self.simulate)(&scenario).map_err(|error| error.to_string())?;
        let figures = Metric::ALL.map(|metric| Some((metric, figure(&report, None, metric)?)));
        let seen = |wanted: &Expectation| {
            figure(&report, wanted.mapping.as_deref(), wanted.metric).unwrap_or_default()
        };
        Ok(Measured {
            figures: figures.into_iter().flatten().collect(),
            seen: self.constraints.iter().map(seen).collect(),
        })
    }
}
