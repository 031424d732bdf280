//! A whole topic: each record once, in the order of its partition, and nothing left over.

use std::collections::HashSet;

use lambda_esm_tests::kafka::{Record, TopicOptions};
use serde_json::json;
use tokio::time::Instant;

use super::function::fine;
use super::stage::{Stage, assert_in_order};

const RECORDS: usize = 100_000;
const PARTITIONS: i32 = 12;
const BATCH: usize = 500;

fn record(number: usize) -> Record {
    let partition = i32::try_from(number).unwrap() % PARTITIONS;
    // 200 bytes in all.
    Record::new(format!("{{\"n\":{number},\"text\":\"{:x>176}\"}}", "")).partition(partition)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_of_twelve_partitions_is_handled_once_and_in_order() {
    let Some(stage) = Stage::start([("whole", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("whole", TopicOptions::partitions(PARTITIONS))
        .await;
    let begun = Instant::now();
    let members = json!({ "BatchSize": BATCH, "MaximumBatchingWindowInSeconds": 1 });
    let uuid = stage.map(&topic, "whole", &members).await;
    for first in (0..RECORDS).step_by(20_000) {
        topic.produce((first..first + 20_000).map(record)).await;
    }
    let produced = begun.elapsed();
    stage.until_committed(uuid, &topic).await;
    println!(
        "{RECORDS} records produced within {produced:?}, committed within {:?}",
        begun.elapsed()
    );
    let calls = stage.functions.calls("whole");
    assert_in_order(&calls);
    let mut places = HashSet::new();
    for call in &calls {
        assert!(
            call.records.len() <= BATCH,
            "{} records",
            call.records.len()
        );
        places.extend(
            call.records
                .iter()
                .map(|record| (record.partition, record.offset)),
        );
    }
    assert_eq!(
        stage.functions.records("whole"),
        RECORDS,
        "records with repeats"
    );
    assert_eq!(places.len(), RECORDS, "different records");
}
