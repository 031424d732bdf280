//! A whole topic: each record once, by more pollers than partitions, and nothing left over.

use std::time::Duration;

use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{again, map, times};
use crate::function::{Reply, pending};
use crate::stage::Stage;

const RECORDS: usize = 200_000;
const PARTITIONS: i32 = 3;
const BATCH: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_pollers_process_each_record_of_three_partitions_once() {
    let random = pending(async |_| {
        sleep(Duration::from_millis(fastrand::u64(0..40))).await;
        Reply::done()
    });
    let Some(mut stage) = Stage::start([("shared", random)]).await else {
        return;
    };
    let kafka = stage.kafka.clone();
    let topic = kafka
        .topic("shared", TopicOptions::partitions(PARTITIONS))
        .await;
    let group = kafka.share_group(&[]).await;
    let begun = Instant::now();
    let members = json!({
        "BatchSize": BATCH,
        "ProvisionedPollerConfig": { "MinimumPollers": 10, "MaximumPollers": 10 },
    });
    let uuid = map(&stage, &topic, &group, "shared", &members).await;
    topic.fill(0, RECORDS).await;
    let produced = begun.elapsed();
    stage.until_records("shared", RECORDS).await;
    let known = kafka.until_shared_out(&group, &topic).await;
    println!(
        "{RECORDS} records produced within {produced:?}, done within {:?}",
        begun.elapsed()
    );
    assert_eq!((known.state.as_str(), known.members), ("Stable", 1));
    assert_eq!(kafka.share_group_by_tool(&group).await, known);
    let calls = stage.functions.calls("shared");
    assert!(calls.iter().all(|call| call.records.len() <= BATCH));
    let repeated = again(&times(&calls), 0..RECORDS);
    assert_eq!(repeated, 0, "records came again");
    let status = stage.status(uuid).await;
    println!("{status}");

    stage.stop().await;
    until("the group is left", async || {
        let known = kafka.describe_share_group(&group).await;
        (known.members == 0 && known.state == "Empty").then_some(())
    })
    .await;
}
