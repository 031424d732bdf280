//! A sweep from its plan to its verdict.

use std::fmt::Display;

use super::bench::{Bench, Job, Measured, Phase, Runs};
use super::candidates::{Candidate, Candidates};
use super::judge::{Judge, Standing, fulfilled, value};
use super::outcome::{
    Broken, ConfigurationReport, ConfigurationResult, Constraint, SweepReport, TradeOff, Verdict,
};
use super::pareto::{knee, pareto_front};
use super::plan::SweepPlan;
use super::recommend::{Winner, recommend};
use super::{PlanError, SweepError};
use crate::report::Report;
use crate::scenario::{Metric, Scenario};

/// The least gain that is worth a change, as a share of what the scenario's own configuration has; our choice.
const WORTH: f64 = 0.005;
/// Between which figures there is something to choose.
const TRADE_OFF: [Metric; 2] = [Metric::Cost, Metric::P99];

/// Simulates all configurations of a plan with the same seed, ranks them, and recommends one change.
///
/// # Errors
/// A plan that makes no sense for the scenario, a scenario whose own configuration is refused or cannot be simulated.
/// Of other configurations both is told in the report.
pub fn sweep<S, E>(
    scenario: &Scenario,
    plan: &SweepPlan,
    runs: Runs<'_>,
    simulate: S,
) -> Result<SweepReport, SweepError>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    check_labels(scenario, plan)?;
    let candidates = Candidates::new(scenario, plan)?;
    let list = candidates.list(plan)?;
    let mut bench = Bench::new(&candidates, &plan.constraints, runs, simulate);
    let results = try_all(&mut bench, scenario.seed, &list);
    let base = match results.first() {
        Some(Some(Ok(base))) => base.clone(),
        Some(Some(Err(error))) => {
            return Err(SweepError::Simulation(error.clone()));
        }
        _ => Measured::default(),
    };
    let judge = Judge::new(plan.objective, &plan.constraints, &base.figures);
    let tried = Tried::new(&judge, &list, &results);
    let verdict = verdict(&mut bench, scenario, plan, &judge, &tried)?;
    let all: Vec<Vec<Broken>> = tried.broken.iter().flatten().cloned().collect();
    let constraints = judge.constraints().enumerate();
    Ok(SweepReport {
        name: scenario.name.clone(),
        seed: scenario.seed,
        objective: plan.objective,
        constraints: constraints
            .map(|(place, (expectation, implied))| Constraint {
                expectation: expectation.clone(),
                implied,
                fulfilled_by: fulfilled(place, &all),
            })
            .collect(),
        parameters: candidates.parameters(plan, &list)?,
        simulated: all.len(),
        stopped: tried.stopped(),
        trade_off: tried.trade_off(),
        verdict,
        configurations: tried.reports(),
        ranking: tried.ranking,
        notes: Vec::new(),
    })
}

/// Looks whether all mappings are there that constraints name.
fn check_labels(scenario: &Scenario, plan: &SweepPlan) -> Result<(), PlanError> {
    let labels: Vec<&str> = scenario.mappings.iter().map(|one| &*one.label).collect();
    let named = plan
        .constraints
        .iter()
        .filter_map(|one| one.mapping.as_deref());
    match named.into_iter().find(|label| !labels.contains(label)) {
        Some(label) => Err(PlanError::new(format!(
            "a constraint is about the mapping {label}; the scenario's are {}",
            labels.join(", ")
        ))),
        None => Ok(()),
    }
}

/// Simulates every configuration that is legal.
fn try_all<S, E>(
    bench: &mut Bench<'_, S>,
    seed: u64,
    list: &[Candidate],
) -> Vec<Option<Result<Measured, String>>>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    let legal: Vec<usize> = (0..list.len())
        .filter(|&at| list[at].refusal.is_none())
        .collect();
    let job = |&at: &usize| Job {
        seed,
        changes: list[at].changes.clone(),
    };
    let jobs: Vec<Job> = legal.iter().map(job).collect();
    let mut results = vec![None; list.len()];
    for (at, result) in legal
        .into_iter()
        .zip(bench.measure(Phase::Configurations, &jobs))
    {
        results[at] = result;
    }
    results
}

/// What came of all configurations.
struct Tried<'a> {
    list: &'a [Candidate],
    results: &'a [Option<Result<Measured, String>>],
    /// What each breaks; `None` for what was not simulated.
    broken: Vec<Option<Vec<Broken>>>,
    ranking: Vec<usize>,
}

impl<'a> Tried<'a> {
    fn new(
        judge: &Judge<'_>,
        list: &'a [Candidate],
        results: &'a [Option<Result<Measured, String>>],
    ) -> Self {
        let mut standings = Vec::new();
        let mut broken = Vec::with_capacity(list.len());
        for (index, (candidate, result)) in list.iter().zip(results).enumerate() {
            let Some(Ok(measured)) = result else {
                broken.push(None);
                continue;
            };
            standings.push(Standing {
                index,
                ..judge.standing(measured, candidate.changes.len())
            });
            broken.push(Some(judge.broken(measured)));
        }
        standings.sort_by(Standing::order);
        Self {
            list,
            results,
            broken,
            ranking: standings.iter().map(|one| one.index).collect(),
        }
    }

