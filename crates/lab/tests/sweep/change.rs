//! The recommended change.

use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_lab::scenario::{Metric, Scenario};
use lambda_esm_lab::sweep::{
    Objective, Recommendation, SweepPlan, SweepReport, Verdict, changes_in_words,
};
use serde_json::json;

use crate::world::{Seen, batch_size, below, plan, queue, queue_and_stream, swept, window};

fn recommendation(report: &SweepReport) -> &Recommendation {
    match &report.verdict {
        Verdict::Change(recommendation) => recommendation,
        other => panic!("{other:?}"),
    }
}

fn words(report: &SweepReport) -> String {
    changes_in_words(&recommendation(report).changes)
}

fn timeout(scenario: &Scenario) -> u64 {
    scenario.functions[0].timeout.as_secs()
}

/// The window saves much, the timeout next to nothing.
fn model(scenario: &Scenario) -> Seen {
    let bulk = batch_size(scenario) > 10;
    let cheaper = if timeout(scenario) == 20 { 0.01 } else { 0.0 };
    Seen {
        cost: if bulk { 4.0 } else { 10.0 } - cheaper,
        p99: 200.0 + 950.0 * window(scenario) as f64,
        invocations: if bulk { 13 } else { 100 },
        ..Seen::default()
    }
}

const AXES: [&str; 3] = [
    "BatchSize=10,100",
    "MaximumBatchingWindowInSeconds=0,2",
    "timeout=20,30",
];

#[test]
fn a_change_that_matters_little_is_left_out() {
    let report = swept(&queue(), &plan(&AXES), model).unwrap();
    let recommended = recommendation(&report);
    let wanted = "BatchSize 10 → 100, MaximumBatchingWindowInSeconds 0 → 2";
    assert_eq!(words(&report), wanted);
    assert_eq!(recommended.left_out.len(), 1);
    assert_eq!(recommended.left_out[0].parameter, "timeout");
    assert_eq!(
        recommended.buys,
        "87 % fewer invocations, p99 latency + 1.9 s, 60 % cheaper"
    );
    assert!(recommended.holds);
    let seeds: Vec<u64> = recommended.seeds.iter().map(|check| check.seed).collect();
    assert_eq!(seeds, [7, 8, 9, 10, 11]);
    assert_eq!(report.configurations[recommended.winner].changes.len(), 3);
}

#[test]
fn of_values_that_get_nearly_the_same_the_one_is_taken_that_one_pays_least_for() {
    let axes = ["MaximumBatchingWindowInSeconds=0,1,2,5"];
    let cost = [10.0, 8.0, 4.05, f64::NAN, f64::NAN, 4.0];
    let report = swept(&queue(), &plan(&axes), |scenario| {
        let window = usize::try_from(window(scenario)).unwrap();
        Seen {
            cost: cost[window],
            p99: 200.0 + 1_000.0 * window as f64,
            ..Seen::default()
        }
    })
    .unwrap();
    assert_eq!(words(&report), "MaximumBatchingWindowInSeconds 0 → 2");
    let best = recommendation(&report);
    let left_out = changes_in_words(&best.left_out);
    assert_eq!(left_out, "MaximumBatchingWindowInSeconds 0 → 5");
    let winner = &report.configurations[best.winner].changes;
    assert_eq!(*winner, best.left_out);
}

#[test]
fn no_single_change_can_be_taken_from_a_recommendation() {
    // Each of three settings saves a third: all of them are needed.
    let thirds = |scenario: &Scenario| Seen {
        cost: 10.0
            - f64::from(u8::from(batch_size(scenario) == 5))
            - f64::from(u8::from(window(scenario) == 2))
            - f64::from(u8::from(timeout(scenario) == 20)),
        ..Seen::default()
    };
    let axes = [
        "BatchSize=5",
        "MaximumBatchingWindowInSeconds=0,2",
        "timeout=20,30",
    ];
    let report = swept(&queue(), &plan(&axes), thirds).unwrap();
    assert_eq!(recommendation(&report).changes.len(), 3);
    // Any one of two does all: one stays.
    let either = |scenario: &Scenario| Seen {
        cost: if batch_size(scenario) == 5 || timeout(scenario) == 20 {
            1.0
        } else {
            2.0
        },
        invocations: if batch_size(scenario) == 5 && timeout(scenario) == 20 {
            1
        } else {
            2
        },
        ..Seen::default()
    };
    let report = swept(&queue(), &plan(&axes), either).unwrap();
    assert_eq!(words(&report), "BatchSize 10 → 5");
}

