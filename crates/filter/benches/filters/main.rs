//! Measures matching against a `serde_json::Value` matcher and the crate `quamina`.
//!
//! Every engine sees the same events; verdicts are compared before anything is timed, and a row
//! on which an engine errs is left out of that engine's ratio. Times are nanoseconds per event,
//! the best of several rounds. `cargo bench -p lambda-esm-filter [-- part of a row's name]`;
//! `benches/event-ruler/compare.sh` adds a column for event-ruler, which runs on Java.
#![expect(clippy::disallowed_types, reason = "a benchmark reads the real clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod datasets;
mod rows;
mod tree;

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use datasets::Dataset;
use lambda_esm_filter::{Dialect, Filters, Limits, Scratch};
use quamina::{MatcherBuildMode, Quamina};
use serde_json::json;
use tree::TreeMatcher;

const ROUNDS: usize = 40;
/// Short, so that some rounds fall between what else the machine does.
const ROUND: Duration = Duration::from_millis(3);

/// Tells whether an event matches.
type Engine<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Times each engine in turns, so that a slow spell of the machine hits all of them.
fn best_times(events: &[Vec<u8>], engines: &mut [Engine<'_>]) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; engines.len()];
    for _ in 0..ROUNDS {
        for (engine, best) in engines.iter_mut().zip(&mut best) {
            let start = Instant::now();
            let mut passes = 0;
            while start.elapsed() < ROUND {
                for event in events {
                    black_box(engine(black_box(event)));
                }
                passes += 1;
            }
            let time = start.elapsed().as_nanos() as f64 / (passes * events.len()) as f64;
            *best = best.min(time);
        }
    }
    best
}

/// As its documentation advises: one instance, used again, with automata built for speed.
fn quamina(patterns: &[String]) -> Option<Quamina<usize>> {
    let mut quamina = Quamina::<usize>::new();
    quamina.set_matcher_build_mode(MatcherBuildMode::BuiltForSpeed);
    for (index, pattern) in patterns.iter().enumerate() {
        quamina.add_pattern(index, pattern).ok()?;
    }
    Some(quamina)
}

/// The ratios of other engines' times to ours.
#[derive(Default)]
struct Ratios(Vec<f64>);

impl Ratios {
    /// Takes a ratio in, unless the engine's verdicts are wrong; returns what to print.
    fn add(&mut self, ratio: f64, wrong: usize) -> String {
        if wrong > 0 {
            return format!("{wrong} wrong");
        }
        self.0.push(ratio);
        format!("{ratio:.2}")
    }

    fn report(&self, name: &str) {
        if self.0.is_empty() {
            return;
        }
        let mean = (self.0.iter().map(|ratio| ratio.ln()).sum::<f64>() / self.0.len() as f64).exp();
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{name}: geometric mean {mean:.2}x, least {least:.2}x over {} rows",
            self.0.len()
        );
    }
}

/// What other engines take, as multiples of our time.
#[derive(Default)]
struct Results {
    tree: Ratios,
    quamina: Ratios,
    ruler: Ratios,
}

/// One row with the first one or all of its patterns.
struct Case<'a> {
    dataset: &'a Dataset,
    operator: &'static str,
    patterns: &'a [String],
}

impl Case<'_> {
    fn key(&self) -> String {
        format!(
            "{}/{}/{}",
            self.dataset.name,
            self.operator,
            self.patterns.len()
        )
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        arguments
            .iter()
            .find_map(|argument| argument.strip_prefix(name))
    };
    let only = arguments.iter().find(|argument| !argument.starts_with('-'));
    let datasets = datasets::all();
    let rows = rows::all();
    let cases = rows.iter().flat_map(|row| {
        [1, 5].map(|count| Case {
            dataset: &datasets[row.dataset],
            operator: row.operator,
            patterns: &row.patterns[..count],
        })
    });
    if let Some(directory) = option("--write=") {
        return write(directory.as_ref(), &datasets, cases);
    }
    let ruler = option("--ruler=").map_or_else(HashMap::new, |path| read(path.as_ref()));
    for dataset in &datasets {
        let bytes: usize = dataset.events.iter().map(Vec::len).sum();
        let count = dataset.events.len();
        println!(
            "{}: {count} events of {} bytes",
            dataset.name,
            bytes / count
        );
    }
    println!(
        "\n{:36} match     ours     tree  quamina   x tree  x quam.  x ruler",
        "data/operator/patterns"
    );
    let mut results = Results::default();
    for case in cases.filter(|case| only.is_none_or(|only| case.key().contains(only))) {
        measure(&case, ruler.get(&case.key()), &mut results);
    }
    println!();
    results.tree.report("serde_json::Value");
    results.quamina.report("quamina");
    results.ruler.report("event-ruler");
}

/// Writes events and patterns for an engine that runs elsewhere.
fn write<'a>(directory: &Path, datasets: &[Dataset], cases: impl Iterator<Item = Case<'a>>) {
    for dataset in datasets {
        let path = directory.join(format!("{}.jsonl", dataset.name));
        std::fs::write(path, dataset.events.join(&b'\n')).unwrap();
    }
    let rows: Vec<String> = cases
        .map(|case| {
            json!({ "key": case.key(), "data": case.dataset.name, "patterns": case.patterns })
                .to_string()
        })
        .collect();
    std::fs::write(directory.join("rows.jsonl"), rows.join("\n")).unwrap();
}

/// Reads another engine's time and number of matches per row.
fn read(path: &Path) -> HashMap<String, (f64, usize)> {
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        (
            columns[0].to_owned(),
            (columns[1].parse().unwrap(), columns[2].parse().unwrap()),
        )
    };
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(row)
        .collect()
}

fn measure(case: &Case<'_>, ruler: Option<&(f64, usize)>, results: &mut Results) {
    let Case { patterns, .. } = case;
    let events = &case.dataset.events;
    let filters = Filters::compile(patterns, Dialect::EventBridge, Limits::default()).unwrap();
    let mut scratch = Scratch::default();
    let mut ours = |event: &[u8]| filters.is_match(event, &mut scratch);
    let tree = TreeMatcher::new(patterns);
    let mut simple = |event: &[u8]| tree.is_match(event);
    let other = quamina(patterns);
    let mut theirs = |event: &[u8]| {
        other
            .as_ref()
            .is_some_and(|quamina| quamina.has_matches(event).unwrap())
    };
    let verdicts: Vec<bool> = events.iter().map(|event| ours(event)).collect();
    let errors = |engine: Engine<'_>| {
        events
            .iter()
            .zip(&verdicts)
            .filter(|(event, verdict)| engine(event) != **verdict)
            .count()
    };
    assert_eq!(errors(&mut simple), 0, "{patterns:?}");
    let wrong = if other.is_some() {
        errors(&mut theirs)
    } else {
        events.len()
    };
    let times = best_times(events, &mut [&mut ours, &mut simple, &mut theirs]);
    let matched = verdicts.iter().filter(|verdict| **verdict).count();
    let to_tree = results.tree.add(times[1] / times[0], 0);
    let to_quamina = results.quamina.add(times[2] / times[0], wrong);
    let to_ruler = ruler.map_or_else(String::new, |(time, theirs)| {
        results
            .ruler
            .add(time / times[0], matched.abs_diff(*theirs))
    });
    println!(
        "{:36} {:>4}% {:>8.0} {:>8.0} {:>8.0} {to_tree:>8} {to_quamina:>8} {to_ruler:>8}",
        case.key(),
        matched * 100 / events.len(),
        times[0],
        times[1],
        times[2],
    );
}
