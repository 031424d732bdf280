//! Compares what happened with what a scenario expects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::decisions;
use super::model::Expect;
use super::run::Played;
use super::text::{Span, brief, names};
use super::timeline::{self, Line};
use crate::world::around::Happening;

/// What a timeline tells unless told otherwise.
const ALWAYS: [&str; 3] = ["invoke", "deliver", "drop"];
const KINDS: [&str; 9] = [
    "invoke",
    "deliver",
    "drop",
    "checkpoint",
    "list",
    "open",
    "fetch",
    "filter",
    "report",
];

/// How much of a difference is shown.
const MOST_LINES: usize = 60;

/// A line that is expected.
struct Wanted {
    from: Span,
    to: Span,
    text: String,
}

impl Wanted {
    fn parse(line: &str) -> Result<Self, String> {
        let (time, rest) = line
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((line, ""));
        let (from, to) = time.split_once("..").unwrap_or((time, time));
        // Only records are spelled in full for the comparison.
        let words: Vec<String> = rest.split_whitespace().flat_map(names).collect();
        let kind = words.first().map_or("", String::as_str);
        if !KINDS.contains(&kind) {
            return Err(format!(
                "expect.timeline: no event begins with {kind:?}: {line}"
            ));
        }
        Ok(Self {
            from: Span::parse(from)?,
            to: Span::parse(to)?,
            text: words.join(" "),
        })
    }

    fn fits(&self, line: &Line) -> bool {
        (self.from..=self.to).contains(&line.at) && self.text == spelled(&line.text)
    }
}

/// Spells out ranges of records.
fn spelled(text: &str) -> String {
    text.split_whitespace()
        .flat_map(names)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns what is not as expected; empty if all is.
pub(crate) fn compare(played: &Played, expect: &Expect) -> Result<String, String> {
    let mut differences = String::new();
    if let Some(timeline) = &expect.timeline {
        compare_timeline(&mut differences, played, expect, timeline)?;
    }
    let mut facts = Facts {
        differences: &mut differences,
    };
    compare_calls(&mut facts, played, expect);
    compare_records(&mut facts, played, expect);
    compare_documents(&mut facts, played, expect);
    Ok(differences)
}

struct Facts<'a> {
    differences: &'a mut String,
}

impl Facts<'_> {
    fn differ(
        &mut self,
        what: &str,
        expected: &dyn std::fmt::Display,
        seen: &dyn std::fmt::Display,
    ) {
        let difference = format!("  {what}: expected {expected}, but it is {seen}\n");
        self.differences.push_str(&difference);
    }

    fn records(&mut self, what: &str, expected: Option<&String>, seen: &[&str]) {
        let Some(expected) = expected else {
            return;
        };
        let expected = names(expected);
        if expected != seen {
            self.differ(
                what,
                &format!("[{}]", brief(&expected)),
                &format!("[{}]", brief(seen)),
            );
        }
    }

    fn count(&mut self, what: &str, expected: Option<&super::text::Count>, seen: usize) {
        if let Some(expected) = expected
            && !expected.has(seen)
        {
            self.differ(what, expected, &seen);
        }
    }
}

fn compare_timeline(
    out: &mut String,
    played: &Played,
    expect: &Expect,
    timeline: &str,
) -> Result<(), String> {
    let lines = timeline.lines().filter(|line| !line.trim().is_empty());
    let mut wanted: Vec<Wanted> = lines.map(Wanted::parse).collect::<Result<_, _>>()?;
    let mentioned = wanted
        .iter()
        .filter_map(|wanted| wanted.text.split(' ').next());
    let kinds: BTreeSet<String> = match &expect.only {
        Some(only) => only.split_whitespace().map(str::to_owned).collect(),
        None => mentioned.chain(ALWAYS).map(str::to_owned).collect(),
    };
    let told = timeline::lines(played)
        .into_iter()
        .filter(|line| kinds.contains(line.kind()));
    let mut seen: Vec<Line> = told.collect();
    if expect.any_order {
        seen.sort_by_key(|line| (line.at, spelled(&line.text)));
        wanted.sort_by(|a, b| (a.from, &a.text).cmp(&(b.from, &b.text)));
    }
    if wanted.len() != seen.len()
        || wanted
            .iter()
            .zip(&seen)
            .any(|(wanted, seen)| !wanted.fits(seen))
    {
        out.push_str("  timeline (- expected, + happened):\n");
        write_diff(out, &wanted, &seen);
    }
    Ok(())
}

