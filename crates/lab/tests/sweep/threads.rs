//! The same, whatever the number of threads; and the end before the end.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lambda_esm_lab::scenario::Scenario;
use lambda_esm_lab::sweep::{ConfigurationResult, Phase, Runs, SweepProgress, Verdict, sweep};

use crate::world::{Seen, batch_size, plan, queue, report, swept_by, window};

const AXES: [&str; 2] = [
    r#"BatchSize={"from":1,"to":10,"steps":10}"#,
    r#"MaximumBatchingWindowInSeconds={"from":0,"to":19,"steps":20}"#,
];

fn model(scenario: &Scenario) -> Seen {
    let noise = f64::from(u8::try_from(scenario.seed % 3).unwrap()) / 100.0;
    let (size, window) = (batch_size(scenario) as f64, window(scenario) as f64);
    Seen {
        cost: 10.0 / size - window / 100.0 + noise,
        p99: 100.0 + 1_000.0 * window,
        invocations: 1_000,
        ..Seen::default()
    }
}

#[test]
fn the_report_is_the_same_whatever_the_number_of_threads() {
    let alone = swept_by(1, &queue(), &plan(&AXES), model).unwrap();
    let alone = serde_json::to_string(&alone).unwrap();
    for jobs in [2, 7] {
        let report = swept_by(jobs, &queue(), &plan(&AXES), model).unwrap();
        assert_eq!(serde_json::to_string(&report).unwrap(), alone);
    }
}

#[test]
fn all_configurations_have_the_same_seed_and_each_is_simulated_once() {
    let seen = Mutex::new(Vec::new());
    let plan = plan(&AXES);
    swept_by(3, &queue(), &plan, |scenario| {
        let settings = (scenario.seed, batch_size(scenario), window(scenario));
        seen.lock().unwrap().push(settings);
        model(scenario)
    })
    .unwrap();
    let seen = seen.into_inner().unwrap();
    let once: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(once.len(), seen.len());
    assert_eq!(once.iter().filter(|(seed, ..)| *seed == 7).count(), 200);
    // The scenario's own and the recommended one, with four other seeds.
    assert_eq!(once.len(), 200 + 2 * 4);
}

#[test]
fn what_is_done_when_it_is_stopped_is_ranked() {
    let stop = AtomicBool::new(false);
    let last = Mutex::new(None);
    let runs = Runs {
        jobs: NonZero::new(1).unwrap(),
        stop: &stop,
        progress: &|progress| {
            if progress.done == 30 {
                stop.store(true, Ordering::Relaxed);
            }
            *last.lock().unwrap() = Some(progress);
        },
    };
    let simulate = |scenario: &Scenario| Ok::<_, String>(report(scenario, model(scenario)));
    let swept = sweep(&queue(), &plan(&AXES), runs, simulate).unwrap();
    assert!(swept.stopped);
    assert_eq!(swept.simulated, 30);
    assert_eq!(swept.ranking.len(), 30);
    let not_run = swept.configurations.iter();
    let not_run = not_run.filter(|one| one.result == ConfigurationResult::NotRun);
    assert_eq!(not_run.count(), 170);
    let told = SweepProgress {
        phase: Phase::Configurations,
        done: 30,
        total: 200,
    };
    assert_eq!(last.into_inner().unwrap(), Some(told));
}

#[test]
fn nothing_is_known_of_a_sweep_that_is_stopped_at_once() {
    let runs = Runs {
        jobs: NonZero::new(2).unwrap(),
        stop: &AtomicBool::new(true),
        progress: &|_| {},
    };
    let simulate = |scenario: &Scenario| Ok::<_, String>(report(scenario, model(scenario)));
    let swept = sweep(&queue(), &plan(&AXES), runs, simulate).unwrap();
    assert_eq!((swept.simulated, swept.verdict), (0, Verdict::Unknown));
}

#[test]
fn a_simulation_that_fails_is_kept_with_its_error_unless_it_is_the_scenarios_own() {
    let stop = AtomicBool::new(false);
    let runs = Runs {
        jobs: NonZero::new(1).unwrap(),
        stop: &stop,
        progress: &|_| {},
    };
    let fails_at = |size: i64| {
        move |scenario: &Scenario| {
            if batch_size(scenario) == size {
                Err("too much")
            } else {
                Ok(report(scenario, model(scenario)))
            }
        }
    };
    let swept = sweep(&queue(), &plan(&["BatchSize=5"]), runs, fails_at(5)).unwrap();
    let error = ConfigurationResult::Failed {
        error: "too much".to_owned(),
    };
    assert_eq!(swept.configurations[1].result, error);
    let error = sweep(&queue(), &plan(&["BatchSize=5"]), runs, fails_at(10)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the scenario itself cannot be simulated: too much"
    );
}
