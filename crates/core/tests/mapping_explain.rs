//! What stream mappings say that they will do; the sentences are those of `lambda-esm check`.

mod mapping_common;

use mapping_common::{CONSUMER, QUEUE, accepted, with};
use serde_json::{Value, json};

const REPORTS: &str = "goes on from the first record that the function names in batchItemFailures: those \
                       before it are done, it and those after it are tried again with all their retries; \
                       if it is the first of the batch, the batch has failed";
const SPLITS: &str = "splits a failed batch in two, down to single records, without waiting and without \
                      using a retry";
const UNREACHED: &str = "sends again what did not reach the function (throttled, unreachable), which uses \
                         no retry";
const HOLDS: &str = "holds back the records behind a failing batch";

fn says(kind: &str, members: Value) -> Vec<String> {
    accepted(with(kind, members)).explain()
}

/// Asserts what a Kinesis mapping says about failing, which comes last.
#[track_caller]
fn fails(members: Value, sentences: &[&str]) {
    let all = says("kinesis", members);
    let one_batch = "runs one batch per shard at a time, in order";
    let last = all.iter().skip_while(|said| *said != one_batch).skip(1);
    assert_eq!(last.collect::<Vec<_>>(), sentences);
}

fn to(destination: &str) -> Value {
    json!({ "OnFailure": { "Destination": destination } })
}

#[test]
fn a_stream_without_settings_of_its_own_is_read_in_order_and_held_back_by_failures() {
    assert_eq!(
        says("dynamodb", json!({})),
        [
            "reads the stream of the table users with up to 100 records per batch, without waiting to fill it",
            "calls the function f",
            "starts after the newest record; a shard that comes into being later is read from its beginning",
            "runs one batch per shard at a time, in order",
            "retries a failed batch until it succeeds or leaves the source",
            HOLDS,
        ]
    );
}

