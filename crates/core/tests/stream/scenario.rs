//! The scenarios in `tests/scenarios`: each says what is put into a stream, what function, destination and
//! store answer, and what is to come out, on virtual time.
//!
//! `SCENARIO=text` runs those with `text` in their names only, and shows what happened in them.

mod config;
mod decisions;
mod expect;
mod lanes;
mod load;
mod model;
mod run;
mod script;
mod text;
mod timeline;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use load::{Named, entries, load, root};
use model::{Expect, Scenario, StreamSpec};

use crate::mapping::Source;

impl Scenario {
    /// A scenario in which nothing is put and every call is left unanswered.
    fn silent(source: Source, stream: StreamSpec) -> Self {
        let hang = model::Rule {
            verb: model::Verb::Hang,
            ..model::Rule::default()
        };
        Self {
            source,
            pacing: Default::default(),
            backoff: Default::default(),
            mapping: Default::default(),
            stream,
            function: vec![hang],
            concurrency: None,
            destination: None,
            faults: Vec::new(),
            life: Vec::new(),
            until: None,
            expect: Expect::default(),
        }
    }
}

/// Plays one scenario; returns what was wrong with it.
fn verdict(named: &Named, show: bool) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let expect = &named.scenario.expect;
        let played = match (run::play(&named.scenario), &expect.refused) {
            (Ok(_), Some(refused)) => return Ok(format!("  accepted, not refused: {refused}\n")),
            (Err(error), Some(refused)) if error.contains(refused.as_str()) => {
                return Ok(String::new());
            }
            (played, _) => played?,
        };
        if show {
            println!("{}:", named.name);
            for line in timeline::lines(&played) {
                println!("  {:<9} {}", line.at.to_string(), line.text);
            }
        }
        expect::compare(&played, expect)
    }));
    match outcome {
        Ok(Ok(differences)) if differences.is_empty() => Ok(()),
        Ok(Ok(differences)) => Err(differences),
        Ok(Err(error)) => Err(format!("  {error}\n")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Err(format!("  panic: {}\n", text.unwrap_or_default()))
        }
    }
}

fn run_folder(folder: &str) {
    let wanted = std::env::var("SCENARIO").ok();
    let mut failures = String::new();
    let (mut run, mut failed) = (0, 0);
    for path in entries(&root().join(folder), true) {
        let scenarios = match load(&path) {
            Ok(scenarios) => scenarios,
            Err(error) => {
                failed += 1;
                failures += &format!("{}\n  {error}\n", path.display());
                continue;
            }
        };
        for named in scenarios {
            let fits = |wanted: &String| named.name.contains(wanted.as_str());
            if !wanted.as_ref().is_none_or(fits) {
                continue;
            }
            run += 1;
            if let Err(difference) = verdict(&named, wanted.is_some()) {
                failed += 1;
                failures += &format!("{}\n{difference}", named.name);
            }
        }
    }
    println!("{run} scenarios in {folder}");
    assert!(
        failed == 0,
        "{failed} scenarios failed of {run} in {folder}\n\n{failures}"
    );
}

macro_rules! folders {
    ($($folder:ident),* $(,)?) => {
        $(#[test]
        fn $folder() {
            run_folder(stringify!($folder));
        })*

        #[test]
        fn every_folder_is_run_and_every_file_is_numbered_once() {
            let run = BTreeSet::from([$(stringify!($folder).to_owned()),*]);
            let folders = entries(&root(), false);
            let names: BTreeSet<String> = folders
                .iter()
                .map(|folder| folder.file_name().unwrap().display().to_string())
                .collect();
            assert_eq!(names, run);
            let mut numbers = BTreeSet::new();
            for path in folders.iter().flat_map(|folder| entries(folder, true)) {
                let name = path.file_name().unwrap().display().to_string();
                let number = name.get(..5).unwrap_or_default();
                let is_number = number.ends_with('-') && number[..4].parse::<u32>().is_ok();
                assert!(is_number, "{name} must begin with four digits and a dash");
                assert!(numbers.insert(number.to_owned()), "{number} is used twice: {name}");
            }
        }
    };
}

folders!(
    record_age,
    aggregates,
    batching_window,
    bisect,
    checkpoint,
    on_failure_destination,
    filter,
    parallelization,
    lifecycle,
    pacing,
    partial_batch_response,
    payload,
    retry,
    shard_discovery,
    source,
    start,
    throttle,
    tumbling_window,
);