#[test]
fn a_smaller_change_must_fulfil_the_constraints_too() {
    let mut plan = plan(&["BatchSize=5", "timeout=20,30"]);
    plan.constraints = vec![below(Metric::P99, 1_000.0)];
    let report = swept(&queue(), &plan, |scenario| Seen {
        cost: if batch_size(scenario) == 5 { 1.0 } else { 2.0 },
        p99: if timeout(scenario) == 20 || batch_size(scenario) == 10 {
            500.0
        } else {
            5_000.0
        },
        ..Seen::default()
    })
    .unwrap();
    assert_eq!(words(&report), "BatchSize 10 → 5, timeout 30 → 20");
}

#[test]
fn where_the_scenarios_own_is_best_nothing_is_to_be_changed() {
    let mut plan = plan(&["BatchSize=1,5"]);
    let cost = |cost: [f64; 2]| {
        move |scenario: &Scenario| Seen {
            cost: cost[usize::from(batch_size(scenario) != 10)],
            ..Seen::default()
        }
    };
    let report = swept(&queue(), &plan, cost([1.0, 1.2])).unwrap();
    assert_eq!(report.verdict, Verdict::Keep);
    // Half a percent is not worth a change.
    let report = swept(&queue(), &plan, cost([1.0, 0.996])).unwrap();
    assert_eq!(report.verdict, Verdict::Keep);
    let report = swept(&queue(), &plan, cost([1.0, 0.99])).unwrap();
    assert_eq!(recommendation(&report).changes.len(), 1);
    // What breaks a constraint is changed whatever that costs.
    plan.constraints = vec![below(Metric::Invocations, 5.0)];
    let report = swept(&queue(), &plan, |scenario| Seen {
        cost: if batch_size(scenario) == 1 { 9.0 } else { 1.0 },
        invocations: if batch_size(scenario) == 1 { 1 } else { 50 },
        ..Seen::default()
    })
    .unwrap();
    assert_eq!(words(&report), "BatchSize 10 → 1");
    assert!(recommendation(&report).holds);
}

#[test]
fn a_gain_that_only_one_seed_shows_is_said_not_to_hold() {
    let report = swept(&queue(), &plan(&["BatchSize=5"]), |scenario| Seen {
        cost: match (batch_size(scenario), scenario.seed) {
            (5, 7) => 0.5,
            (5, _) => 1.1,
            _ => 1.0,
        },
        ..Seen::default()
    })
    .unwrap();
    let recommended = recommendation(&report);
    assert!(!recommended.holds);
    let holds: Vec<bool> = recommended.seeds.iter().map(|check| check.holds).collect();
    assert_eq!(holds, [true, false, false, false, false]);
}

#[test]
fn the_change_is_a_diff_of_mappings_that_are_legal_requests() {
    let report = swept(&queue(), &plan(&AXES), model).unwrap();
    let [diff] = recommendation(&report).mappings.as_slice() else {
        panic!("one mapping changes");
    };
    assert_eq!(diff.mapping, "orders -> worker");
    assert_eq!(diff.before["BatchSize"], json!(10));
    assert_eq!(diff.after["BatchSize"], json!(100));
    for request in [&diff.before, &diff.after] {
        serde_json::from_value::<CreateEventSourceMapping>(request.clone()).unwrap();
    }
}