    fn measured(&self, index: usize) -> Option<&Measured> {
        self.results.get(index)?.as_ref()?.as_ref().ok()
    }

    fn fits(&self, index: usize) -> bool {
        matches!(self.broken.get(index), Some(Some(broken)) if broken.is_empty())
    }

    /// Returns the place of the configuration that changes least among those whose effort is low enough; of several that one
    /// pays least for.
    fn easiest(&self, judge: &Judge<'_>, enough: f64, best: usize) -> usize {
        let all = self.ranking.iter().copied().filter(|&one| self.fits(one));
        let good = all.filter_map(|one| Some((one, self.measured(one)?)));
        let good = good.filter(|(_, measured)| judge.effort(measured) <= enough);
        let count = |one: usize| self.list[one].changes.len();
        let least = good.min_by(|(one, measured), (other, known)| {
            let prices = (judge.price(measured), judge.price(known));
            let by_count = count(*one).cmp(&count(*other));
            by_count.then(prices.0.total_cmp(&prices.1))
        });
        least.map_or(best, |(one, _)| one)
    }

    /// Tells whether something legal was not simulated.
    fn stopped(&self) -> bool {
        let mut all = self.list.iter().zip(self.results);
        all.any(|(one, result)| one.refusal.is_none() && result.is_none())
    }

    fn trade_off(&self) -> TradeOff {
        let fitting = self.ranking.iter().copied().filter(|&one| self.fits(one));
        let mut chosen: Vec<usize> = fitting.collect();
        if chosen.is_empty() {
            chosen.clone_from(&self.ranking);
        }
        chosen.sort_unstable();
        let point = |&index: &usize| {
            let figures = self.measured(index).map(|measured| &measured.figures);
            let [x, y] = TRADE_OFF.map(|metric| figures.map_or(f64::NAN, |all| value(all, metric)));
            (x, y)
        };
        let points: Vec<(f64, f64)> = chosen.iter().map(point).collect();
        let front = pareto_front(&points);
        TradeOff {
            metrics: TRADE_OFF,
            knee: knee(&points, &front).map(|place| chosen[place]),
            front: front.into_iter().map(|place| chosen[place]).collect(),
        }
    }

    fn reports(&self) -> Vec<ConfigurationReport> {
        let mut ranks = vec![0; self.list.len()];
        for (place, &index) in self.ranking.iter().enumerate() {
            ranks[index] = place + 1;
        }
        let all = self.list.iter().zip(self.results).enumerate();
        all.map(|(index, (candidate, result))| ConfigurationReport {
            index,
            name: candidate.name.clone(),
            changes: candidate.changes.clone(),
            result: match (&candidate.refusal, result) {
                (Some(refusal), _) => ConfigurationResult::Refused(refusal.clone()),
                (None, None) => ConfigurationResult::NotRun,
                (None, Some(Err(error))) => ConfigurationResult::Failed {
                    error: error.clone(),
                },
                (None, Some(Ok(measured))) => self.simulated(index, ranks[index], measured),
            },
        })
        .collect()
    }

    fn simulated(&self, index: usize, rank: usize, measured: &Measured) -> ConfigurationResult {
        let figures = measured.figures.clone();
        match self.broken.get(index).cloned().flatten() {
            Some(broken) if !broken.is_empty() => ConfigurationResult::RuledOut { broken, figures },
            _ => ConfigurationResult::Fits { rank, figures },
        }
    }
}

/// Decides what to do.
fn verdict<S, E>(
    bench: &mut Bench<'_, S>,
    scenario: &Scenario,
    plan: &SweepPlan,
    judge: &Judge<'_>,
    tried: &Tried<'_>,
) -> Result<Verdict, SweepError>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    let (Some(base), Some(&first)) = (tried.measured(0), tried.ranking.first()) else {
        return Ok(Verdict::Unknown);
    };
    if !tried.fits(first) {
        let all: Vec<Vec<Broken>> = tried.broken.iter().flatten().cloned().collect();
        let hardest = (0..judge.constraints().count()).min_by_key(|one| fulfilled(*one, &all));
        return Ok(Verdict::NothingFits {
            hardest: hardest.unwrap_or_default(),
            nearest: first,
        });
    }
    let Some(measured) = tried.measured(first) else {
        return Ok(Verdict::Unknown);
    };
    let gain = judge.effort(base) - judge.effort(measured);
    if tried.fits(0) && gain <= WORTH * judge.aim(base).abs() {
        return Ok(Verdict::Keep);
    }
    let start = tried.easiest(judge, judge.enough(base, measured), first);
    let winner = Winner {
        index: first,
        changes: &tried.list[first].changes,
        measured,
        start: (
            tried.list[start].changes.clone(),
            tried.measured(start).unwrap_or(measured).clone(),
        ),
    };
    let recommendation = recommend(bench, scenario, plan, judge, base, winner)?;
    Ok(Verdict::Change(Box::new(recommendation)))
}
