//! The configurations of a sweep, in their order.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::effective::{Effective, Refusal};
use super::target::{Target, apply};
use super::{FunctionMemory, MOST_CONFIGURATIONS, PlanError, SweepPlan};
use crate::scenario::{Function, Scenario};

/// One setting that is otherwise than in the scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingChange {
    /// Its path, without the place where there is only one such setting: `BatchSize`, `functions[1].memory_mb`.
    pub parameter: String,
    /// What the scenario has, defaults spelled out; `null` for nothing.
    pub from: Value,
    /// What is tried.
    pub to: Value,
    #[serde(skip)]
    pub(super) target: Target,
}

/// A configuration that is to be tried, or is refused.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its name, if it has one.
    pub(super) name: Option<String>,
    /// How it differs from the scenario, by parameter in the order of the plan.
    pub(super) changes: Vec<SettingChange>,
    /// Why the service would not take it.
    pub(super) refusal: Option<Refusal>,
}

/// The scenario and what may be changed in it.
pub(super) struct Candidates<'a> {
    base: &'a Scenario,
    memory: &'a [FunctionMemory],
    pub(super) effective: Effective,
}

impl<'a> Candidates<'a> {
    /// Looks at the scenario that all is compared with.
    pub(super) fn new(base: &'a Scenario, plan: &'a SweepPlan) -> Result<Self, PlanError> {
        for memory in &plan.memory {
            memory.effect.check()?;
            if let Some(name) = &memory.function
                && !base.functions.iter().any(|known| known.name == *name)
            {
                return Err(PlanError::new(format!(
                    "what memory does to {name}: the scenario has no such function"
                )));
            }
        }
        let effective = Effective::of(base).map_err(|refusal| {
            PlanError::new(format!(
                "the scenario itself is refused: {}: {}: {}",
                refusal.of, refusal.code, refusal.message
            ))
        })?;
        Ok(Self {
            base,
            memory: &plan.memory,
            effective,
        })
    }

    /// Lists all configurations: the scenario's own, the grid with its last axis fastest, the variants. Each is there once.
    pub(super) fn list(&self, plan: &SweepPlan) -> Result<Vec<Candidate>, PlanError> {
        check_size(plan)?;
        let axes = self.axes(plan)?;
        let mut list = List::default();
        list.push(Candidate {
            name: None,
            changes: Vec::new(),
            refusal: None,
        });
        if !axes.is_empty() {
            let mut at = vec![0; axes.len()];
            loop {
                let settings = axes.iter().zip(&at).flat_map(|((targets, values), &at)| {
                    let value = &values[at];
                    targets.iter().map(move |target| (*target, value.clone()))
                });
                list.push(self.candidate(None, &settings.collect::<Vec<_>>())?);
                if !advance(&mut at, &axes) {
                    break;
                }
            }
        }
        for variant in &plan.variants {
            let mut settings = Vec::new();
            for (parameter, value) in &variant.settings {
                for target in parameter.targets(self.base)? {
                    settings.push((target, value.clone()));
                }
            }
            check_once(self.base, settings.iter().map(|(target, _)| *target))?;
            list.push(self.candidate(Some(variant.name.clone()), &settings)?);
        }
        Ok(list.candidates)
    }

