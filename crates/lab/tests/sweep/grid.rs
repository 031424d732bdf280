//! Which configurations there are, in which order, and which are refused.

use lambda_esm_lab::sweep::{
    ConfigurationResult, Parameter, PlanError, Variant, Verdict, parse_values,
};
use serde_json::json;

use crate::world::{Seen, configurations, plan, queue, queue_and_stream, swept};

fn nothing(_: &lambda_esm_lab::scenario::Scenario) -> Seen {
    Seen::default()
}

#[test]
fn the_scenarios_own_is_first_and_the_last_axis_changes_fastest() {
    let plan = plan(&[
        "BatchSize=10,20,30",
        "ScalingConfig.MaximumConcurrency=null,5",
    ]);
    let report = swept(&queue(), &plan, nothing).unwrap();
    let wanted = [
        "",
        "ScalingConfig.MaximumConcurrency=5",
        "BatchSize=20",
        "BatchSize=20 ScalingConfig.MaximumConcurrency=5",
        "BatchSize=30",
        "BatchSize=30 ScalingConfig.MaximumConcurrency=5",
    ];
    // BatchSize 20 and 30 need a window: they are refused, and there all the same.
    assert_eq!(configurations(&report), wanted);
    assert_eq!(report.simulated, 2);
    assert_eq!(report.verdict, Verdict::Keep);
}

#[test]
fn what_the_service_would_not_take_is_kept_with_its_words() {
    let plan = plan(&["BatchSize=5,20000", "functions[worker].timeout=30,90"]);
    let report = swept(&queue(), &plan, nothing).unwrap();
    let refusals: Vec<_> = report
        .configurations
        .iter()
        .filter_map(|one| match &one.result {
            ConfigurationResult::Refused(refusal) => Some((one.index, refusal.message.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert_eq!(
        refusals[0].1,
        "Queue visibility timeout: 60 seconds is less than Function timeout: 90 seconds"
    );
    assert!(refusals[1].1.contains("20000"), "{}", refusals[1].1);
}

#[test]
fn settings_that_are_the_default_anyway_are_no_change() {
    let plan = plan(&["MaximumBatchingWindowInSeconds=0,1", "BatchSize=10,10"]);
    let report = swept(&queue(), &plan, nothing).unwrap();
    let wanted = ["", "MaximumBatchingWindowInSeconds=1"];
    assert_eq!(configurations(&report), wanted);
}

#[test]
fn variants_stand_beside_the_grid_and_name_what_is_there_already() {
    let mut plan = plan(&["BatchSize=1,5"]);
    let variant = |name: &str, settings: &[(&str, serde_json::Value)]| Variant {
        name: name.to_owned(),
        settings: settings
            .iter()
            .map(|(path, value)| (path.parse().unwrap(), value.clone()))
            .collect(),
    };
    plan.variants = vec![
        variant("today", &[]),
        variant("single", &[("BatchSize", json!(1))]),
        variant(
            "wide",
            &[
                ("BatchSize", json!(100)),
                ("MaximumBatchingWindowInSeconds", json!(2)),
            ],
        ),
    ];
    let report = swept(&queue(), &plan, nothing).unwrap();
    let names: Vec<_> = report
        .configurations
        .iter()
        .map(|one| one.name.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(names, ["today", "single", "-", "wide"]);
    let wanted = [
        "",
        "BatchSize=1",
        "BatchSize=5",
        "BatchSize=100 MaximumBatchingWindowInSeconds=2",
    ];
    assert_eq!(configurations(&report), wanted);
}

#[test]
fn a_parameter_is_of_all_or_of_one_by_place_or_name() {
    let cases: [(&str, &[&str]); 6] = [
        (
            "BatchSize=5",
            &["mappings[0].BatchSize=5 mappings[1].BatchSize=5"],
        ),
        ("mappings[1].BatchSize=5", &["mappings[1].BatchSize=5"]),
        (
            "mappings[clicks -> counter].ParallelizationFactor=2",
            &["mappings[1].ParallelizationFactor=2"],
        ),
        ("functions[counter].timeout=9", &["functions[1].timeout=9"]),
        ("shards=4", &["sources[1].shards=4"]),
        (
            "visibility_timeout=90",
            &["sources[0].visibility_timeout=90"],
        ),
    ];
    for (axis, wanted) in cases {
        let report = swept(&queue_and_stream(), &plan(&[axis]), nothing).unwrap();
        assert_eq!(configurations(&report)[1..], *wanted, "{axis}");
    }
}

#[test]
fn plans_that_make_no_sense_are_refused_with_a_way_out() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "nothing is swept"),
        (
            &["BatchSize=1,2", "mappings[0].BatchSize=3"],
            "is set twice",
        ),
        (&["BatchSize=ten"], "invalid type"),
        (&["mappings[2].BatchSize=1"], "the scenario has 2 mappings"),
        (&["functions[nobody].timeout=1"], "worker, counter"),
        (&["sources[0].shards=1"], "no source has that"),
        (&["timeout=-1"], "it is a whole number"),
        (&["memory_mb=256"], "not how long the function takes"),
        (&["partitions=3"], "no source has that"),
    ];
    for (axes, wanted) in cases {
        let error = swept(&queue_and_stream(), &plan(axes), nothing).unwrap_err();
        assert!(error.to_string().contains(wanted), "{axes:?}: {error}");
    }
}

#[test]
fn ten_thousand_configurations_are_the_most() {
    let mut plan = plan(&["BatchSize=1", "MaximumBatchingWindowInSeconds=0"]);
    plan.axes[0].values = (1..=101).map(|value| json!(value)).collect();
    plan.axes[1].values = (0..=99).map(|value| json!(value)).collect();
    let error = swept(&queue(), &plan, nothing).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("10100 configurations: at most 10000")
    );
}

#[test]
fn unknown_parameters_name_what_may_be_meant() {
    let error = |text: &str| -> String {
        let parsed: Result<Parameter, PlanError> = text.parse();
        parsed.unwrap_err().to_string()
    };
    let cases = [
        (
            "MaximumConcurrency",
            "did you mean ScalingConfig.MaximumConcurrency?",
        ),
        ("batchsize", "did you mean BatchSize?"),
        ("EventSourceArn", "there are BatchSize"),
        ("mapping[0].BatchSize", "is no path of a parameter"),
        ("mappings[0]BatchSize", "is no path of a parameter"),
        ("mappings[0].shards", "there are BatchSize"),
    ];
    for (text, wanted) in cases {
        assert!(error(text).contains(wanted), "{text}: {}", error(text));
    }
}

#[test]
fn no_values_are_no_axis() {
    for text in ["", "1,,2", "[]"] {
        assert!(parse_values(text).is_err(), "{text:?}");
    }
}
