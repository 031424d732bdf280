//! What happens on the way.

use std::path::Path;
use std::time::Duration;

use lambda_esm_core::mapping::UpdateEventSourceMapping;
use lambda_esm_lab::scenario::{
    Change, Function, FunctionChange, MappingPlan, Source, TimedChange,
};

use super::{functions, units};
use crate::config::Problems;
use crate::config::fields::Field;
use crate::config::suggest::known_names;
use crate::config::yaml;

/// What events are about.
pub(super) struct EventContext<'a> {
    pub(super) folder: &'a Path,
    pub(super) duration: Duration,
    pub(super) sources: &'a [Source],
    pub(super) functions: &'a [Function],
    pub(super) mappings: &'a [MappingPlan],
}

/// Reads all events, and returns them in the order of time.
pub(super) fn read(
    field: &Field<'_>,
    context: &EventContext<'_>,
    problems: &mut Problems,
) -> Vec<TimedChange> {
    let mut changes = Vec::new();
    for item in field.list(problems).unwrap_or_default() {
        one(&item, context, &mut changes, problems);
    }
    changes.sort_by_key(|change| change.at);
    changes
}

fn one(
    item: &Field<'_>,
    context: &EventContext<'_>,
    changes: &mut Vec<TimedChange>,
    problems: &mut Problems,
) -> Option<()> {
    let mut section = item.section(problems)?;
    let at = section.require("at", "10m", problems);
    let at = units::duration(&at?, problems)?;
    if at > context.duration {
        let rule = format!(
            "at must not be after the scenario's duration ({:?})",
            context.duration
        );
        problems.add(item.node.location, &item.path, rule);
    }
    let lasts = section.take("for");
    let lasts = lasts.and_then(|field| Some((units::some_duration(&field, problems)?, field)));
    let [reshard, down, function, throttle] =
        ["reshard", "down", "function", "throttle"].map(|key| section.take(key));
    let [disable, enable, update] = ["disable", "enable", "update"].map(|key| section.take(key));
    let mut event = Event {
        at,
        until: lasts.as_ref().map(|(duration, _)| at + *duration),
        changes,
    };
    let kinds = [
        &reshard, &down, &function, &throttle, &disable, &enable, &update,
    ];
    if kinds.iter().filter(|kind| kind.is_some()).count() != 1 {
        let rule = "must have one of reshard, down, function, throttle, disable, enable, update";
        problems.add(item.node.location, &item.path, rule);
        problems.hint("for example {at: 1h, function: worker, error_rate: 1, for: 10m}");
        return None;
    }
    if let Some(field) = reshard {
        let source = source(&field, context, problems);
        let shards = section.require("shards", "8", problems);
        let shards = shards.and_then(|field| field.integer(1..=10_000, "shards", problems));
        event.once(&lasts, problems)?;
        section.finish(problems);
        let shards = usize::try_from(shards?).ok()?;
        event.now(Change::Reshard {
            source: source?,
            shards,
        });
    } else if let Some(field) = down {
        section.finish(problems);
        let source = source(&field, context, problems)?;
        event.both(|down| Change::SourceDown { source, down });
    } else if let Some(field) = function {
        let change = functions::change(&mut section, context.folder, problems);
        section.finish(problems);
        behaviour(&field, change, &mut event, context, problems)?;
    } else if let Some(field) = throttle {
        section.finish(problems);
        let change = FunctionChange {
            throttle_rate: Some(1.0),
            ..FunctionChange::default()
        };
        behaviour(&field, change, &mut event, context, problems)?;
    } else if let Some(field) = disable.as_ref().or(enable.as_ref()) {
        section.finish(problems);
        let mapping = mapping(field, context, problems)?;
        let first = enable.is_some();
        event.both(|begins| {
            let request = UpdateEventSourceMapping {
                enabled: Some(first == begins),
                ..UpdateEventSourceMapping::default()
            };
            Change::Update {
                mapping,
                request: Box::new(request),
            }
        });
    } else if let Some(field) = update {
        let settings = section.require("settings", "{BatchSize: 100}", problems);
        event.once(&lasts, problems)?;
        section.finish(problems);
        let settings = settings?;
        let request = match yaml::read(settings.node, &[]) {
            Ok(request) => request,
            Err(misfit) => {
                let location = misfit.location.unwrap_or(settings.node.location);
                let path = format!("{}.{}", settings.path, misfit.path.join("."));
                problems.add(location, path.trim_end_matches('.'), misfit.rule);
                problems.hint(misfit.hint.unwrap_or_else(|| {
                    "settings are those of UpdateEventSourceMapping".to_owned()
                }));
                return None;
            }
        };
        let mapping = mapping(&field, context, problems)?;
        event.now(Change::Update {
            mapping,
            request: Box::new(request),
        });
    }
    Some(())
}

