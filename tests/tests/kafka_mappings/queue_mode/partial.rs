//! Functions that name the records that failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lambda_esm_tests::kafka::TopicOptions;
use serde_json::{Value, json};

use super::{map, times};
use crate::function::{Reply, Seen, answering};
use crate::stage::Stage;

const RECORDS: usize = 40;
/// Every one of these fails the first two times.
const FAILING: [usize; 3] = [4, 11, 30];

/// Runs a function that names failed records so, and checks that they alone come again.
async fn named(name: &str, identifier: fn(&Seen) -> Value) {
    let tries: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    let script = answering(move |records: &[Seen]| {
        let mut tries = tries.lock().unwrap();
        let mut fails = |record: &&Seen| {
            let tries = tries.entry(record.number()).or_default();
            *tries += 1;
            FAILING.contains(&record.number()) && *tries <= 2
        };
        let failed = records.iter().filter(|record| fails(record));
        let failed = failed.map(|record| json!({ "itemIdentifier": identifier(record) }));
        let failed: Vec<Value> = failed.collect();
        Reply::Says(json!({ "batchItemFailures": failed }).to_string())
    });
    let Some(stage) = Stage::start([(name, script)]).await else {
        return;
    };
    let topic = stage.kafka.topic(name, TopicOptions::partitions(2)).await;
    let group = stage.kafka.share_group(&[]).await;
    topic.fill(0, RECORDS).await;
    let members = json!({
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ProvisionedPollerConfig": { "MinimumPollers": 1, "MaximumPollers": 1 },
    });
    map(&stage, &topic, &group, name, &members).await;
    let all = RECORDS + 2 * FAILING.len();
    stage.until_records(name, all).await;
    stage.kafka.until_shared_out(&group, &topic).await;
    let times = times(&stage.functions.calls(name));
    for number in 0..RECORDS {
        let expected = if FAILING.contains(&number) { 3 } else { 1 };
        assert_eq!(times[&number], expected, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_named_by_partition_and_offset_alone_come_again() {
    named("objects", |record| {
        let partition = format!("{}-{}", record.topic, record.partition);
        json!({ "partition": partition, "offset": record.offset })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_named_by_one_text_alone_come_again() {
    named("texts", |record| {
        let Seen {
            topic,
            partition,
            offset,
            ..
        } = record;
        json!(format!("{topic}-{partition}-{offset}"))
    })
    .await;
}