    /// Returns the paths of what is changed in any of them, in the order of the plan.
    pub(super) fn parameters(
        &self,
        plan: &SweepPlan,
        list: &[Candidate],
    ) -> Result<Vec<String>, PlanError> {
        let changes = list.iter().flat_map(|one| &one.changes);
        let changed: HashSet<&str> = changes.map(|change| &*change.parameter).collect();
        let axes = plan.axes.iter().map(|axis| &axis.parameter);
        let variants = plan.variants.iter().flat_map(|variant| &variant.settings);
        let mut paths: Vec<String> = Vec::new();
        for parameter in axes.chain(variants.map(|(parameter, _)| parameter)) {
            for target in parameter.targets(self.base)? {
                let path = target.path(self.base);
                if changed.contains(&*path) && !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }

    /// Makes the scenario with these changes.
    pub(super) fn scenario(&self, changes: &[SettingChange]) -> Result<Scenario, PlanError> {
        let settings: Vec<_> = changes.iter().map(|one| (one.target, &one.to)).collect();
        self.apply(settings.into_iter())
    }

    /// Makes a configuration of some of another one's changes.
    pub(super) fn fewer(&self, changes: &[SettingChange]) -> Result<Candidate, PlanError> {
        let settings = changes.iter().map(|one| (one.target, one.to.clone()));
        self.candidate(None, &settings.collect::<Vec<_>>())
    }

    fn apply<'v>(
        &self,
        settings: impl Iterator<Item = (Target, &'v Value)>,
    ) -> Result<Scenario, PlanError> {
        let mut scenario = self.base.clone();
        for (target, value) in settings {
            apply(&mut scenario, target, value, |function| {
                self.memory_of(function)
            })?;
        }
        Ok(scenario)
    }

    fn memory_of(&self, function: &Function) -> Option<super::MemoryEffect> {
        let own = |memory: &&FunctionMemory| memory.function.as_ref() == Some(&function.name);
        let any = |memory: &&FunctionMemory| memory.function.is_none();
        let found = self.memory.iter().find(own);
        let found = found.or_else(|| self.memory.iter().find(any));
        found.map(|memory| memory.effect.clone())
    }

    /// Makes a configuration of settings, of which only those count that are otherwise than in the scenario.
    fn candidate(
        &self,
        name: Option<String>,
        settings: &[(Target, Value)],
    ) -> Result<Candidate, PlanError> {
        let scenario = self.apply(settings.iter().map(|(target, value)| (*target, value)))?;
        let effective = Effective::of(&scenario);
        let change = |(target, value): &(Target, Value)| SettingChange {
            parameter: target.path(self.base),
            from: self.effective.get(*target),
            to: match &effective {
                Ok(effective) => effective.get(*target),
                Err(_) => value.clone(),
            },
            target: *target,
        };
        let changes = settings.iter().map(change);
        Ok(Candidate {
            name,
            changes: changes.filter(|change| change.from != change.to).collect(),
            refusal: effective.err(),
        })
    }

    /// Finds what each axis is about.
    fn axes<'p>(&self, plan: &'p SweepPlan) -> Result<Vec<Resolved<'p>>, PlanError> {
        let axes: Vec<Resolved<'_>> = plan
            .axes
            .iter()
            .map(|axis| Ok((axis.parameter.targets(self.base)?, axis.values.as_slice())))
            .collect::<Result<_, PlanError>>()?;
        check_once(
            self.base,
            axes.iter().flat_map(|(targets, _)| targets.iter().copied()),
        )?;
        Ok(axes)
    }
}

/// What an axis is about in the scenario, and its values.
type Resolved<'p> = (Vec<Target>, &'p [Value]);

/// Goes to the next combination.
fn advance(at: &mut [usize], axes: &[Resolved<'_>]) -> bool {
    for (at, (_, values)) in at.iter_mut().zip(axes).rev() {
        *at += 1;
        if *at < values.len() {
            return true;
        }
        *at = 0;
    }
    false
}

/// Refuses what is too much, before anything of it is made.
fn check_size(plan: &SweepPlan) -> Result<(), PlanError> {
    if plan.axes.is_empty() && plan.variants.is_empty() {
        return Err(PlanError::new(
            "nothing is swept: give the scenario a `sweep` section, or --set BatchSize=10,100,1000",
        ));
    }
    if let Some(axis) = plan.axes.iter().find(|axis| axis.values.is_empty()) {
        return Err(PlanError::new(format!("{}: no values", axis.parameter)));
    }
    let counts = plan.axes.iter().map(|axis| axis.values.len());
    let grid = counts.fold(1, usize::saturating_mul);
    let all = grid.saturating_add(plan.variants.len());
    if all > MOST_CONFIGURATIONS {
        return Err(PlanError::new(format!(
            "{all} configurations: at most {MOST_CONFIGURATIONS} are tried; take values away"
        )));
    }
    Ok(())
}

/// Refuses to set the same setting twice.
fn check_once(scenario: &Scenario, targets: impl Iterator<Item = Target>) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    for target in targets {
        if !seen.insert(target) {
            return Err(PlanError::new(format!(
                "{} is set twice",
                target.path(scenario)
            )));
        }
    }
    Ok(())
}

/// Configurations, each once.
#[derive(Default)]
struct List {
    candidates: Vec<Candidate>,
    places: HashMap<String, usize>,
}

impl List {
    /// Adds a configuration. One that is there already gets its name, if it has none.
    fn push(&mut self, candidate: Candidate) {
        let place = *self
            .places
            .entry(key(&candidate.changes))
            .or_insert(self.candidates.len());
        match self.candidates.get_mut(place) {
            Some(known) => known.name = known.name.take().or(candidate.name),
            None => self.candidates.push(candidate),
        }
    }
}

/// Returns what tells configurations apart.
pub(super) fn key(changes: &[SettingChange]) -> String {
    let mut parts: Vec<String> = changes
        .iter()
        .map(|change| format!("{}={}", change.parameter, change.to))
        .collect();
    parts.sort_unstable();
    parts.join("\n")
}
