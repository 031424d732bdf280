//! Batches that fail, all or in part, and what becomes of their records.

use bytes::Bytes;
use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::record::{DecodeFailure, KafkaRecord, Schemas};
use lambda_esm_core::topic::TopicPage;
use serde_json::{Value, json};

use crate::mapping::{QUEUE, provisioned};
use crate::world::{World, record};

/// Returns a provisioned mapping without a window, of two partitions that are owned.
fn world(others: Value) -> World {
    let mut parameters = provisioned(others);
    parameters["MaximumBatchingWindowInSeconds"] = json!(0);
    let mut world = World::new(&parameters);
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world
}

/// Sends one batch of both partitions.
fn both(world: &mut World, records: i64) {
    world.holds_turns = true;
    world.page(0, 0..records);
    world.page(1, 0..records);
    world.release_turns();
}

fn failures(places: &[(i32, i64)]) -> String {
    let item = |&(partition, offset): &(i32, i64)| {
        let partition = format!("orders-{partition}");
        json!({"itemIdentifier": {"partition": partition, "offset": offset}})
    };
    let items: Vec<Value> = places.iter().map(item).collect();
    json!({"batchItemFailures": items}).to_string()
}

fn body(record: &lambda_esm_core::on_failure_record::FailureRecord) -> Value {
    serde_json::from_slice(&record.body).unwrap()
}

/// Fails with each invocation until there is none any more.
fn fail_on_and_on(world: &mut World) {
    let mut call = 0;
    while call < world.calls.len() {
        world.fail(call);
        world.pass(30_000);
        call += 1;
    }
}

#[test]
fn a_failed_batch_is_tried_again_until_it_succeeds() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    for call in 0..20 {
        assert_eq!(world.places(call), [(0, 0), (0, 1), (0, 2)]);
        world.fail(call);
        assert!(world.commits.is_empty());
        world.pass(30_000);
    }
    world.succeed(20);
    assert_eq!(world.commit(), [(0, 3)]);
}

