//! One setting of one mapping, function or source: how it is changed.

use std::time::Duration;

use serde_json::{Map, Value};

use super::memory::scaled;
use super::parameter::{FunctionSetting, Setting, SourceSetting, Which};
use super::{MemoryEffect, Parameter, PlanError};
use crate::scenario::{Change, Function, Scenario, SourceKind};

/// One setting of one mapping, function or source of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) setting: Setting,
    /// The place of the mapping, function or source.
    pub(super) index: usize,
}

impl Target {
    /// Returns its path, without the place where there is only one such setting.
    pub(super) fn path(self, scenario: &Scenario) -> String {
        let (list, name) = (self.setting.list(), self.setting.name());
        let count = match self.setting {
            Setting::Mapping(_) => scenario.mappings.len(),
            Setting::Function(_) => scenario.functions.len(),
            Setting::Source(_) => scenario.sources.len(),
        };
        if count == 1 {
            name.to_owned()
        } else {
            format!("{list}[{}].{name}", self.index)
        }
    }
}

impl Parameter {
    /// Finds what is meant in a scenario. A setting of all sources is of those that have it.
    pub(super) fn targets(&self, scenario: &Scenario) -> Result<Vec<Target>, PlanError> {
        let setting = self.setting;
        let names: Vec<&str> = match setting {
            Setting::Mapping(_) => scenario.mappings.iter().map(|plan| &*plan.label).collect(),
            Setting::Function(_) => scenario.functions.iter().map(|one| &*one.name).collect(),
            Setting::Source(_) => scenario.sources.iter().map(|one| &*one.name).collect(),
        };
        let list = setting.list();
        let wanted: Vec<usize> = match &self.which {
            Which::All => (0..names.len()).collect(),
            Which::Index(index) if *index < names.len() => vec![*index],
            Which::Index(_) => {
                return Err(PlanError::new(format!(
                    "{self}: the scenario has {} {list}, the first is {list}[0]",
                    names.len()
                )));
            }
            Which::Name(name) => match names.iter().position(|known| known == name) {
                Some(index) => vec![index],
                None => {
                    return Err(PlanError::new(format!(
                        "{self}: the scenario's {list} are {}",
                        names.join(", ")
                    )));
                }
            },
        };
        let has = |index: &usize| match setting {
            Setting::Source(setting) => source_has(&scenario.sources[*index].kind, setting),
            Setting::Mapping(_) | Setting::Function(_) => true,
        };
        let indexes: Vec<usize> = wanted.into_iter().filter(has).collect();
        if indexes.is_empty() {
            return Err(PlanError::new(format!("{self}: no source has that")));
        }
        let target = |index| Target { setting, index };
        Ok(indexes.into_iter().map(target).collect())
    }
}

const fn source_has(kind: &SourceKind, setting: SourceSetting) -> bool {
    match setting {
        SourceSetting::MaxReceiveCount | SourceSetting::VisibilityTimeout => {
            matches!(kind, SourceKind::Sqs { .. })
        }
        SourceSetting::Partitions => matches!(kind, SourceKind::Kafka { .. }),
        SourceSetting::Retention => matches!(kind, SourceKind::Kinesis { .. }),
        SourceSetting::Shards => {
            matches!(
                kind,
                SourceKind::Kinesis { .. } | SourceKind::DynamoDb { .. }
            )
        }
    }
}

/// Changes a setting. Whether the result is legal is looked at afterwards.
///
/// # Errors
/// A value of another type than the setting's.
pub(super) fn apply(
    scenario: &mut Scenario,
    target: Target,
    value: &Value,
    effect: impl Fn(&Function) -> Option<MemoryEffect>,
) -> Result<(), PlanError> {
    let path = target.path(scenario);
    let applied = match target.setting {
        Setting::Mapping(name) => apply_to_mapping(scenario, target.index, name, value),
        Setting::Function(FunctionSetting::MemoryMb) => {
            let effect = scenario.functions.get(target.index).and_then(effect);
            let effect = effect.ok_or_else(|| {
                PlanError::new(format!(
                    "{path} is swept, but not how long the function takes with it: say so (`memory` of the sweep, or \
                     --cpu-share)"
                ))
            })?;
            whole(value).map(|memory| apply_memory(scenario, target.index, memory, &effect))
        }
        Setting::Function(setting) => apply_to_function(scenario, target.index, setting, value),
        Setting::Source(setting) => apply_to_source(scenario, target.index, setting, value),
    };
    applied.map_err(|problem| PlanError::new(format!("{path}: {value}: {problem}")))
}

