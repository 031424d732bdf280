//! When records arrive.

use std::cell::RefCell;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_lab::recording;
use lambda_esm_lab::scenario::{Arrivals, Span};

use super::{trace, units};
use crate::config::Problems;
use crate::config::fields::{Field, Section};
use crate::config::yaml::Value;

const EXAMPLES: &str =
    "for example 100/s, or a list such as [{poisson: 20/s}, {bursts: 200, every: 10m}]";

/// What all arrivals of a scenario share.
pub(super) struct ArrivalContext<'a> {
    /// Where relative paths begin.
    pub(super) folder: &'a Path,
    /// How long the scenario is.
    pub(super) duration: Duration,
    /// What a reader should know, in words.
    pub(super) notes: RefCell<Vec<String>>,
}

/// Reads a rate, one kind of arrivals, or a list of them.
pub(super) fn read(
    field: &Field<'_>,
    context: &ArrivalContext<'_>,
    problems: &mut Problems,
) -> Vec<Arrivals> {
    let span = Span {
        from: Duration::ZERO,
        until: context.duration,
    };
    match field.node.value {
        Value::List(_) => {
            let items = field.list(problems).unwrap_or_default();
            let one = |item: &Field<'_>| one(item, span, context, problems);
            items.iter().filter_map(one).collect()
        }
        _ => one(field, span, context, problems).into_iter().collect(),
    }
}

fn one(
    field: &Field<'_>,
    whole: Span,
    context: &ArrivalContext<'_>,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let folder = context.folder;
    if !matches!(field.node.value, Value::Map(_)) {
        let rate = units::rate(field, problems)?;
        return Some(Arrivals::Constant { rate, span: whole });
    }
    let mut section = field.section(problems)?;
    let span = span(&mut section, field, whole, problems);
    let [constant, poisson, bursts, daily] =
        ["constant", "poisson", "bursts", "daily"].map(|key| section.take(key));
    let [ramp, times, counts, recording] =
        ["ramp", "times", "counts", "recording"].map(|key| section.take(key));
    let kinds = [
        &constant, &poisson, &bursts, &daily, &ramp, &times, &counts, &recording,
    ];
    if kinds.iter().filter(|kind| kind.is_some()).count() != 1 {
        let rule =
            "must have one of constant, poisson, bursts, daily, ramp, times, counts, recording";
        problems.add(field.node.location, &field.path, rule);
        problems.hint(EXAMPLES);
        return None;
    }
    let arrivals = if let Some(field) = constant {
        let rate = units::rate(&field, problems);
        rate.map(|rate| Arrivals::Constant { rate, span })
    } else if let Some(field) = poisson {
        let rate = units::rate(&field, problems);
        rate.map(|rate| Arrivals::Poisson { rate, span })
    } else if let Some(field) = bursts {
        let every = section.take("every");
        let every = every.map(|every| units::some_duration(&every, problems));
        let count = field.integer(1..=100_000_000, "records", problems);
        match (count.and_then(|count| count.try_into().ok()), every) {
            (Some(count), None) => Some((count, None)),
            (Some(count), Some(Some(every))) => Some((count, Some(every))),
            _ => None,
        }
        .map(|(count, every)| Arrivals::Bursts { count, every, span })
    } else if let Some(field) = daily {
        self::daily(&field, span, problems)
    } else if let Some(field) = ramp {
        self::ramp(&field, span, problems)
    } else if let Some(field) = times {
        trace::times(&field, folder, problems).map(Arrivals::Times)
    } else if let Some(field) = counts {
        self::counts(&field, &mut section, folder, problems)
    } else if let Some(field) = recording {
        recorded(&field, context, problems)
    } else {
        None
    };
    section.finish(problems);
    arrivals
}

fn span(
    section: &mut Section<'_>,
    field: &Field<'_>,
    whole: Span,
    problems: &mut Problems,
) -> Span {
    let mut time = |key| {
        let field = section.take(key)?;
        units::duration(&field, problems)
    };
    let from = time("from").unwrap_or(whole.from);
    let until = time("until").unwrap_or(whole.until);
    if from >= until {
        let rule = format!("from ({from:?}) must be before until ({until:?})");
        problems.add(field.node.location, &field.path, rule);
        problems.hint("without until, it is the duration of the scenario");
    }
    Span { from, until }
}

fn daily(field: &Field<'_>, span: Span, problems: &mut Problems) -> Option<Arrivals> {
    let mut section = field.section(problems)?;
    let low = section.require("low", "5/s", problems);
    let high = section.require("high", "80/s", problems);
    let peak = section.take("peak");
    section.finish(problems);
    let low = units::rate(&low?, problems)?;
    let high = units::rate(&high?, problems)?;
    if low > high {
        problems.add(field.node.location, &field.path, "low must not exceed high");
        return None;
    }
    let noon = Duration::from_secs(12 * 60 * 60);
    let peak = match peak {
        Some(field) => time_of_day(&field, problems)?,
        None => noon,
    };
    Some(Arrivals::Daily {
        low,
        high,
        peak,
        span,
    })
}

/// Reads `14:30`.
fn time_of_day(field: &Field<'_>, problems: &mut Problems) -> Option<Duration> {
    let text = field.text(problems)?;
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then(|| Duration::from_secs((hours * 60 + minutes) * 60))
    });
    if parsed.is_none() {
        problems.refuse(field.node, &field.path, "is no time of day");
        problems.hint("write it in quotes, for example \"14:30\" (UTC)");
    }
    parsed
}

fn ramp(field: &Field<'_>, span: Span, problems: &mut Problems) -> Option<Arrivals> {
    let mut section = field.section(problems)?;
    let from = section.require("from", "0/s", problems);
    let to = section.require("to", "500/s", problems);
    section.finish(problems);
    let from = units::rate(&from?, problems)?;
    let to = units::rate(&to?, problems)?;
    Some(Arrivals::Ramp { from, to, span })
}

fn counts(
    field: &Field<'_>,
    section: &mut Section<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let step = match section.take("step") {
        Some(step) => units::some_duration(&step, problems)?,
        None => Duration::from_secs(60),
    };
    let counts: Arc<[u64]> = if matches!(field.node.value, Value::List(_)) {
        let items = field.list(problems)?;
        let mut count = |item: &Field<'_>| {
            let count = item.integer(0..=100_000_000, "records", problems)?;
            u64::try_from(count).ok()
        };
        items.iter().map(&mut count).collect::<Option<_>>()?
    } else {
        trace::counts(field, step, folder, problems)?
    };
    Some(Arrivals::Counts { step, counts })
}

/// Reads a recording of what a source delivered.
fn recorded(
    field: &Field<'_>,
    context: &ArrivalContext<'_>,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let path = context.folder.join(field.text(problems)?);
    let opened = File::open(&path).map_err(|error| format!("cannot be read: {error}"));
    let read = opened.and_then(|file| {
        let read = recording::read(BufReader::new(file));
        read.map_err(|error| format!("line {} of the file: {}", error.line, error.because))
    });
    match read {
        Ok(recorded) => {
            let incomplete = recorded.incomplete;
            let note = incomplete.map(|why| format!("{}: {why}", path.display()));
            context.notes.borrow_mut().extend(note);
            Some(Arrivals::Recorded(recorded.arrivals.into()))
        }
        Err(rule) => {
            problems.refuse(field.node, &field.path, rule);
            problems.hint("a recording is what `lambda-esm run --record FOLDER` writes");
            None
        }
    }
}
