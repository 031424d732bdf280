//! Traps: each with a mapping that has it, and with the nearest one that has not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../mapping_common/mod.rs"]
mod mapping_common;
mod ordered;
mod queue;
mod share_group;

use std::time::Duration;

use lambda_esm_core::mapping::{Context, Facts, Mapping, Redrive, Trap, traps};
use mapping_common::{accepted, context, request, with};
use serde_json::{Value, json};
use uuid::Uuid;

const DEAD_LETTERS: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

pub(crate) fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

pub(crate) fn failure_queue() -> Value {
    json!({"OnFailure": {"Destination": DEAD_LETTERS}})
}

/// Another mapping, with another id.
pub(crate) fn another(id: u128, json: Value) -> Mapping {
    let context = Context {
        uuid: Uuid::from_u128(id),
        ..context()
    };
    Mapping::create(request(json), &context).unwrap()
}

pub(crate) fn found(kind: &str, members: &Value, facts: &Facts<'_>) -> Vec<Trap> {
    traps(&accepted(with(kind, members.clone())), facts)
}

pub(crate) fn about<'t>(traps: &'t [Trap], field: &str, says: &str) -> Option<&'t Trap> {
    let fits = |trap: &&Trap| trap.field == field && trap.says.contains(says);
    traps.iter().find(fits)
}