#[test]
fn a_starting_time_is_told_as_a_date() {
    let start =
        json!({ "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_000 });
    let said = says("kinesis", start);
    assert_eq!(
        said[2],
        "starts at the first record since 2023-11-14T22:13:20Z"
    );
    let said = says("kinesis", json!({ "StartingPosition": "TRIM_HORIZON" }));
    assert_eq!(said[2], "starts at the oldest record");
}

#[test]
fn lanes_keep_the_order_of_a_key() {
    let factor = json!({ "ParallelizationFactor": 4 });
    let said = says("kinesis", factor.clone());
    let lanes = "runs up to 4 batches per shard at a time, in order per partition key";
    assert_eq!(said[3], lanes);
    let said = says("dynamodb", factor);
    assert_eq!(
        said[3],
        "runs up to 4 batches per shard at a time, in order per item"
    );
}

#[test]
fn a_consumer_takes_aggregated_records_apart() {
    let said = says("kinesis", json!({ "EventSourceArn": CONSUMER }));
    assert!(said[0].starts_with("reads the Kinesis stream clicks through its own consumer with"));
    assert_eq!(
        said[3],
        "takes aggregated records of the Kinesis Producer Library apart"
    );
}

#[test]
fn a_tumbling_window_needs_the_functions_state() {
    let said = says("kinesis", json!({ "TumblingWindowInSeconds": 60 }));
    assert_eq!(
        said[3..5],
        [
            "runs one batch per shard at a time, and carries the function's state through windows of 60 s",
            "takes every response without a JSON object `state` for a failure, and ends each window with an \
             invocation without records, which needs none",
        ]
    );
}

#[test]
fn retries_are_bounded_by_number_and_age_and_what_is_given_up_is_told() {
    let (queue, topic) = (to(QUEUE), to("arn:aws:sns:us-east-1:123456789012:alarm"));
    fails(
        json!({ "MaximumRetryAttempts": 3, "DestinationConfig": queue }),
        &[
            "retries a failed batch up to 3 times",
            UNREACHED,
            "tells the queue orders which records it gives up, not what is in them",
        ],
    );
    fails(
        json!({ "MaximumRecordAgeInSeconds": 3600, "DestinationConfig": topic }),
        &[
            "retries a failed batch until it succeeds or is too old",
            "gives up records that are older than 3600 s, whether they were tried or not",
            "tells the topic alarm which records it gives up, not what is in them",
        ],
    );
    fails(
        json!({ "MaximumRetryAttempts": 1, "MaximumRecordAgeInSeconds": 60 }),
        &[
            "retries a failed batch once",
            UNREACHED,
            "gives up records that are older than 60 s, whether they were tried or not",
            "drops what it gives up without a trace, since OnFailure is not set",
        ],
    );
    // Records that leave the stream, and those larger than an event, are told of as well.
    fails(
        json!({ "DestinationConfig": to("arn:aws:s3:::failed") }),
        &[
            "retries a failed batch until it succeeds or leaves the source",
            HOLDS,
            "writes the records that it gives up into the bucket failed",
        ],
    );
}

#[test]
fn splitting_uses_no_retry_and_partial_responses_begin_anew() {
    fails(
        json!({ "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 0 }),
        &[
            SPLITS,
            "does not retry a record that fails alone",
            UNREACHED,
            "drops what it gives up without a trace, since OnFailure is not set",
        ],
    );
    fails(
        json!({
            "BisectBatchOnFunctionError": true, "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": to(QUEUE),
        }),
        &[
            REPORTS,
            SPLITS,
            "retries a record that fails alone until it succeeds or leaves the source",
            HOLDS,
            "tells the queue orders which records it gives up, not what is in them",
        ],
    );
}

#[test]
fn a_queue_of_a_broker_is_told_with_what_its_engine_decides() {
    let drops = "drops a message whose event alone is over 6 MB";
    let retries = "acknowledges a batch when the function succeeds, and retries the whole batch when it fails, until it \
                   succeeds or its messages expire";
    assert_eq!(
        says("mq", json!({ "BatchSize": 20 })),
        [
            "reads the queue jobs of the broker jobs with up to 20 messages per batch, waiting up to 500 ms to fill it",
            "calls the function f",
            "runs one batch at a time, in the order of the queue, if the broker is RabbitMQ; up to 5 if it is ActiveMQ",
            "has up to 40 messages of RabbitMQ at a time, 200 of ActiveMQ",
            retries,
            "after 6 redeliveries leaves a message to the dead-letter queue of ActiveMQ, and drops one that is neither text \
             nor bytes",
            drops,
        ]
    );
    let access = json!([
        { "Type": "BASIC_AUTH", "URI": mapping_common::SECRET }, { "Type": "VIRTUAL_HOST", "URI": "/shop" },
    ]);
    let members =
        json!({ "SourceAccessConfigurations": access, "MaximumBatchingWindowInSeconds": 0 });
    assert_eq!(
        says("mq", members),
        [
            "reads the queue jobs of the broker jobs with up to 100 messages per batch, without waiting to fill it",
            "calls the function f",
            "uses the virtual host /shop",
            "runs one batch at a time, in the order of the queue",
            "has up to 200 messages at a time",
            retries,
            drops,
        ]
    );
}

#[test]
fn a_change_stream_is_told_with_what_ends_it() {
    assert_eq!(
        says("documentdb", json!({ "StartingPosition": "TRIM_HORIZON" })),
        [
            "reads all changes in shop in the cluster docs with up to 100 events per batch, waiting up to 500 ms to fill it",
            "calls the function f",
            "starts at the oldest record",
            "runs one batch at a time, in the order of the change stream",
            "retries a failed batch until it succeeds or leaves the source",
            HOLDS,
            "is disabled when the cluster no longer holds the next change, and goes on with the oldest one when it is \
             enabled again",
            "drops a change whose event alone is over 6 MB",
        ]
    );
}
