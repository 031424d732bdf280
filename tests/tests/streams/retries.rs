//! How often a failing batch is tried, what is told of it in the end, and when the count begins anew, as
//! recorded from the service.

use lambda_esm_tests::streams::{
    Document, Lab, Office, Response, Row, Streams, answering, failures, records, saying, throwing,
};
use serde_json::{Value, json};

use crate::rows::{Case, check};

async fn a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket(
    streams: Streams,
) {
    let mut cases = Vec::new();
    let malformed = r#"{"batchItemFailures":[{"foo":123}]}"#;
    // Each number of retries comes at each kind of destination.
    for retries in [0, 1, 2, 3] {
        for (what, script, response) in [
            ("throws", throwing(), Response::Unhandled),
            ("throws", throwing(), Response::Unhandled),
            ("throws", throwing(), Response::Unhandled),
            (malformed, saying(malformed), Response::Answered),
            (malformed, saying(malformed), Response::Answered),
            (malformed, saying(malformed), Response::Answered),
        ] {
            cases.push(Case {
                what: format!("{retries} retries, {what}"),
                members: json!({
                    "MaximumRetryAttempts": retries,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                }),
                script,
                invocations: retries + 1,
                discarded: Some(response),
            });
        }
    }
    check(&streams, cases).await;
}

/// Returns how often each value was delivered.
fn deliveries(row: &Row) -> Vec<usize> {
    let values = row.values();
    (1..=6)
        .map(|number| {
            values
                .iter()
                .filter(|value| **value == json!(number))
                .count()
        })
        .collect()
}

/// Recorded: of six records in batches of three, with three retries, the last one fails. It is delivered five
/// times while the document counts four: the batch that made progress does not count.
async fn a_batch_that_makes_progress_has_all_of_its_retries_again(streams: Streams) {
    let Some(office) = Office::find() else { return };
    let stream = streams.stream("progress", 1).await;
    stream.put_numbers(1..=6).await;
    let known = stream.read(6).await;
    let lab = Lab::new(streams.engine());
    let sixth = |event: &Value| {
        let records: Vec<_> = records(event).collect();
        let failed = records.iter().filter(|record| record.value() == json!(6));
        Ok(failures(failed.map(|record| record.sequence())))
    };
    let mailbox = office.queue().await;
    let members = json!({
        "BatchSize": 3,
        "MaximumRetryAttempts": 3,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": mailbox.config(),
    });
    let row = lab.map(&stream, &members, answering(sixth)).await;
    let letters = mailbox.until(1).await;
    row.until_settled(6).await;
    lab.engine.shutdown().await;
    assert_eq!(deliveries(&row), [1, 1, 1, 1, 1, 5]);
    let batches: Vec<usize> = row.batches().iter().map(Vec::len).collect();
    assert_eq!(batches, [3, 3, 1, 1, 1, 1]);
    let document = Document {
        function: &row.function,
        condition: "RetryAttemptsExhausted",
        invokes: 4,
        response: Response::Answered,
        arn: stream.arn(),
        records: &known[5..],
    };
    document.check(&letters[0], row.uuid, None);
    assert_eq!(mailbox.letters().await.len(), 1);
}

/// Recorded: the lowest failing sequence number is the checkpoint, whatever the order of the answer.
async fn all_from_the_lowest_failed_record_on_come_again(streams: Streams) {
    let stream = streams.stream("lowest", 1).await;
    stream.put_numbers(1..=6).await;
    let lab = Lab::new(streams.engine());
    let script = answering(|event| {
        let records: Vec<_> = records(event).collect();
        if records.len() < 6 {
            return Ok("null".into());
        }
        Ok(failures([5, 2, 4].map(|at| records[at].sequence())))
    });
    let members = json!({
        "BatchSize": 6,
        "MaximumBatchingWindowInSeconds": 60,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    let row = lab.map(&stream, &members, script).await;
    row.until_settled(6).await;
    lab.engine.shutdown().await;
    let numbers = |numbers: &[i32]| numbers.iter().map(|n| json!(n)).collect::<Vec<_>>();
    let expected = [numbers(&[1, 2, 3, 4, 5, 6]), numbers(&[3, 4, 5, 6])];
    assert_eq!(row.batches(), expected);
}

on_servers! {
    kinesis_local: a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket, a_batch_that_makes_progress_has_all_of_its_retries_again, all_from_the_lowest_failed_record_on_come_again;
    ministack_kinesis: a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket, a_batch_that_makes_progress_has_all_of_its_retries_again, all_from_the_lowest_failed_record_on_come_again;
    dynamodb_local: a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket, a_batch_that_makes_progress_has_all_of_its_retries_again, all_from_the_lowest_failed_record_on_come_again;
    ministack_dynamodb: a_batch_is_tried_once_more_than_the_retries_and_then_told_to_queue_topic_or_bucket, a_batch_that_makes_progress_has_all_of_its_retries_again, all_from_the_lowest_failed_record_on_come_again;
}