/// Checks that a mapping has a trap, and that its neighbour has not.
#[track_caller]
pub(crate) fn only_first(
    kind: &str,
    (field, value, says): (&str, &str, &str),
    (members, facts): (Value, Facts<'_>),
    (near, near_facts): (Value, Facts<'_>),
) {
    let traps = found(kind, &members, &facts);
    let Some(trap) = about(&traps, field, says) else {
        panic!("{kind} {members} has no such trap: {traps:#?}");
    };
    assert_eq!(trap.value, value, "{kind} {members}");
    assert!(!trap.way_out.is_empty() && trap.source.len() > 20, "{trap}");
    let traps = found(kind, &near, &near_facts);
    assert_eq!(about(&traps, field, says), None, "{kind} {near}");
}

/// The same facts for both.
#[track_caller]
pub(crate) fn known(
    kind: &str,
    trap: (&str, &str, &str),
    facts: &Facts<'_>,
    members: Value,
    near: Value,
) {
    only_first(kind, trap, (members, facts.clone()), (near, facts.clone()));
}

/// The same settings, with other facts.
#[track_caller]
pub(crate) fn depends(
    kind: &str,
    trap: (&str, &str, &str),
    members: &Value,
    facts: Facts<'_>,
    near: Facts<'_>,
) {
    only_first(
        kind,
        trap,
        (members.clone(), facts),
        (members.clone(), near),
    );
}

#[track_caller]
pub(crate) fn plain(kind: &str, trap: (&str, &str, &str), members: Value, near: Value) {
    known(kind, trap, &Facts::default(), members, near);
}

#[test]
fn a_broker_allows_functions_of_fourteen_minutes() {
    let facts = |timeout| Facts::default().with_function_timeout(seconds(timeout));
    let refused = ("FunctionName", "f", "900 seconds");
    for kind in ["msk", "mq", "documentdb"] {
        depends(kind, refused, &json!({}), facts(900), facts(840));
    }
}

#[test]
fn a_window_has_no_room_or_no_effect() {
    let window = "MaximumBatchingWindowInSeconds";
    for kind in ["sqs", "kinesis", "dynamodb", "msk", "mq", "documentdb"] {
        plain(
            kind,
            (window, "30", "no effect"),
            json!({"BatchSize": 1, window: 30}),
            json!({"BatchSize": 2, window: 30}),
        );
    }
    // The default of 500 ms was not asked for.
    assert_eq!(
        about(
            &found("msk", &json!({"BatchSize": 1}), &Facts::default()),
            window,
            ""
        ),
        None
    );
    let short = (window, "19", "long poll");
    plain("sqs", short, json!({window: 19}), json!({window: 20}));
    let tumbling = |batching| json!({window: batching, "TumblingWindowInSeconds": 60});
    plain(
        "kinesis",
        (window, "60", "ends with its tumbling window"),
        tumbling(60),
        tumbling(59),
    );
}

#[test]
fn a_mapping_sends_more_than_its_function_can_run() {
    let reserved = |most| Facts::default().with_reserved_concurrency(Some(most));
    let limited = json!({"ScalingConfig": {"MaximumConcurrency": 50}});
    let throttled = ("MaximumConcurrency", "50", "is throttled");
    depends("sqs", throttled, &limited, reserved(49), reserved(50));
    let here = |most| Facts::default().with_concurrency(Some(most));
    let waits = ("MaximumConcurrency", "50", "waits in line here");
    depends("sqs", waits, &limited, here(49), here(50));
    let pollers = json!({"ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 5}});
    let provisioned = ("MaximumPollers", "5", "50 invocations");
    depends("sqs", provisioned, &pollers, reserved(49), reserved(50));
    let unlimited = ("ScalingConfig", "none", "goes up to 1250");
    depends(
        "sqs",
        unlimited,
        &json!({}),
        reserved(1_249),
        reserved(1_250),
    );
    known("sqs", unlimited, &reserved(100), json!({}), limited);
    // Here they wait in line, whatever the number.
    assert_eq!(found("sqs", &json!({}), &here(1)), []);
}

#[test]
fn several_mappings_together_send_more_than_their_function_can_run() {
    let limit = |most| json!({"ScalingConfig": {"MaximumConcurrency": most}});
    let mut other = limit(30);
    let fifo = with("fifo", other.clone());
    other["FunctionName"] = json!("g");
    let (same, different) = (another(8, fifo), another(9, with("fifo", other)));
    let (both, apart) = ([&same], [&different]);
    let together = (
        "MaximumConcurrency",
        "20",
        "50 invocations, together with 1 more",
    );
    depends(
        "sqs",
        together,
        &limit(20),
        Facts::of(&both).with_reserved_concurrency(Some(49)),
        Facts::of(&both).with_reserved_concurrency(Some(50)),
    );
    depends(
        "sqs",
        together,
        &limit(20),
        Facts::of(&both).with_concurrency(Some(49)),
        Facts::of(&apart).with_concurrency(Some(49)),
    );
}

#[test]
fn shards_send_more_than_their_function_can_run() {
    let facts = |shards| {
        Facts::default()
            .with_shards(Some(shards))
            .with_reserved_concurrency(Some(40))
    };
    let factor = ("ParallelizationFactor", "10", "50 invocations");
    depends(
        "kinesis",
        factor,
        &json!({"ParallelizationFactor": 10}),
        facts(5),
        facts(4),
    );
}

#[test]
fn a_filter_can_never_match_or_deletes_what_it_should_not() {
    for (kind, says, pattern, near) in [
        (
            "sqs",
            "no record of an SQS standard queue has a value at bdy.a",
            r#"{"bdy":{"a":[1]}}"#,
            r#"{"body":{"a":[1]}}"#,
        ),
        (
            "sqs",
            "attributes.ApproximateReceiveCount of a record of an SQS standard queue is always text",
            r#"{"attributes":{"ApproximateReceiveCount":[1]}}"#,
            r#"{"attributes":{"ApproximateReceiveCount":["1"]}}"#,
        ),
        (
            "dynamodb",
            "NewImage.n.N of a record of a DynamoDB stream is always text",
            r#"{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",1]}]}}}}"#,
            r#"{"dynamodb":{"NewImage":{"n":{"N":["1"]}}}}"#,
        ),
        (
            "msk",
            "partition of a record of an Amazon MSK cluster is always a number",
            r#"{"partition":["3"]}"#,
            r#"{"partition":[3]}"#,
        ),
        (
            "mq",
            "redelivered of a record of an Amazon MQ broker is always true or false",
            r#"{"redelivered":["true"]}"#,
            r#"{"redelivered":[true]}"#,
        ),
        (
            "sqs",
            "body cannot be plain text and JSON at the same time",
            r#"{"body":{"a":[1]},"$or":[{"body":["x"]},{"body":["y"]}]}"#,
            r#"{"body":{"a":[1]},"$or":[{"messageId":["x"]},{"body":{"b":["y"]}}]}"#,
        ),
        (
            "sqs",
            "plain text as the body",
            r#"{"body":["x"]}"#,
            r#"{"body":{"a":["x"]}}"#,
        ),
        (
            "kinesis",
            "names data twice",
            r#"{"data":{"a":[1]},"data":{"b":[1]}}"#,
            r#"{"data":{"a":[1],"b":[{"prefix":"data"}]}}"#,
        ),
    ] {
        let filters = |pattern| json!({"FilterCriteria": {"Filters": [{"Pattern": pattern}]}});
        plain(
            kind,
            ("FilterCriteria", pattern, says),
            filters(pattern),
            filters(near),
        );
    }
}

#[test]
fn a_careful_mapping_has_no_traps() {
    let careful = json!({
        "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 5, "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": true, "DestinationConfig": failure_queue()
    });
    for kind in ["kinesis", "dynamodb"] {
        assert_eq!(found(kind, &careful, &Facts::default()), []);
    }
    let known = Facts::default()
        .with_visibility_timeout(seconds(180))
        .with_function_timeout(seconds(30))
        .with_redrive(Some(Redrive::After(5)))
        .with_reserved_concurrency(Some(100));
    let careful = json!({
        "ScalingConfig": {"MaximumConcurrency": 100}, "FunctionResponseTypes": ["ReportBatchItemFailures"]
    });
    assert_eq!(found("sqs", &careful, &known), []);
}