/// An event that is being read.
struct Event<'a> {
    at: Duration,
    until: Option<Duration>,
    changes: &'a mut Vec<TimedChange>,
}

impl Event<'_> {
    fn now(&mut self, change: Change) {
        let at = self.at;
        self.changes.push(TimedChange { at, change });
    }

    /// Adds the change that begins it, and the one that ends it, if it has an end.
    fn both(&mut self, change: impl Fn(bool) -> Change) {
        self.now(change(true));
        if let Some(at) = self.until {
            let change = change(false);
            self.changes.push(TimedChange { at, change });
        }
    }

    /// Refuses an end where there can be none.
    fn once(&self, lasts: &Option<(Duration, Field<'_>)>, problems: &mut Problems) -> Option<()> {
        if let Some((_, field)) = lasts {
            problems.add(field.node.location, &field.path, "this event has no end");
            problems.hint("add a second event for what comes after it");
            return None;
        }
        Some(())
    }
}

/// Adds a change of a function, and the one that takes it back.
fn behaviour(
    field: &Field<'_>,
    change: FunctionChange,
    event: &mut Event<'_>,
    context: &EventContext<'_>,
    problems: &mut Problems,
) -> Option<()> {
    let names = context.functions.iter().map(|function| &*function.name);
    let function = place(field, names, "function", problems)?;
    if change == FunctionChange::default() {
        problems.add(field.node.location, &field.path, "nothing of it changes");
        problems.hint("add for example error_rate: 1, duration: 2s, or reserved_concurrency: 10");
        return None;
    }
    let before = &context.functions[function];
    let back = FunctionChange {
        duration: change.duration.as_ref().map(|_| before.duration.clone()),
        error_rate: change.error_rate.map(|_| before.error_rate),
        throttle_rate: change.throttle_rate.map(|_| before.throttle_rate),
        record_error_rate: change.record_error_rate.map(|_| before.record_error_rate),
        reserved_concurrency: change
            .reserved_concurrency
            .map(|_| before.reserved_concurrency),
        cold: change.cold,
    };
    event.both(|begins| Change::Function {
        function,
        change: if begins { change.clone() } else { back.clone() },
    });
    Some(())
}

fn source(field: &Field<'_>, context: &EventContext<'_>, problems: &mut Problems) -> Option<usize> {
    let names = context.sources.iter().map(|source| &*source.name);
    place(field, names, "source", problems)
}

fn mapping(
    field: &Field<'_>,
    context: &EventContext<'_>,
    problems: &mut Problems,
) -> Option<usize> {
    let names = context.mappings.iter().map(|mapping| &*mapping.label);
    place(field, names, "mapping", problems)
}

/// Returns the place of a name among those there are.
pub(super) fn place<'a>(
    field: &Field<'_>,
    names: impl Iterator<Item = &'a str>,
    what: &str,
    problems: &mut Problems,
) -> Option<usize> {
    let name = field.text(problems)?;
    let names: Vec<&str> = names.collect();
    let found = names.iter().position(|candidate| *candidate == name);
    if found.is_none() {
        let rule = format!("there is no such {what}");
        problems.refuse(field.node, &field.path, rule);
        problems.hint(known_names(name, &names));
    }
    found
}
