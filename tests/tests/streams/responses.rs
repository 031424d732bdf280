//! What each answer of a function means for a batch, as recorded from the service.

use lambda_esm_tests::streams::{
    Record, Response, Script, Streams, answering, failures, records, saying, throwing,
};
use serde_json::{Value, json};

use crate::rows::{Case, check};

const RETRIES: usize = 1;

fn case(what: &str, script: Script, discarded: Option<Response>) -> Case {
    Case {
        what: what.to_owned(),
        members: json!({
            "MaximumRetryAttempts": RETRIES,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }),
        script,
        invocations: discarded.map_or(1, |_| RETRIES + 1),
        discarded,
    }
}

async fn answers_that_name_no_failure_are_a_success(streams: Streams) {
    let answers = [
        "\"\"",
        "[]",
        "null",
        "{}",
        r#"{"batchItemFailures":[]}"#,
        r#"{"batchItemFailures":null}"#,
    ];
    let answer = |text: &&str| case(text, saying(text), None);
    let mut cases: Vec<Case> = answers.iter().map(answer).collect();
    // As a custom runtime may answer, of a mapping that expects no answer.
    let mut empty = case("an empty answer", saying(""), None);
    empty.members = json!({});
    cases.push(empty);
    check(&streams, cases).await;
}

async fn malformed_failures_fail_the_whole_batch(streams: Streams) {
    let entries = [
        json!({ "itemIdentifier": 123 }),
        json!({ "itemIdentifier": "" }),
        json!({ "itemIdentifier": null }),
        json!({ "foo": 123 }),
        json!({ "foo": null }),
        json!({ "itemIdentifier": "49999999999999999999999999999999999999999999999999999999" }),
    ];
    let malformed = |entry: &Value| {
        let answer = json!({ "batchItemFailures": [entry] }).to_string();
        case(&answer, saying(&answer), Some(Response::Answered))
    };
    let mut cases: Vec<Case> = entries.iter().map(malformed).collect();
    let named = answering(|event| {
        let records: Vec<_> = records(event).collect();
        Ok(failures(records.iter().map(Record::sequence)))
    });
    let named = case(
        "the record itself is named",
        named,
        Some(Response::Answered),
    );
    cases.push(named);
    cases.push(case(
        "the function throws",
        throwing(),
        Some(Response::Unhandled),
    ));
    check(&streams, cases).await;
}

on_servers! {
    kinesis_local: answers_that_name_no_failure_are_a_success, malformed_failures_fail_the_whole_batch;
    ministack_kinesis: answers_that_name_no_failure_are_a_success, malformed_failures_fail_the_whole_batch;
    dynamodb_local: answers_that_name_no_failure_are_a_success, malformed_failures_fail_the_whole_batch;
    ministack_dynamodb: answers_that_name_no_failure_are_a_success, malformed_failures_fail_the_whole_batch;
}