/// Writes both timelines as one, with what they share between what only one has.
fn write_diff(out: &mut String, wanted: &[Wanted], seen: &[Line]) {
    let (rows, columns) = (wanted.len() + 1, seen.len() + 1);
    let mut shared = vec![0usize; rows * columns];
    for row in (0..wanted.len()).rev() {
        for column in (0..seen.len()).rev() {
            shared[row * columns + column] = if wanted[row].fits(&seen[column]) {
                shared[(row + 1) * columns + column + 1] + 1
            } else {
                shared[(row + 1) * columns + column].max(shared[row * columns + column + 1])
            };
        }
    }
    let (mut row, mut column, mut told) = (0, 0, 0);
    while row < wanted.len() || column < seen.len() {
        told += 1;
        if told > MOST_LINES {
            out.push_str("    and more\n");
            break;
        }
        let fits = row < wanted.len() && column < seen.len() && wanted[row].fits(&seen[column]);
        let skip_wanted = column == seen.len()
            || (row < wanted.len()
                && shared[(row + 1) * columns + column] >= shared[row * columns + column + 1]);
        let (mark, text) = if fits {
            (row, column) = (row + 1, column + 1);
            (' ', seen_text(&seen[column - 1]))
        } else if skip_wanted {
            row += 1;
            let wanted = &wanted[row - 1];
            let words: Vec<&str> = wanted.text.split(' ').collect();
            let time = if wanted.from == wanted.to {
                wanted.from.to_string()
            } else {
                format!("{}..{}", wanted.from, wanted.to)
            };
            ('-', format!("{time:<9} {}", brief(&words)))
        } else {
            column += 1;
            ('+', seen_text(&seen[column - 1]))
        };
        writeln!(out, "    {mark} {text}").unwrap();
    }
}

fn seen_text(line: &Line) -> String {
    format!("{:<9} {}", line.at.to_string(), line.text)
}

fn compare_calls(facts: &mut Facts<'_>, played: &Played, expect: &Expect) {
    let calls = &played.world.calls;
    let batches: Vec<Vec<&str>> = calls
        .iter()
        .map(|call| {
            call.records
                .iter()
                .map(|record| played.name(record))
                .collect()
        })
        .collect();
    if let Some(expected) = &expect.batches
        && (expected.len() != batches.len()
            || expected
                .iter()
                .zip(&batches)
                .any(|(expected, seen)| names(expected) != *seen))
    {
        let seen: Vec<String> = batches.iter().map(|batch| brief(batch)).collect();
        facts.differ("batches", &expected.join(" | "), &seen.join(" | "));
    }
    let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    if let Some(expected) = &expect.sizes
        && *expected != sizes
    {
        facts.differ("sizes", &format!("{expected:?}"), &format!("{sizes:?}"));
    }
    facts.count("invocations", expect.invocations.as_ref(), calls.len());
    facts.count(
        "at_once",
        expect.at_once.as_ref(),
        played.world.most_at_once(),
    );
    let happened = |wanted: fn(&Happening) -> bool| {
        played
            .world
            .happenings
            .iter()
            .filter(|(_, happening)| wanted(happening))
            .count()
    };
    let fetches = happened(|happening| matches!(happening, Happening::Fetch(..)));
    facts.count("fetches", expect.fetches.as_ref(), fetches);
    let lists = happened(|happening| matches!(happening, Happening::List));
    facts.count("lists", expect.lists.as_ref(), lists);
    let idle = played.world.machine.is_idle();
    if expect.idle.is_some_and(|expected| expected != idle) {
        facts.differ("idle", &!idle, &idle);
    }
}

