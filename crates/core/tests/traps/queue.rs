//! Queues.

use lambda_esm_core::mapping::{Facts, Redrive, traps};
use serde_json::json;

use crate::mapping_common::{QUEUE, accepted, with};
use crate::{about, another, depends, found, plain, seconds};

#[test]
fn a_queue_hides_messages_too_briefly() {
    let facts = |visibility, timeout| {
        Facts::default()
            .with_visibility_timeout(seconds(visibility))
            .with_function_timeout(seconds(timeout))
    };
    let six = ("VisibilityTimeout", "59", "six times");
    depends("sqs", six, &json!({}), facts(59, 10), facts(60, 10));
    // The window comes on top.
    let windowed = json!({"MaximumBatchingWindowInSeconds": 30});
    let six = ("VisibilityTimeout", "89", "batching window of 30 s");
    depends("sqs", six, &windowed, facts(89, 10), facts(90, 10));
    let refused = ("FunctionName", "f", "less than Function timeout");
    depends("sqs", refused, &json!({}), facts(9, 10), facts(10, 10));
    let unknown = |visibility| Facts::default().with_visibility_timeout(seconds(visibility));
    let window = (
        "VisibilityTimeout",
        "30",
        "not longer than the batching window",
    );
    depends("sqs", window, &windowed, unknown(30), unknown(31));
}

#[test]
fn one_message_sends_all_of_its_batch_back() {
    let field = "FunctionResponseTypes";
    let large = |size| json!({"BatchSize": size, "MaximumBatchingWindowInSeconds": 30});
    let reporting = json!({"FunctionResponseTypes": ["ReportBatchItemFailures"]});
    let waste = (field, "none", "sends up to 11 of its batch back");
    plain("sqs", waste, large(11), large(10));
    let groups = (field, "none", "none of their groups goes on");
    plain("fifo", groups, json!({}), json!({"BatchSize": 1}));
    plain("fifo", groups, json!({}), reporting.clone());
    let order = (
        field,
        "ReportBatchItemFailures",
        "order of its group is lost",
    );
    plain("fifo", order, reporting.clone(), json!({}));
    assert_eq!(
        about(&found("sqs", &reporting, &Facts::default()), field, ""),
        None
    );
}

#[test]
fn a_queue_dead_letters_never_or_too_soon() {
    let redrive = |redrive| Facts::default().with_redrive(Some(redrive));
    let field = "RedrivePolicy";
    let never = (field, "none", "retention ends");
    depends(
        "sqs",
        never,
        &json!({}),
        redrive(Redrive::Never),
        redrive(Redrive::After(5)),
    );
    depends(
        "sqs",
        never,
        &json!({}),
        redrive(Redrive::Never),
        Facts::default(),
    );
    let soon = (field, "maxReceiveCount 4", "count too");
    depends(
        "fifo",
        soon,
        &json!({}),
        redrive(Redrive::After(4)),
        redrive(Redrive::After(5)),
    );
}

#[test]
fn two_mappings_take_each_others_messages() {
    let pattern = json!({"Filters": [{"Pattern": "{\"body\":{\"a\":[1]}}"}]});
    let other = another(
        8,
        with(
            "sqs",
            json!({"FunctionName": "g", "FilterCriteria": pattern}),
        ),
    );
    let elsewhere = another(8, with("fifo", json!({"FunctionName": "g"})));
    let (same, else_) = ([&other], [&elsewhere]);
    let taken = ("EventSourceArn", QUEUE, "whatever the other wants");
    depends(
        "sqs",
        taken,
        &json!({}),
        Facts::of(&same),
        Facts::of(&else_),
    );
    // The mapping itself is no other one.
    let own = accepted(with("sqs", json!({})));
    assert_eq!(
        about(&traps(&own, &Facts::of(&[&own])), "EventSourceArn", ""),
        None
    );
}
