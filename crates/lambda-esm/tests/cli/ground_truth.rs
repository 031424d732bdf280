//! Simulations of what others have measured in AWS: `config/scenarios/ground-truth`, whose README has the table.

use serde_json::Value;

use crate::support::lambda_esm;

/// Simulates a scenario, and returns its report.
fn simulate(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/scenarios/ground-truth");
    let said = lambda_esm(&["simulate", &format!("{folder}/{name}.yaml"), "--json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.json().remove(0)
}

/// Returns the mean of the most invocations at a time over the steps from minute `from` to `until`.
fn concurrency(report: &Value, from: f64, until: f64) -> f64 {
    let step = report["series"]["step_ms"].as_f64().unwrap() / 60_000.0;
    let values = report["series"]["mappings"][0]["concurrency"].as_array().unwrap();
    let within = values.iter().enumerate().filter(|(index, _)| {
        let minute = *index as f64 * step;
        minute >= from && minute + step <= until
    });
    let values: Vec<f64> = within.map(|(_, value)| value.as_f64().unwrap()).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Public: AWS's documented ramp gives 8.3 and 7.4 minutes.
#[test]
fn two_hundred_thousand_messages_drain_as_fast_as_the_documented_ramp_lets_them() {
    for (name, minutes) in [("drain-1000", 8.3), ("drain-1250", 7.4)] {
        let report = simulate(name);
        let took = report["ran_ms"].as_f64().unwrap() / 60_000.0;
        println!("{name}: {took:.2} min, public {minutes}");
        assert!((took / minutes - 1.0).abs() < 0.1, "{name}: {took} min");
    }
}

/// Public: 60 fell to 25, 16 and 13.
#[test]
fn errors_cut_concurrency_as_was_measured() {
    for (name, cut) in [("errors-1", 58.3), ("errors-5", 73.3), ("errors-10", 78.3)] {
        let report = simulate(name);
        let before = concurrency(&report, 3.0, 5.0);
        let meanwhile = concurrency(&report, 6.0, 10.0);
        let seen = 100.0 * (1.0 - meanwhile / before);
        println!("{name}: {before:.0} -> {meanwhile:.0}, cut by {seen:.1} %, public {cut} %");
        assert!((seen - cut).abs() < 10.0, "{name}: {before} -> {meanwhile}");
    }
}

/// Public: 100, 90 and 50 of a function of 50 ms; 120, 90 and 60 of one of 400 ms; 0 to 8 more at most.
#[test]
fn a_maximum_concurrency_is_reached_and_kept() {
    for (name, steady, maximum) in [
        ("maximum-120-of-50ms", 100.0, 120),
        ("maximum-90-of-50ms", 90.0, 90),
        ("maximum-50-of-50ms", 50.0, 50),
        ("maximum-120-of-400ms", 120.0, 120),
        ("maximum-90-of-400ms", 90.0, 90),
        ("maximum-60-of-400ms", 60.0, 60),
    ] {
        let report = simulate(name);
        let seen = concurrency(&report, 2.0, 5.0);
        let most = report["mappings"][0]["max_concurrency"].as_u64().unwrap();
        println!("{name}: {seen:.0}, {most} at most; public {steady}");
        assert!((seen / steady - 1.0).abs() < 0.1, "{name}: {seen}");
        assert!(most <= maximum + 8, "{name}: {most}");
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

/// Public: throttles were seen, 56 of them in a minute at most.
#[test]
fn what_others_take_of_a_reserved_concurrency_is_throttled() {
    let report = simulate("reserved-70");
    let throttles = report["mappings"][0]["throttles"].as_u64().unwrap();
    println!("reserved-70: {throttles} throttles");
    assert!(throttles > 0);
    assert_eq!(report["mappings"][0]["records"]["lost"], 0);
}
