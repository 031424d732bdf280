//! What happens on the way.

use lambda_esm_lab::scenario::{Change, Function, FunctionChange, Scenario, TimedChange};
use serde_json::{Value, json};

use crate::kinds::{activemq, dynamodb, fifo, kafka, rabbitmq};
use crate::scenes::{constant, function, kinesis, queue, run, scenario, seconds};

fn at(scenario: &mut Scenario, after: u64, change: Change) {
    let at = seconds(after);
    scenario.events.push(TimedChange { at, change });
}

fn update(scenario: &mut Scenario, after: u64, request: Value) {
    let request = Box::new(serde_json::from_value(request).unwrap());
    let change = Change::Update {
        mapping: 0,
        request,
    };
    at(scenario, after, change);
}

fn latest() -> Value {
    json!({ "StartingPosition": "LATEST" })
}

fn quick() -> Function {
    function(0.05)
}

#[test]
fn a_stream_that_is_resharded_in_the_middle_loses_and_repeats_nothing() {
    for (before, after) in [(2, 5), (5, 2), (1, 3)] {
        let mut scenario = scenario(kinesis(before, constant(50.0, 60)), quick(), latest());
        at(
            &mut scenario,
            30,
            Change::Reshard {
                source: 0,
                shards: after,
            },
        );
        let report = run(&scenario);
        let records = &report.mappings[0].records;
        assert_eq!(
            (records.processed, records.repeats),
            (3000, 0),
            "{before} to {after}"
        );
        assert!(report.notes.is_empty(), "{:?}", report.notes);
        let lanes = report.timelines[0].lanes.len();
        assert!(
            lanes > before.max(after),
            "{lanes} lanes from {before} to {after} shards"
        );
    }
}

#[test]
fn tables_and_topics_get_other_shards_too() {
    for (source, settings) in [dynamodb(2), kafka(2)] {
        let mut scenario = scenario(source, quick(), settings);
        at(
            &mut scenario,
            30,
            Change::Reshard {
                source: 0,
                shards: 4,
            },
        );
        let report = run(&scenario);
        let records = &report.mappings[0].records;
        assert_eq!((records.processed, records.repeats), (600, 0));
    }
}

#[test]
fn what_arrives_while_a_source_is_down_is_processed_when_it_is_up_again() {
    let mut sources = vec![
        (queue(constant(10.0, 60)), json!({})),
        (kinesis(2, constant(10.0, 60)), latest()),
    ];
    sources.extend([fifo(), kafka(2), rabbitmq(), activemq()]);
    for (source, settings) in sources {
        let kind = format!("{:?}", source.kind);
        let mut scenario = scenario(source, quick(), settings);
        at(
            &mut scenario,
            10,
            Change::SourceDown {
                source: 0,
                down: true,
            },
        );
        at(
            &mut scenario,
            40,
            Change::SourceDown {
                source: 0,
                down: false,
            },
        );
        let report = run(&scenario);
        let mapping = &report.mappings[0];
        assert_eq!(mapping.records.processed, 600, "{kind} {mapping:#?}");
        assert!(mapping.age.max >= 28_000.0, "{kind} {:?}", mapping.age);
    }
}

#[test]
fn a_deploy_that_breaks_and_is_rolled_back_costs_time_only() {
    let mut scenario = scenario(kinesis(1, constant(10.0, 60)), quick(), latest());
    let broken = FunctionChange {
        error_rate: Some(1.0),
        cold: true,
        ..FunctionChange::default()
    };
    let works = FunctionChange {
        error_rate: Some(0.0),
        ..FunctionChange::default()
    };
    for (after, change) in [(20, broken), (40, works)] {
        at(
            &mut scenario,
            after,
            Change::Function {
                function: 0,
                change,
            },
        );
    }
    let report = run(&scenario);
    let mapping = &report.mappings[0];
    assert_eq!(mapping.records.processed, 600);
    assert!(mapping.errors > 3, "{mapping:#?}");
    assert!(mapping.age.max >= 19_000.0);
    assert_eq!(report.functions[0].cold_starts, 2);
    let errors: u64 = report.series.mappings[0].errors.iter().sum();
    assert_eq!(errors, mapping.errors);
}

#[test]
fn a_disabled_mapping_leaves_records_waiting_until_it_is_enabled() {
    let mut disabled = scenario(kinesis(1, constant(10.0, 60)), quick(), latest());
    update(&mut disabled, 20, json!({ "Enabled": false }));
    let mut both = disabled.clone();
    let report = run(&disabled);
    let records = &report.mappings[0].records;
    assert!((190..=210).contains(&records.processed), "{records:?}");
    assert_eq!(records.waiting, 600 - records.processed);
    assert_eq!(report.mappings[0].configuration["State"], "Disabled");
    update(&mut both, 50, json!({ "Enabled": true }));
    let report = run(&both);
    assert_eq!(report.mappings[0].records.processed, 600);
    assert!(report.mappings[0].age.max >= 29_000.0);
}

#[test]
fn another_batch_size_takes_effect_at_once() {
    let mut scenario = scenario(kinesis(1, constant(100.0, 60)), quick(), latest());
    update(&mut scenario, 30, json!({ "BatchSize": 10 }));
    let report = run(&scenario);
    let sizes = &report.mappings[0].batch_sizes;
    assert!(
        sizes.get(&100).is_some_and(|&times| times >= 28),
        "{sizes:?}"
    );
    assert!(
        sizes.get(&10).is_some_and(|&times| times >= 290),
        "{sizes:?}"
    );
    assert_eq!(report.mappings[0].configuration["BatchSize"], 10);
}
