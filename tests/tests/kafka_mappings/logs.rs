//! Offsets at which no consumer sees a record: the group is committed beyond them.

use lambda_esm_tests::kafka::{Record, TopicOptions};
use lambda_esm_tests::until;
use serde_json::json;

use super::function::fine;
use super::stage::Stage;

fn numbered(numbers: std::ops::Range<usize>) -> Vec<Record> {
    let record = |n| Record::new(format!("{{\"n\":{n}}}")).partition(0);
    numbers.map(record).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aborted_records_are_not_seen_and_the_markers_are_committed() {
    let Some(stage) = Stage::start([("transactions", fine()), ("dirty", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("transactions", TopicOptions::partitions(1))
        .await;
    topic.transaction(numbered(0..5), true).await;
    topic.transaction(numbered(100..105), false).await;
    let uuid = stage.map(&topic, "transactions", &json!({})).await;
    stage.until_committed(uuid, &topic).await;
    topic.transaction(numbered(5..10), true).await;
    topic.transaction(numbered(105..110), false).await;
    stage.until_committed(uuid, &topic).await;
    assert_eq!(topic.watermarks(0).await.1, 24);
    stage.assert_once("transactions", 0..10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gaps_of_compaction_leave_nothing_uncommitted() {
    let Some(stage) = Stage::start([("compacted", fine())]).await else {
        return;
    };
    let options = TopicOptions::partitions(1)
        .set("cleanup.policy", "compact")
        .set("segment.ms", 100)
        .set("min.cleanable.dirty.ratio", 0.01)
        .set("delete.retention.ms", 0);
    let topic = stage.kafka.topic("compacted", options).await;
    let keyed = |n: usize| Record::new(format!("{{\"n\":{n}}}")).key(format!("{}", n % 3));
    topic.produce((0..60).map(keyed)).await;
    let mut next = 60;
    let left = until("the log is compacted", async || {
        // A segment ends with the next record.
        topic.produce([keyed(next)]).await;
        next += 1;
        let left = topic.read(0).await;
        (left.first().is_some_and(|first| *first > 40)).then_some(left)
    })
    .await;
    let uuid = stage.map(&topic, "compacted", &json!({})).await;
    stage.until_committed(uuid, &topic).await;
    let calls = stage.functions.calls("compacted");
    let records = calls.iter().flat_map(|call| &call.records);
    let offsets: Vec<i64> = records.map(|record| record.offset).collect();
    // Compaction may have gone on since.
    assert!(
        offsets.is_sorted() && offsets.iter().all(|offset| left.contains(offset)),
        "{offsets:?} of {left:?}"
    );
    assert_eq!(offsets.last(), left.last());
}