/// Why a value cannot be that of a setting.
type Problem = String;

fn apply_to_mapping(
    scenario: &mut Scenario,
    index: usize,
    name: &str,
    value: &Value,
) -> Result<(), Problem> {
    let Some(plan) = scenario.mappings.get_mut(index) else {
        return Ok(());
    };
    let problem = |error: serde_json::Error| error.to_string();
    let mut request = serde_json::to_value(&plan.request).map_err(problem)?;
    if let Value::Object(members) = &mut request {
        set_member(members, name, value);
    }
    plan.request = serde_json::from_value(request).map_err(problem)?;
    Ok(())
}

/// Sets a member, or takes it away, and its parents with it where nothing else is in them.
fn set_member(members: &mut Map<String, Value>, path: &str, value: &Value) {
    let Some((parent, rest)) = path.split_once('.') else {
        if value.is_null() {
            members.remove(path);
        } else {
            members.insert(path.to_owned(), value.clone());
        }
        return;
    };
    let empty = || Value::Object(Map::new());
    let inner = members.entry(parent).or_insert_with(empty);
    if let Value::Object(inner) = inner {
        set_member(inner, rest, value);
        if inner.is_empty() {
            members.remove(parent);
        }
    }
}

fn apply_to_function(
    scenario: &mut Scenario,
    index: usize,
    setting: FunctionSetting,
    value: &Value,
) -> Result<(), Problem> {
    let Some(function) = scenario.functions.get_mut(index) else {
        return Ok(());
    };
    match setting {
        FunctionSetting::MemoryMb => function.memory_mb = whole(value)?,
        FunctionSetting::ReservedConcurrency => {
            function.reserved_concurrency = whole_or_none(value)?;
        }
        FunctionSetting::Timeout => function.timeout = seconds(value)?,
    }
    Ok(())
}

/// Changes the memory of a function, and how long it takes, also after what happens on the way.
fn apply_memory(scenario: &mut Scenario, index: usize, memory: u32, effect: &MemoryEffect) {
    let Some(function) = scenario.functions.get_mut(index) else {
        return;
    };
    let factor = effect.factor(function.memory_mb, memory);
    function.memory_mb = memory;
    function.duration = scaled(&function.duration, factor);
    function.per_record = scaled(&function.per_record, factor);
    for event in &mut scenario.events {
        if let Change::Function { function, change } = &mut event.change
            && *function == index
        {
            let duration = change.duration.as_ref();
            change.duration = duration.map(|duration| scaled(duration, factor));
        }
    }
}

fn apply_to_source(
    scenario: &mut Scenario,
    index: usize,
    setting: SourceSetting,
    value: &Value,
) -> Result<(), Problem> {
    let Some(source) = scenario.sources.get_mut(index) else {
        return Ok(());
    };
    match (setting, &mut source.kind) {
        (
            SourceSetting::VisibilityTimeout,
            SourceKind::Sqs {
                visibility_timeout, ..
            },
        ) => *visibility_timeout = seconds(value)?,
        (
            SourceSetting::MaxReceiveCount,
            SourceKind::Sqs {
                max_receive_count, ..
            },
        ) => *max_receive_count = whole_or_none(value)?,
        (SourceSetting::Retention, SourceKind::Kinesis { retention, .. }) => {
            *retention = seconds(value)?;
        }
        (
            SourceSetting::Shards,
            SourceKind::Kinesis { shards: count, .. } | SourceKind::DynamoDb { shards: count },
        )
        | (SourceSetting::Partitions, SourceKind::Kafka { partitions: count }) => {
            *count = whole(value)?;
        }
        _ => return Err("the source has no such setting".to_owned()),
    }
    Ok(())
}

fn whole<T: TryFrom<u64>>(value: &Value) -> Result<T, Problem> {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| "it is a whole number".to_owned())
}

fn whole_or_none(value: &Value) -> Result<Option<u32>, Problem> {
    if value.is_null() {
        return Ok(None);
    }
    whole(value).map(Some)
}

fn seconds(value: &Value) -> Result<Duration, Problem> {
    whole(value).map(Duration::from_secs)
}
