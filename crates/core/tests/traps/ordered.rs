//! Sources that are read in order.

use lambda_esm_core::mapping::{Facts, Mapping};
use serde_json::json;

use crate::mapping_common::{TABLE, with};
use crate::{about, another, depends, failure_queue, found, known, plain, seconds};

#[test]
fn a_record_that_always_fails_holds_up_what_follows() {
    let field = "MaximumRetryAttempts";
    let held = (field, "-1", "is held up");
    for kind in ["kinesis", "dynamodb"] {
        plain(kind, held, json!({}), json!({field: 3}));
        plain(
            kind,
            held,
            json!({}),
            json!({"MaximumRecordAgeInSeconds": 3600}),
        );
        let told = (field, "-1", "the destination hears of nothing before");
        let destination = json!({"DestinationConfig": failure_queue()});
        plain(kind, told, destination, json!({}));
    }
    let provisioned = json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}});
    let limited = json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}, field: 3});
    plain(
        "msk",
        (field, "-1", "its partition is held up"),
        provisioned,
        limited,
    );
    let destination = json!({"DestinationConfig": failure_queue()});
    let on_demand = ("ProvisionedPollerConfig", "none", "need provisioned mode");
    plain("msk", on_demand, json!({}), destination);
    let whole = (field, "-1", "a batch with a record that always fails");
    let bisect = json!({"BisectBatchOnFunctionError": true});
    plain("kinesis", whole, json!({}), bisect);
}

#[test]
fn records_are_dropped_without_a_trace() {
    let trace = "without a trace";
    for kind in ["kinesis", "dynamodb"] {
        let retries = ("MaximumRetryAttempts", "3", trace);
        let told = json!({"MaximumRetryAttempts": 3, "DestinationConfig": failure_queue()});
        plain(kind, retries, json!({"MaximumRetryAttempts": 3}), told);
        let age = ("MaximumRecordAgeInSeconds", "600", trace);
        plain(
            kind,
            age,
            json!({"MaximumRecordAgeInSeconds": 600}),
            json!({}),
        );
    }
}

#[test]
fn a_record_age_does_not_fit() {
    let (age, window) = (
        "MaximumRecordAgeInSeconds",
        "MaximumBatchingWindowInSeconds",
    );
    let early = (age, "60", "before their batch is ever sent");
    plain(
        "kinesis",
        early,
        json!({age: 60, window: 60}),
        json!({age: 60, window: 59}),
    );
    let day = 24 * 60 * 60;
    let late = (age, "86401", "never reached");
    plain("dynamodb", late, json!({age: day + 1}), json!({age: day}));
    let kept = |time| Facts::default().with_retention(seconds(time));
    depends(
        "kinesis",
        late,
        &json!({age: day + 1}),
        kept(day),
        Facts::default(),
    );
}

#[test]
fn a_bisect_isolates_nothing() {
    let bisect = "BisectBatchOnFunctionError";
    let single = (bisect, "true", "no effect with BatchSize 1");
    plain(
        "kinesis",
        single,
        json!({bisect: true, "BatchSize": 1}),
        json!({bisect: true, "BatchSize": 2}),
    );
    let untried = (bisect, "true", "no record that fails alone is tried again");
    let with_retries = |retries| json!({bisect: true, "MaximumRetryAttempts": retries});
    plain("dynamodb", untried, with_retries(0), with_retries(1));
}

#[test]
fn what_is_put_during_creation_may_be_missed() {
    let latest = ("StartingPosition", "LATEST", "may be missed");
    for kind in ["kinesis", "dynamodb", "msk", "documentdb"] {
        plain(
            kind,
            latest,
            json!({}),
            json!({"StartingPosition": "TRIM_HORIZON"}),
        );
    }
}

#[test]
fn windows_of_dynamodb_come_in_two_parts() {
    let tumbling = json!({"TumblingWindowInSeconds": 60});
    let parts = ("TumblingWindowInSeconds", "60", "closes a shard");
    plain("dynamodb", parts, tumbling.clone(), json!({}));
    assert_eq!(
        about(&found("kinesis", &tumbling, &Facts::default()), parts.0, ""),
        None
    );
}

#[test]
fn more_readers_than_a_shard_has_room_for() {
    let readers: Vec<Mapping> = (8..10)
        .map(|id| another(id, with("dynamodb", json!({"FunctionName": "g"}))))
        .collect();
    let (two, one): (Vec<&Mapping>, [&Mapping; 1]) = (readers.iter().collect(), [&readers[0]]);
    let crowded = ("EventSourceArn", TABLE, "3 mappings read this stream");
    depends(
        "dynamodb",
        crowded,
        &json!({}),
        Facts::of(&two),
        Facts::of(&one),
    );
}

#[test]
fn pollers_have_no_partition_to_read() {
    let pollers = |minimum| json!({"ProvisionedPollerConfig": {"MinimumPollers": minimum}});
    let idle = (
        "ProvisionedPollerConfig",
        "MinimumPollers 7",
        "6 partitions",
    );
    let facts = Facts::default().with_shards(Some(6));
    known("msk", idle, &facts, pollers(7), pollers(6));
}
