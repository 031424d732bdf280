//! The change as commands of the AWS command line.

use lambda_esm_core::mapping::{Mapping, UpdateEventSourceMapping};
use serde_json::{Map, Value, json};

use super::candidates::SettingChange;
use super::effective::{Effective, context, request};
use super::parameter::{FunctionSetting, Setting, SourceSetting};
use crate::scenario::{MappingPlan, Scenario};

/// Members whose empty value takes them away, and that value (Lambda API reference, `UpdateEventSourceMapping`).
const REMOVED_BY: [(&str, &str); 5] = [
    ("DestinationConfig", "{}"),
    ("FilterCriteria", "{}"),
    ("FunctionResponseTypes", "[]"),
    ("ProvisionedPollerConfig", "{}"),
    ("ScalingConfig", "{}"),
];

/// Returns the commands that make the changes in AWS: sources first, then functions, then mappings.
pub(super) fn commands(
    scenario: &Scenario,
    changes: &[SettingChange],
    before: &Effective,
    after: &Effective,
) -> Vec<String> {
    let of = |list: &'static str| {
        let chosen = move |change: &&SettingChange| change.target.setting.list() == list;
        changes.iter().filter(chosen)
    };
    let mut commands: Vec<String> = of("sources").map(|one| source(scenario, one)).collect();
    commands.extend(of("functions").map(|one| function(scenario, one)));
    for (index, plan) in scenario.mappings.iter().enumerate() {
        if let (Some(before), Some(after)) = (before.mappings.get(index), after.mappings.get(index))
            && before != after
        {
            commands.push(mapping(scenario, plan, before, after));
        }
    }
    let region = quoted(&scenario.region);
    let aws = commands.into_iter().map(|command| {
        if command.starts_with('#') {
            command
        } else {
            format!("aws {command} --region {region}")
        }
    });
    aws.collect()
}

fn source(scenario: &Scenario, change: &SettingChange) -> String {
    let source = scenario.sources.get(change.target.index);
    let name = source.map_or("", |source| &*source.name);
    let (shown, to) = (quoted(name), &change.to);
    match change.target.setting {
        Setting::Source(SourceSetting::VisibilityTimeout) => format!(
            "sqs set-queue-attributes --queue-url \"$(aws sqs get-queue-url --queue-name {shown} --query QueueUrl \
             --output text --region {})\" --attributes VisibilityTimeout={to}",
            quoted(&scenario.region)
        ),
        Setting::Source(SourceSetting::Shards)
            if source.is_some_and(|source| source.arn.contains(":kinesis:")) =>
        {
            format!(
                "kinesis update-shard-count --stream-name {shown} --target-shard-count {to} --scaling-type UNIFORM_SCALING"
            )
        }
        Setting::Source(SourceSetting::Retention) => retention(&shown, change),
        _ => format!(
            "# {name}: {} = {to}; there is no command for that",
            change.parameter
        ),
    }
}

/// The retention of a stream is raised and lowered by different operations, in hours.
fn retention(name: &str, change: &SettingChange) -> String {
    let verb = if change.to.as_u64() > change.from.as_u64() {
        "increase"
    } else {
        "decrease"
    };
    let hours = change.to.as_u64().unwrap_or_default().div_ceil(3_600);
    format!(
        "kinesis {verb}-stream-retention-period --stream-name {name} --retention-period-hours {hours}"
    )
}

fn function(scenario: &Scenario, change: &SettingChange) -> String {
    let function = scenario.functions.get(change.target.index);
    let name = quoted(function.map_or("", |function| &function.name));
    let to = &change.to;
    let update = format!("lambda update-function-configuration --function-name {name}");
    match change.target.setting {
        Setting::Function(FunctionSetting::MemoryMb) => format!("{update} --memory-size {to}"),
        Setting::Function(FunctionSetting::ReservedConcurrency) if to.is_null() => {
            format!("lambda delete-function-concurrency --function-name {name}")
        }
        Setting::Function(FunctionSetting::ReservedConcurrency) => format!(
            "lambda put-function-concurrency --function-name {name} --reserved-concurrent-executions {to}"
        ),
        _ => format!("{update} --timeout {to}"),
    }
}

/// Returns the update of a mapping; where no update leads there, that it must be made anew.
fn mapping(scenario: &Scenario, plan: &MappingPlan, before: &Value, after: &Value) -> String {
    let update = difference(before, after);
    if !leads_to(scenario, &update, before, after) {
        return format!(
            "# {}: no update leads there; delete the mapping and create it anew",
            plan.label
        );
    }
    let function = plan.request.function_name.as_deref().unwrap_or_default();
    let mut which = format!("--function-name {}", quoted(function));
    if let Some(arn) = &plan.request.event_source_arn {
        which = format!("--event-source-arn {} {which}", quoted(arn));
    }
    let mut command = format!(
        "lambda update-event-source-mapping --uuid \"$(aws lambda list-event-source-mappings {which} --query \
         'EventSourceMappings[0].UUID' --output text --region {})\"",
        quoted(&scenario.region)
    );
    for (member, value) in &update {
        command.push(' ');
        command.push_str(&option(member, value));
    }
    command
}

/// Returns the members of an update: what is otherwise afterwards, and what is not there any more as it is taken away.
fn difference(before: &Value, after: &Value) -> Map<String, Value> {
    let empty = Map::new();
    let before = before.as_object().unwrap_or(&empty);
    let after = after.as_object().unwrap_or(&empty);
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value));
    let mut update: Map<String, Value> = changed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, removed) in REMOVED_BY {
        if before.contains_key(name) && !after.contains_key(name) {
            update.insert(
                name.to_owned(),
                serde_json::from_str(removed).unwrap_or_default(),
            );
        }
    }
    update
}

/// Tells whether the service takes an update, and it leads where it should.
fn leads_to(
    scenario: &Scenario,
    update: &Map<String, Value>,
    before: &Value,
    after: &Value,
) -> bool {
    let context = context(scenario);
    let update = serde_json::from_value::<UpdateEventSourceMapping>(json!(update));
    let mapping = Mapping::create(request(before), &context);
    match (mapping, update) {
        (Ok(mapping), Ok(update)) => mapping
            .update(update, &context)
            .is_ok_and(|updated| json!(updated.to_request()) == *after),
        _ => false,
    }
}

/// Returns a member as an option of the command line.
fn option(member: &str, value: &Value) -> String {
    let name = kebab(member);
    match value {
        Value::Bool(true) => format!("--{name}"),
        Value::Bool(false) => format!("--no-{name}"),
        Value::String(text) => format!("--{name} {}", quoted(text)),
        Value::Number(number) => format!("--{name} {number}"),
        other => format!("--{name} {}", quoted(&other.to_string())),
    }
}

/// `BatchSize` → `batch-size`.
fn kebab(member: &str) -> String {
    let mut name = String::new();
    for letter in member.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Returns a text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@,+".contains(letter);
    if !text.is_empty() && text.chars().all(harmless) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
