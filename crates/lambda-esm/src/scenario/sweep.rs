//! The `sweep` section: which configurations are tried, and which is best.

use std::fmt::Display;

use lambda_esm_lab::scenario::{Expectation, MappingPlan};
use lambda_esm_lab::sweep::{
    Axis, FunctionMemory, MemoryEffect, Objective, Parameter, Range, SweepPlan, Variant,
};
use serde_json::Value as Json;

use super::{expect, units};
use crate::config::Problems;
use crate::config::fields::Field;
use crate::config::suggest::known_names;
use crate::config::yaml::{self, Value};

/// Reads what is swept. Without constraints of its own, a configuration must fulfil what the scenario expects.
pub(super) fn read(
    field: &Field<'_>,
    mappings: &[MappingPlan],
    expectations: &[Expectation],
    problems: &mut Problems,
) -> Option<SweepPlan> {
    let mut section = field.section(problems)?;
    let rank = section.take("rank");
    let set = section.take("set");
    let variants = section.take("variants");
    let constraints = section.take("constraints");
    let memory = section.take("memory");
    section.finish(problems);
    if set.is_none() && variants.is_none() {
        problems.add(field.node.location, &field.path, "tries nothing");
        problems.hint("add for example `set: { BatchSize: [10, 100, 1000] }`, or variants");
    }
    let objective = rank.and_then(|field| objective(&field, problems));
    let constraints = constraints.map(|field| expect::read(&field, mappings, problems));
    Some(SweepPlan {
        axes: set.map(|field| axes(&field, problems)).unwrap_or_default(),
        variants: variants
            .map(|field| self::variants(&field, problems))
            .unwrap_or_default(),
        objective: objective.unwrap_or(Objective::CHEAPEST),
        constraints: constraints.unwrap_or_else(|| expectations.to_vec()),
        memory: memory
            .map(|field| self::memory(&field, problems))
            .unwrap_or_default(),
    })
}

/// Reads `cheapest`, `fastest`, the name of a figure, of which less is better, or `most FIGURE`.
fn objective(field: &Field<'_>, problems: &mut Problems) -> Option<Objective> {
    let text = field.text(problems)?;
    let found = rank(text);
    if found.is_none() {
        problems.refuse(field.node, &field.path, "is nothing to rank by");
        let names: Vec<&str> = ["cheapest", "fastest"]
            .into_iter()
            .chain(expect::names())
            .collect();
        problems.hint(known_names(text, &names));
    }
    found
}

/// Returns what a word of a scenario or of the command line ranks by.
pub(crate) fn rank(text: &str) -> Option<Objective> {
    match text {
        "cheapest" => Some(Objective::CHEAPEST),
        "fastest" => Some(Objective::FASTEST),
        _ => {
            let (descending, name) = match text.strip_prefix("most ") {
                Some(name) => (true, name),
                None => (false, text),
            };
            let metric = expect::metric(name)?;
            Some(Objective { metric, descending })
        }
    }
}

fn axes(field: &Field<'_>, problems: &mut Problems) -> Vec<Axis> {
    let mut axes = Vec::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        let Some(parameter) = parameter(&member.key, &entry, problems) else {
            continue;
        };
        let values = match entry.node.value {
            Value::Map(_) => range(&entry, problems),
            _ => json::<Vec<Json>>(&entry, problems),
        };
        let Some(values) = values else { continue };
        if values.is_empty() {
            problems.add(entry.node.location, &entry.path, "has no values");
        }
        axes.push(Axis { parameter, values });
    }
    axes
}

fn range(field: &Field<'_>, problems: &mut Problems) -> Option<Vec<Json>> {
    let range: Range = json(field, problems)?;
    told(range.values(), field, problems)
}

fn variants(field: &Field<'_>, problems: &mut Problems) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        let mut settings = Vec::new();
        for (key, value) in entry.entries(problems).unwrap_or_default() {
            let parameter = parameter(&key.key, &value, problems);
            if let (Some(parameter), Some(value)) = (parameter, json(&value, problems)) {
                settings.push((parameter, value));
            }
        }
        variants.push(Variant {
            name: member.key.clone(),
            settings,
        });
    }
    variants
}

/// Reads what memory does: by function, a share of the processor, or durations by memory.
fn memory(field: &Field<'_>, problems: &mut Problems) -> Vec<FunctionMemory> {
    let mut found = Vec::new();
    for (member, entry) in field.entries(problems).unwrap_or_default() {
        let effect = match entry.node.value {
            Value::Map(_) => measured(&entry, problems),
            _ => entry.share(problems).map(MemoryEffect::CpuShare),
        };
        found.extend(effect.map(|effect| FunctionMemory {
            function: (member.key != "*").then(|| member.key.clone()),
            effect,
        }));
    }
    found
}

fn measured(field: &Field<'_>, problems: &mut Problems) -> Option<MemoryEffect> {
    let mut points = Vec::new();
    for (member, entry) in field.entries(problems)? {
        let Ok(memory) = member.key.parse::<u32>() else {
            problems.add(member.location, &entry.path, "is no memory in MB");
            problems.hint("for example { 512: 400ms, 1024: 220ms }");
            continue;
        };
        points.push((memory, units::seconds(&entry, problems)?));
    }
    points.sort_unstable_by_key(|(memory, _)| *memory);
    Some(MemoryEffect::Measured(points))
}

fn parameter(name: &str, field: &Field<'_>, problems: &mut Problems) -> Option<Parameter> {
    told(name.parse(), field, problems)
}

/// Returns a result, and reports its error.
fn told<T, E: Display>(
    result: Result<T, E>,
    field: &Field<'_>,
    problems: &mut Problems,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            problems.explain(field.node, &field.path, error.to_string());
            None
        }
    }
}

fn json<T: for<'de> serde::Deserialize<'de>>(
    field: &Field<'_>,
    problems: &mut Problems,
) -> Option<T> {
    match yaml::read(field.node, &[]) {
        Ok(value) => Some(value),
        Err(misfit) => {
            let location = misfit.location.unwrap_or(field.node.location);
            problems.add(location, &field.path, misfit.rule);
            if let Some(hint) = misfit.hint {
                problems.hint(hint);
            }
            None
        }
    }
}