/// Recommends the last configuration of the plan, and returns the commands.
fn commands(scenario: &Scenario, plan: &SweepPlan) -> Vec<String> {
    let base = format!(
        "{:?}",
        (&scenario.mappings, &scenario.functions, &scenario.sources)
    );
    let report = swept(scenario, plan, |tried| {
        let same = format!("{:?}", (&tried.mappings, &tried.functions, &tried.sources)) == base;
        Seen {
            cost: if same { 2.0 } else { 1.0 },
            ..Seen::default()
        }
    })
    .unwrap();
    recommendation(&report).commands.clone()
}

#[test]
fn changes_are_commands_to_paste() {
    let update =
        "aws lambda update-event-source-mapping --uuid \"$(aws lambda list-event-source-mappings";
    let queue =
        "--event-source-arn arn:aws:sqs:us-east-1:000000000000:orders --function-name worker";
    let stream = "--event-source-arn arn:aws:kinesis:us-east-1:000000000000:stream/clicks --function-name counter";
    let query = "--query 'EventSourceMappings[0].UUID' --output text --region us-east-1)\"";
    let cases = [
        (
            "mappings[0].ScalingConfig.MaximumConcurrency=5",
            format!("{update} {queue} {query} --scaling-config '{{\"MaximumConcurrency\":5}}' --region us-east-1"),
        ),
        (
            "mappings[1].BisectBatchOnFunctionError=true",
            format!("{update} {stream} {query} --bisect-batch-on-function-error --region us-east-1"),
        ),
        (
            "mappings[0].FunctionResponseTypes=[[\"ReportBatchItemFailures\"]]",
            format!(
                "{update} {queue} {query} --function-response-types '[\"ReportBatchItemFailures\"]' --region us-east-1"
            ),
        ),
        (
            "mappings[1].StartingPosition=LATEST",
            "# clicks -> counter: no update leads there; delete the mapping and create it anew".to_owned(),
        ),
        (
            "functions[counter].reserved_concurrency=7",
            "aws lambda put-function-concurrency --function-name counter --reserved-concurrent-executions 7 --region \
             us-east-1"
                .to_owned(),
        ),
        (
            "functions[counter].timeout=7",
            "aws lambda update-function-configuration --function-name counter --timeout 7 --region us-east-1".to_owned(),
        ),
        (
            "shards=4",
            "aws kinesis update-shard-count --stream-name clicks --target-shard-count 4 --scaling-type \
             UNIFORM_SCALING --region us-east-1"
                .to_owned(),
        ),
        (
            "visibility_timeout=90",
            "aws sqs set-queue-attributes --queue-url \"$(aws sqs get-queue-url --queue-name orders --query QueueUrl \
             --output text --region us-east-1)\" --attributes VisibilityTimeout=90 --region us-east-1"
                .to_owned(),
        ),
        (
            "max_receive_count=5",
            "# orders: sources[0].max_receive_count = 5; there is no command for that".to_owned(),
        ),
    ];
    for (axis, wanted) in cases {
        let commands = commands(&queue_and_stream(), &plan(&[axis]));
        assert_eq!(commands, [wanted], "{axis}");
    }
}

#[test]
fn what_is_taken_away_is_taken_away_by_the_command_too() {
    let mut scenario = queue();
    scenario.mappings[0].request.scaling_config =
        serde_json::from_value(json!({ "MaximumConcurrency": 5 })).unwrap();
    let commands = commands(&scenario, &plan(&["ScalingConfig.MaximumConcurrency=null"]));
    assert!(
        commands[0].contains(" --scaling-config '{}'"),
        "{commands:?}"
    );
}

#[test]
fn the_objective_may_be_any_figure() {
    let mut plan = plan(&["BatchSize=5"]);
    plan.objective = Objective::FASTEST;
    let report = swept(&queue(), &plan, |scenario| Seen {
        cost: 1.0,
        p99: if batch_size(scenario) == 5 {
            250.0
        } else {
            1_000.0
        },
        ..Seen::default()
    })
    .unwrap();
    assert_eq!(recommendation(&report).buys, "p99 latency - 750 ms");
}
