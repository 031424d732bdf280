//! How functions behave.

use std::path::Path;
use std::time::Duration;

use lambda_esm_lab::scenario::{Distribution, Function, FunctionChange, OtherLoad, Span};

use super::units;
use crate::config::Problems;
use crate::config::fields::{Field, Section};
use crate::config::yaml::Value;

/// How long an environment is taken to stay without an invocation.
const ENVIRONMENT_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Lambda's default for a function's timeout (Lambda API reference, `Timeout`).
const TIMEOUT: Duration = Duration::from_secs(3);

/// Reads all functions. `duration` is that of the scenario.
pub(super) fn read(
    field: &Field<'_>,
    folder: &Path,
    duration: Duration,
    problems: &mut Problems,
) -> Vec<Function> {
    let entries = field.entries(problems).unwrap_or_default();
    let mut functions = Vec::new();
    for (member, entry) in entries {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let name = &member.key;
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            problems.add(
                member.location,
                &entry.path,
                "is no name of a function: 1 to 64 letters, digits, - and _",
            );
        }
        functions.extend(function(name, &entry, folder, duration, problems));
    }
    functions
}

fn function(
    name: &str,
    entry: &Field<'_>,
    folder: &Path,
    whole: Duration,
    problems: &mut Problems,
) -> Option<Function> {
    let mut section = entry.section(problems)?;
    let mut function = Function {
        name: name.to_owned(),
        memory_mb: 128,
        timeout: TIMEOUT,
        duration: Distribution::Fixed(0.1),
        per_record: Distribution::Fixed(0.0),
        cold_start: Distribution::Fixed(0.0),
        environment_lifetime: ENVIRONMENT_LIFETIME,
        error_rate: 0.0,
        throttle_rate: 0.0,
        record_error_rate: 0.0,
        poison_rate: 0.0,
        reserved_concurrency: None,
        other_load: Vec::new(),
    };
    let duration = section.require("duration", "{p50: 100ms, p99: 800ms}", problems);
    let per_record = section.take("per_record");
    let cold_start = section.take("cold_start");
    for (field, value) in [
        (duration, &mut function.duration),
        (per_record, &mut function.per_record),
        (cold_start, &mut function.cold_start),
    ] {
        if let Some(field) = field
            && let Some(read) = units::distribution(&field, units::seconds, folder, problems)
        {
            *value = read;
        }
    }
    for (key, rate) in [
        ("error_rate", &mut function.error_rate),
        ("throttle_rate", &mut function.throttle_rate),
        ("record_error_rate", &mut function.record_error_rate),
        ("poison_rate", &mut function.poison_rate),
    ] {
        let share = section.take(key).and_then(|field| field.share(problems));
        *rate = share.unwrap_or_default();
    }
    if let Some(field) = section.take("timeout") {
        function.timeout = timeout(&field, problems).unwrap_or(function.timeout);
    }
    if let Some(field) = section.take("memory_mb") {
        let value = field.integer(128..=10_240, "MB", problems);
        let value = value.and_then(|value| value.try_into().ok());
        function.memory_mb = value.unwrap_or(function.memory_mb);
    }
    if let Some(field) = section.take("environment_lifetime") {
        let lifetime = units::some_duration(&field, problems);
        function.environment_lifetime = lifetime.unwrap_or(function.environment_lifetime);
    }
    function.reserved_concurrency = reserved(&mut section, problems).flatten();
    if let Some(field) = section.take("other_load") {
        function.other_load = other_load(&field, whole, problems);
    }
    section.finish(problems);
    Some(function)
}

fn timeout(field: &Field<'_>, problems: &mut Problems) -> Option<Duration> {
    let timeout = units::duration(field, problems)?;
    let legal = Duration::from_secs(1)..=Duration::from_secs(900);
    if !legal.contains(&timeout) {
        problems.refuse(field.node, &field.path, "must be 1 s to 15 min");
        return None;
    }
    Some(timeout)
}

/// Reads a reserved concurrency; `none` takes it away.
fn reserved(section: &mut Section<'_>, problems: &mut Problems) -> Option<Option<u32>> {
    let field = section.take("reserved_concurrency")?;
    if matches!(&field.node.value, Value::Text(text) if text == "none") {
        return Some(None);
    }
    let value = field.integer(0..=1_000_000, "", problems)?;
    Some(value.try_into().ok())
}

fn other_load(field: &Field<'_>, whole: Duration, problems: &mut Problems) -> Vec<OtherLoad> {
    let items = match field.node.value {
        Value::List(_) => field.list(problems).unwrap_or_default(),
        _ => vec![field.clone()],
    };
    let mut load = Vec::new();
    for item in items {
        let Some(mut section) = item.section(problems) else {
            continue;
        };
        let rate = section.require("rate", "20/s", problems);
        let mut time = |key, otherwise| {
            let field = section.take(key);
            field
                .and_then(|field| units::duration(&field, problems))
                .unwrap_or(otherwise)
        };
        let (from, until) = (time("from", Duration::ZERO), time("until", whole));
        section.finish(problems);
        let rate = rate.and_then(|field| units::rate(&field, problems));
        load.extend(rate.map(|rate| OtherLoad {
            rate,
            span: Span { from, until },
        }));
    }
    load
}

/// Reads what of a function changes on the way.
pub(super) fn change(
    section: &mut Section<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> FunctionChange {
    let duration = section.take("duration");
    let duration =
        duration.and_then(|field| units::distribution(&field, units::seconds, folder, problems));
    let mut share = |key| {
        let field = section.take(key)?;
        field.share(problems)
    };
    FunctionChange {
        duration,
        error_rate: share("error_rate"),
        throttle_rate: share("throttle_rate"),
        record_error_rate: share("record_error_rate"),
        reserved_concurrency: reserved(section, problems),
        cold: false,
    }
}