fn compare_records(facts: &mut Facts<'_>, played: &Played, expect: &Expect) {
    let mut times: HashMap<&Arc<str>, usize> = HashMap::new();
    for call in played
        .world
        .calls
        .iter()
        .filter(|call| call.ended.is_some())
    {
        for record in &call.records[..call.processed] {
            *times.entry(record).or_default() += 1;
        }
    }
    let processed = |least: usize| -> Vec<&str> {
        let often = |name: &&String| {
            times
                .get(&played.sequences[*name])
                .is_some_and(|&times| times >= least)
        };
        played
            .order
            .iter()
            .filter(often)
            .map(String::as_str)
            .collect()
    };
    facts.records("succeeded", expect.succeeded.as_ref(), &processed(1));
    facts.records("repeated", expect.repeated.as_ref(), &processed(2));
    let delivered: Vec<&str> = played
        .world
        .happenings
        .iter()
        .filter_map(|(_, happening)| match happening {
            Happening::Deliver(discard, true) => {
                Some(played.between(&discard.shard, &discard.first, &discard.last))
            }
            _ => None,
        })
        .flatten()
        .collect();
    facts.records("delivered", expect.delivered.as_ref(), &delivered);
    let told = |kind: &str| -> Vec<String> {
        let lines = timeline::lines(played);
        let of_kind = lines.iter().filter(|line| line.kind() == kind);
        of_kind
            .flat_map(|line| decisions::records(played, &line.text))
            .collect()
    };
    let (dropped, filtered) = (told("drop"), told("filter"));
    let dropped: Vec<&str> = dropped.iter().map(String::as_str).collect();
    facts.records("dropped", expect.dropped.as_ref(), &dropped);
    let filtered: Vec<&str> = filtered.iter().map(String::as_str).collect();
    facts.records("filtered", expect.filtered.as_ref(), &filtered);
    compare_checkpoints(facts, played, expect.checkpoints.as_ref());
}

fn compare_checkpoints(
    facts: &mut Facts<'_>,
    played: &Played,
    expected: Option<&BTreeMap<String, String>>,
) {
    let Some(expected) = expected else {
        return;
    };
    let kept = played.world.store.iter();
    let seen: BTreeMap<String, String> = kept
        .map(|(shard, kept)| (shard.to_string(), timeline::place(played, &kept.checkpoint)))
        .collect();
    if *expected != seen {
        facts.differ(
            "checkpoints",
            &format!("{expected:?}"),
            &format!("{seen:?}"),
        );
    }
}

fn compare_documents(facts: &mut Facts<'_>, played: &Played, expect: &Expect) {
    if let Some(expected) = &expect.failure_records {
        let deliveries = played.world.happenings.iter();
        let seen: Vec<&Value> = deliveries
            .filter_map(|(_, happening)| match happening {
                Happening::Deliver(discard, _) => Some(&discard.whole),
                _ => None,
            })
            .collect();
        if expected.len() != seen.len() {
            facts.differ("failure records", &expected.len(), &seen.len());
        }
        for (expected, seen) in expected.iter().zip(seen) {
            if !contains(seen, expected) {
                facts.differ("failure record", expected, seen);
            }
        }
    }
    for (number, expected) in expect.events.iter().flatten() {
        let index: usize = number.parse().unwrap_or(0);
        let seen = played.world.payloads.get(index.wrapping_sub(1));
        let seen: Value = seen
            .and_then(|payload| serde_json::from_slice(payload).ok())
            .unwrap_or_default();
        if !contains(&seen, expected) {
            facts.differ(&format!("event {number}"), expected, &seen);
        }
    }
}

/// Whether a document has all that is expected of it: the members of objects, lists as a whole; any value
/// for `*`, any text that begins so for `text*`, no member for `absent`.
fn contains(seen: &Value, expected: &Value) -> bool {
    match (seen, expected) {
        (_, Value::String(text)) if text == "*" => true,
        (Value::String(seen), Value::String(text)) if text.ends_with('*') => {
            seen.starts_with(text.trim_end_matches('*'))
        }
        (Value::Object(seen), Value::Object(expected)) => {
            expected
                .iter()
                .all(|(name, expected)| match seen.get(name) {
                    None => expected == "absent",
                    Some(seen) => contains(seen, expected),
                })
        }
        (Value::Array(seen), Value::Array(expected)) => {
            seen.len() == expected.len()
                && seen
                    .iter()
                    .zip(expected)
                    .all(|(seen, expected)| contains(seen, expected))
        }
        _ => seen == expected,
    }
}
