//! A sweep of real simulations.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use lambda_esm_lab::scenario::{Metric, Scenario};
use lambda_esm_lab::simulate;
use lambda_esm_lab::sweep::{
    ConfigurationResult, Phase, Runs, SweepReport, Verdict, changes_in_words, sweep,
};

use crate::world::{below, plan, queue};

fn swept(jobs: usize, axes: &[&str]) -> (SweepReport, usize) {
    let mut plan = plan(axes);
    plan.constraints = vec![below(Metric::P99, 3_000.0)];
    let told = Mutex::new(BTreeSet::new());
    let runs = Runs {
        jobs: NonZero::new(jobs).unwrap(),
        stop: &AtomicBool::new(false),
        progress: &|seen| {
            if seen.phase == Phase::Configurations && seen.done > 0 {
                told.lock().unwrap().insert(seen.done);
            }
        },
    };
    let report = sweep(&queue(), &plan, runs, |scenario: &Scenario| {
        simulate(scenario, &mut |_| {})
    })
    .unwrap();
    let told = told.into_inner().unwrap().len();
    (report, told)
}

#[test]
fn two_hundred_configurations_give_one_change_that_holds() {
    let axes = [
        "BatchSize=1,2,3,5,7,10,20,50,100,200",
        r#"MaximumBatchingWindowInSeconds={"from":0,"to":9,"steps":10}"#,
        "ScalingConfig.MaximumConcurrency=null,2",
    ];
    let (report, told) = swept(2, &axes);
    assert_eq!(report.configurations.len(), 200);
    let refused = report.configurations.iter();
    let refused = refused.filter(|one| matches!(one.result, ConfigurationResult::Refused(_)));
    // More than ten messages need a window.
    assert_eq!(refused.count(), 2 * 4);
    assert_eq!((report.simulated, told), (192, 192));
    let Verdict::Change(change) = &report.verdict else {
        panic!("{:?}", report.verdict);
    };
    let words = changes_in_words(&change.changes);
    // Ten messages come in two seconds: what is larger than that gets nothing more.
    assert!(
        words.starts_with("MaximumBatchingWindowInSeconds 0 → "),
        "{words}"
    );
    assert!(change.holds, "{:?}", change.seeds);
    assert!(change.after[&Metric::Cost] < change.before[&Metric::Cost]);
    assert!(change.after[&Metric::P99] < 3_000.0);
}

#[test]
fn real_simulations_on_any_number_of_threads_give_the_same_report() {
    let axes = ["BatchSize=1,10,100", "MaximumBatchingWindowInSeconds=0,1,2"];
    let report = |jobs| serde_json::to_string(&swept(jobs, &axes).0).unwrap();
    let alone = report(1);
    assert_eq!(report(3), alone);
}
