//! Measures matching against a `serde_json::Value` matcher and the crate `quamina`.
//!
//! Every engine sees the same events; verdicts are compared before anything is timed, and a row
//! on which an engine errs is left out of that engine's ratio. Times are nanoseconds per event,
//! the best of several rounds. `cargo bench -p lambda-esm-filter [-- operator or data set]`.
#![expect(clippy::disallowed_types, reason = "a benchmark reads the real clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod datasets;
mod rows;
mod tree;

use std::hint::black_box;
use std::time::{Duration, Instant};

use lambda_esm_filter::{Dialect, Filters, Limits, Scratch};
use quamina::{MatcherBuildMode, Quamina};
use tree::TreeMatcher;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(12);

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
    fn report(&self, name: &str) {
        let mean = (self.0.iter().map(|ratio| ratio.ln()).sum::<f64>() / self.0.len() as f64).exp();
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "{name}: geometric mean {mean:.2}x, least {least:.2}x over {} rows",
            self.0.len()
        );
    }
}

fn main() {
    let only = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let datasets = datasets::all();
    for dataset in &datasets {
        let bytes: usize = dataset.events.iter().map(Vec::len).sum();
        println!(
            "{}: {} events of {} bytes",
            dataset.name,
            dataset.events.len(),
            bytes / dataset.events.len()
        );
    }
    println!(
        "\n{:9} {:18} {:>8} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "data",
        "operator",
        "patterns",
        "match",
        "ours ns",
        "tree ns",
        "quam. ns",
        "x tree",
        "x quam."
    );
    let (mut to_tree, mut to_quamina) = (Ratios::default(), Ratios::default());
    for row in rows::all() {
        let dataset = &datasets[row.dataset];
        if only
            .as_ref()
            .is_some_and(|only| !row.operator.contains(only) && !dataset.name.contains(only))
        {
            continue;
        }
        for count in [1, 5] {
            measure(
                &row.patterns[..count],
                row.operator,
                dataset,
                &mut to_tree,
                &mut to_quamina,
            );
        }
    }
    println!();
    to_tree.report("against serde_json::Value");
    to_quamina.report("against quamina");
}

fn measure(
    patterns: &[String],
    operator: &str,
    dataset: &datasets::Dataset,
    to_tree: &mut Ratios,
    to_quamina: &mut Ratios,
) {
    let events = &dataset.events;
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
    assert!(
        events
            .iter()
            .zip(&verdicts)
            .all(|(event, verdict)| simple(event) == *verdict),
        "{patterns:?}"
    );
    let wrong = events
        .iter()
        .zip(&verdicts)
        .filter(|(event, verdict)| theirs(event) != **verdict)
        .count();
    let times = best_times(events, &mut [&mut ours, &mut simple, &mut theirs]);
    let rate = verdicts.iter().filter(|verdict| **verdict).count() * 100 / events.len();
    to_tree.0.push(times[1] / times[0]);
    let mark = match (other.is_some(), wrong) {
        (false, _) => "refused".to_owned(),
        (true, 0) => {
            to_quamina.0.push(times[2] / times[0]);
            format!("{:.2}", times[2] / times[0])
        }
        (true, wrong) => format!("{wrong} wrong"),
    };
    println!(
        "{:9} {operator:18} {:>8} {rate:>5}% {:>8.0} {:>8.0} {:>8.0} {:>8.2} {mark:>8}",
        dataset.name,
        patterns.len(),
        times[0],
        times[1],
        times[2],
        times[1] / times[0],
    );
}