#[test]
fn a_batch_is_bisected_over_its_partitions() {
    let mut world = world(json!({"BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 0}));
    both(&mut world, 2);
    assert_eq!(world.places(0), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    world.fail(0);
    assert_eq!(world.places(1), [(0, 0), (0, 1)]);
    world.succeed(1);
    assert_eq!(world.places(2), [(1, 0), (1, 1)]);
    world.fail(2);
    assert_eq!(world.places(3), [(1, 0)]);
    world.succeed(3);
    assert_eq!(world.places(4), [(1, 1)]);
    world.fail(4);
    assert_eq!(world.commit_all(), [(0, 2), (1, 2)]);
}

#[test]
fn of_a_partial_response_only_the_failed_records_are_tried_again() {
    let mut world = world(json!({"FunctionResponseTypes": ["ReportBatchItemFailures"]}));
    both(&mut world, 3);
    world.answer(0, Ok(&failures(&[(0, 1), (1, 2)])));
    assert_eq!(world.commit(), [(0, 1), (1, 2)]);
    world.pass(1_000);
    assert_eq!(world.places(1), [(0, 1), (1, 2)]);
    world.succeed(1);
    assert_eq!(world.commit(), [(0, 3), (1, 3)]);
}

#[test]
fn a_record_is_tried_no_more_often_than_its_retries_allow() {
    let mut world = world(json!({
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 2,
    }));
    both(&mut world, 2);
    world.answer(0, Ok(&failures(&[(0, 0), (0, 1)])));
    world.pass(30_000);
    world.answer(1, Ok(&failures(&[(0, 1)])));
    world.pass(30_000);
    assert_eq!(world.places(2), [(0, 1)]);
    world.answer(2, Ok(&failures(&[(0, 1)])));
    world.pass(60_000);
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn when_all_are_reported_as_failed_the_try_has_failed() {
    let mut world = world(json!({
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 0,
    }));
    world.page(0, 0..2);
    world.answer(0, Ok(&failures(&[(0, 0), (0, 1)])));
    assert_eq!(world.places(1), [(0, 0)]);
}

#[test]
fn an_unknown_record_fails_the_whole_batch() {
    let mut world = world(json!({"FunctionResponseTypes": ["ReportBatchItemFailures"]}));
    both(&mut world, 2);
    world.answer(0, Ok(&failures(&[(0, 1), (1, 7)])));
    world.pass(1_000);
    assert_eq!(world.places(1), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert!(world.commits.is_empty());
}

#[test]
fn without_report_batch_item_failures_the_response_says_nothing() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.answer(0, Ok(&failures(&[(0, 1)])));
    assert_eq!(world.commit(), [(0, 2)]);
}

#[test]
fn exhausted_retries_are_told_to_a_queue_with_all_partitions() {
    let mut world = world(json!({
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    both(&mut world, 2);
    world.fail(0);
    world.pass(1_000);
    world.fail(1);
    assert!(world.commits.is_empty(), "not before the queue has it");
    let told = body(&world.deliver(Ok(())));
    assert_eq!(world.commit(), [(0, 2), (1, 2)]);
    let context = &told["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
    let time = "2026-01-01T00:00:00.000Z";
    let info = json!({
        "firstRecordOffset": "0", "lastRecordOffset": "1",
        "firstRecordTimestamp": time, "lastRecordTimestamp": time,
    });
    let batch = &told["KafkaBatchInfo"];
    assert_eq!(batch["batchSize"], 4);
    assert_eq!(batch["payloadSize"], world.calls[0].payload.len());
    let both = json!({"orders-0": info, "orders-1": info});
    assert_eq!(batch["recordsInfo"], both);
}

#[test]
fn a_topic_is_told_of_each_record_under_its_key() {
    let mut world = world(json!({
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": "kafka://dead"}},
    }));
    let keyed = record(0, world.now).with_key(Some(Bytes::from_static(b"k")));
    let records = vec![keyed, record(1, world.now)];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    world.fail(0);
    assert_eq!(world.deliveries.len(), 2);
    for (offset, key) in [("0", Some(&b"k"[..])), ("1", None)] {
        assert!(world.commits.len() <= 1);
        let told = world.deliver(Ok(()));
        assert_eq!(told.key.as_deref(), key);
        let told = body(&told);
        assert_eq!(told["KafkaBatchInfo"]["recordInfo"]["offset"], offset);
        assert_eq!(told["KafkaBatchInfo"]["batchSize"], 1);
        let records = told["payload"]["records"]["orders-0"].as_array().unwrap();
        assert_eq!(records.len(), 1);
    }
    assert_eq!(world.commit(), [(0, 1)]);
    assert_eq!(world.commit(), [(0, 2)]);
}

#[test]
fn a_destination_without_a_limit_of_retries_means_10() {
    let mut world = World::new(&json!({
        "MaximumBatchingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    world.assign(0, 1, 0);
    world.page(0, 0..1);
    for call in 0..11 {
        assert!(world.deliveries.is_empty());
        world.fail(call);
        world.pass(30_000);
    }
    assert_eq!(world.calls.len(), 11);
    assert_eq!(world.deliveries.len(), 1);
}

#[test]
fn a_destination_that_fails_is_tried_five_times_and_the_records_are_dropped() {
    let mut world = world(json!({
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    world.page(0, 0..2);
    world.fail(0);
    for _ in 0..5 {
        assert!(world.commits.is_empty());
        world.deliver(Err("away"));
        world.pass(10_000);
    }
    assert!(world.deliveries.is_empty());
    assert_eq!(world.commit(), [(0, 2)]);
}

fn undecodable(offset: i64, world: &World) -> KafkaRecord {
    let failure = DecodeFailure {
        condition: Condition::SchemaNotFound,
        because: "the registry has no schema 7".to_owned(),
    };
    let schemas = Schemas::default().with_failure(Some(failure));
    record(offset, world.now).with_schemas(Some(Box::new(schemas)))
}

#[test]
fn an_undecodable_record_goes_to_the_destination() {
    let mut world = world(json!({
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    let records = vec![
        record(0, world.now),
        undecodable(1, &world),
        record(2, world.now),
    ];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    let told = body(&world.deliver(Ok(())));
    assert_eq!(told["requestContext"]["condition"], "SCHEMA_NOT_FOUND");
    assert_eq!(told["responseContext"], Value::Null);
    assert_eq!(told["KafkaBatchInfo"]["batchSize"], 1);
    assert_eq!(world.places(0), [(0, 0), (0, 2)]);
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 3)]);
}

#[test]
fn no_more_than_a_batch_of_undecodable_records_is_on_its_way_to_the_destination() {
    let mut world = world(json!({
        "BatchSize": 3,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    let mut records: Vec<KafkaRecord> = (0..8).map(|offset| undecodable(offset, &world)).collect();
    records.push(record(8, world.now));
    world.fetched(0, Ok(TopicPage::new(records, None)));
    world.page(1, 0..1);
    assert_eq!(world.places(0), [(1, 0)], "other partitions go on");
    for batch in [3, 3, 2] {
        assert_eq!(world.deliveries.len(), batch);
        for _ in 0..batch {
            assert_eq!(world.calls.len(), 1);
            world.deliver(Ok(()));
        }
    }
    assert_eq!(world.places(1), [(0, 8)]);
    world.succeed(1);
    assert_eq!(world.commit_all(), [(0, 9)]);
}

#[test]
fn an_undecodable_record_is_dropped_where_there_is_no_destination() {
    let mut world = world(json!({}));
    let records = vec![undecodable(0, &world), undecodable(1, &world)];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    assert_eq!(world.commit(), [(0, 2)]);
    world.page(0, 2..3);
    assert_eq!(world.places(0), [(0, 2)]);
    assert!(world.deliveries.is_empty());
}

#[test]
fn undecodable_records_of_a_revoked_partition_are_waited_for() {
    let mut world = world(json!({
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    let records = vec![undecodable(0, &world)];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    world.revoke(0, 1);
    assert!(world.let_gos.is_empty());
    world.deliver(Ok(()));
    assert_eq!(world.let_gos[0].1, Some(1));
}

#[test]
fn records_that_are_too_old_are_given_up_and_the_others_are_sent() {
    let mut world = world(json!({
        "MaximumRecordAgeInSeconds": 60,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    }));
    let now = world.now;
    let old = lambda_esm_core::Timestamp(now.0 - 61_000);
    let records = vec![record(0, old), record(1, now), record(2, old)];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    assert_eq!(world.places(0), [(0, 1)]);
    for offset in ["0", "2"] {
        let told = body(&world.deliver(Ok(())));
        assert_eq!(told["requestContext"]["condition"], "RecordAgeExceeded");
        let info = &told["KafkaBatchInfo"]["recordsInfo"]["orders-0"];
        assert_eq!(info["firstRecordOffset"], offset);
    }
    world.succeed(0);
    assert_eq!(world.commit_all(), [(0, 3)]);
}

#[test]
fn a_record_without_a_time_is_not_too_old() {
    let mut world = world(json!({"MaximumRecordAgeInSeconds": 60}));
    let records = vec![record(0, lambda_esm_core::Timestamp(-1))];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    assert_eq!(world.places(0), [(0, 0)]);
    fail_on_and_on(&mut world);
    assert_eq!(
        world.commit_all(),
        [(0, 1)],
        "it is, 60 s after it was read"
    );
}

#[test]
fn a_batch_that_fails_ends_when_it_is_too_old() {
    let mut world = world(json!({"MaximumRecordAgeInSeconds": 60}));
    world.page(0, 0..1);
    fail_on_and_on(&mut world);
    assert!(world.now.0 - crate::mapping::START.0 < 120_000);
    assert_eq!(world.commit(), [(0, 1)]);
}

#[test]
fn throttling_uses_no_retry() {
    let mut world = world(json!({"MaximumRetryAttempts": 0}));
    world.page(0, 0..1);
    for call in 0..10 {
        world.answer(call, Err(InvokeErrorKind::throttled(None)));
        world.pass(10_000);
    }
    assert_eq!(world.places(10), [(0, 0)]);
    world.succeed(10);
    assert_eq!(world.commit(), [(0, 1)]);
}
