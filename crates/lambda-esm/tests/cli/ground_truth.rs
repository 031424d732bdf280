//! Simulations of what others have measured in AWS: `config/scenarios/ground-truth`. These are the short ones;
//! `tests/ground-truth` does them all, and prints the table that is in the README there.

use serde_json::Value;

use crate::support::lambda_esm;

/// Simulates a scenario, and returns its report.
fn simulate(name: &str) -> Value {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../config/scenarios/ground-truth"
    );
    let said = lambda_esm(&["simulate", &format!("{folder}/{name}.yaml"), "--json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.json().remove(0)
}

/// Public: 50 of a function of 50 ms and 60 of one of 400 ms; 0 to 8 more at most.
#[test]
fn a_maximum_concurrency_is_reached_and_kept() {
    for (name, maximum) in [("maximum-50-of-50ms", 50), ("maximum-60-of-400ms", 60)] {
        let report = simulate(name);
        let steps = report["series"]["mappings"][0]["concurrency"]
            .as_array()
            .unwrap();
        let half: Vec<u64> = steps[steps.len() / 2..steps.len() - 1]
            .iter()
            .map(|most| most.as_u64().unwrap())
            .collect();
        assert!(half.iter().all(|most| *most == maximum), "{name}: {half:?}");
    }
}

/// Public: 21 to 24.
#[test]
fn a_burst_is_taken_in_batches_that_are_nearly_full() {
    let report = simulate("burst-200");
    let invocations = report["mappings"][0]["invocations"].as_u64().unwrap();
    println!("burst-200: {invocations} invocations, public 21 to 24");
    assert!((20..=25).contains(&invocations), "{invocations}");
}
