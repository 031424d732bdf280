//! One recommended change: the smallest that gets what the best configuration gets.

use std::fmt::Display;

use super::bench::{Bench, Job, Measured, Phase};
use super::candidates::SettingChange;
use super::commands::commands;
use super::effective::Effective;
use super::judge::{Judge, Standing};
use super::outcome::{MappingDiff, Recommendation, SeedCheck};
use super::plan::SweepPlan;
use super::wording::buys;
use super::{PlanError, SweepError};
use crate::report::Report;
use crate::scenario::Scenario;

/// How many other seeds the change is tried with.
const OTHER_SEEDS: u64 = 4;

/// The best configuration, and from where on a smaller change is looked for.
pub(super) struct Winner<'a> {
    /// The place of the best one.
    pub(super) index: usize,
    /// How that differs from the scenario.
    pub(super) changes: &'a [SettingChange],
    /// What was seen of it.
    pub(super) measured: &'a Measured,
    /// A configuration that has nearly all of its gain: how it differs, and what was seen.
    pub(super) start: (Vec<SettingChange>, Measured),
}

/// Makes the recommendation of the best configuration.
pub(super) fn recommend<S, E>(
    bench: &mut Bench<'_, S>,
    scenario: &Scenario,
    plan: &SweepPlan,
    judge: &Judge<'_>,
    base: &Measured,
    winner: Winner<'_>,
) -> Result<Recommendation, SweepError>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    let enough = judge.enough(base, winner.measured);
    let (changes, after) = smallest(bench, scenario.seed, judge, enough, winner.start)?;
    let seeds = seeds(bench, scenario, plan, &changes)?;
    let left_out = winner.changes.iter();
    let left_out = left_out.filter(|change| !changes.contains(change));
    let before = &bench.candidates.effective;
    let changed = bench.candidates.scenario(&changes)?;
    let effective = Effective::of(&changed).map_err(|refusal| PlanError::new(refusal.message))?;
    let plans = scenario.mappings.iter().zip(&before.mappings);
    let mappings = plans
        .zip(&effective.mappings)
        .map(|((plan, before), after)| MappingDiff {
            mapping: plan.label.clone(),
            before: before.clone(),
            after: after.clone(),
        });
    Ok(Recommendation {
        winner: winner.index,
        left_out: left_out.cloned().collect(),
        buys: buys(&base.figures, &after.figures, plan.objective.metric),
        before: base.figures.clone(),
        after: after.figures,
        mappings: mappings.filter(|diff| diff.before != diff.after).collect(),
        commands: commands(scenario, &changes, before, &effective),
        holds: seeds.iter().all(|check| check.holds),
        seeds,
        changes,
    })
}

/// Drops each change in turn, first the one that matters least, as long as nearly all of the gain is left.
fn smallest<S, E>(
    bench: &mut Bench<'_, S>,
    seed: u64,
    judge: &Judge<'_>,
    enough: f64,
    (mut changes, mut measured): (Vec<SettingChange>, Measured),
) -> Result<(Vec<SettingChange>, Measured), PlanError>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    while changes.len() > 1 {
        let mut jobs = Vec::new();
        // Of equals what the plan names first stays.
        for dropped in (0..changes.len()).rev() {
            let mut fewer = changes.clone();
            fewer.remove(dropped);
            let candidate = bench.candidates.fewer(&fewer)?;
            if candidate.refusal.is_none() && !candidate.changes.is_empty() {
                let changes = candidate.changes;
                jobs.push(Job { seed, changes });
            }
        }
        let results = bench.measure(Phase::Changes, &jobs);
        let smaller = jobs.into_iter().zip(results).filter_map(|(job, result)| {
            let measured = result?.ok()?;
            let good = judge.broken(&measured).is_empty() && judge.effort(&measured) <= enough;
            good.then_some((job.changes, measured))
        });
        let standing = |index: usize, changes: &[SettingChange], measured: &Measured| Standing {
            index,
            ..judge.standing(measured, changes.len())
        };
        let least = smaller
            .enumerate()
            .min_by(|(at, (one, seen)), (place, (other, known))| {
                standing(*at, one, seen).order(&standing(*place, other, known))
            });
        match least {
            Some((_, smaller)) => (changes, measured) = smaller,
            None => break,
        }
    }
    Ok((changes, measured))
}

/// Compares with the scenario's own seed, and with others.
fn seeds<S, E>(
    bench: &mut Bench<'_, S>,
    scenario: &Scenario,
    plan: &SweepPlan,
    changes: &[SettingChange],
) -> Result<Vec<SeedCheck>, SweepError>
where
    S: Fn(&Scenario) -> Result<Report, E> + Sync,
    E: Display,
{
    let seeds = (0..=OTHER_SEEDS).map(|further| scenario.seed.wrapping_add(further));
    let jobs: Vec<Job> = seeds
        .flat_map(|seed| [Vec::new(), changes.to_vec()].map(|changes| Job { seed, changes }))
        .collect();
    let results = bench.measure(Phase::Seeds, &jobs);
    let mut checks = Vec::new();
    for (pair, jobs) in results.chunks(2).zip(jobs.chunks(2)) {
        let ([Some(before), Some(after)], [job, _]) = (pair, jobs) else {
            // Stopped.
            continue;
        };
        let measured = |one: &Result<Measured, String>| one.clone().map_err(SweepError::Simulation);
        let (before, after) = (measured(before)?, measured(after)?);
        let judge = Judge::new(plan.objective, &plan.constraints, &before.figures);
        let broken = judge.broken(&after);
        let better = judge.effort(&after) < judge.effort(&before);
        let needed = !judge.broken(&before).is_empty();
        checks.push(SeedCheck {
            seed: job.seed,
            before: judge.aim(&before),
            after: judge.aim(&after),
            holds: broken.is_empty() && (better || needed),
            broken,
        });
    }
    Ok(checks)
}
