//! Where mappings begin.

use lambda_esm_tests::kafka::{Record, TopicOptions};
use serde_json::json;
use uuid::Uuid;

use super::function::fine;
use super::stage::Stage;

/// Seconds since the Unix epoch, between the two halves of the old records.
const BETWEEN: i64 = 1_700_000_500;

fn old(number: usize) -> Record {
    let seconds = if number < 10 { BETWEEN - 100 } else { BETWEEN };
    let partition = i32::try_from(number % 2).unwrap();
    Record::new(format!("{{\"n\":{number}}}"))
        .partition(partition)
        .timestamp(seconds * 1000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_begins_where_it_is_told_unless_its_group_has_committed() {
    let names = ["oldest", "newest", "time", "group"];
    let scripts = names.map(|name| (name, fine()));
    let Some(stage) = Stage::start(scripts).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic(
            "starts",
            TopicOptions::partitions(2).set("retention.ms", -1),
        )
        .await;
    topic.produce((0..20).map(old)).await;
    let group = format!("known-{}", Uuid::new_v4().simple());
    stage.kafka.commit(&group, &topic, &[(0, 3), (1, 7)]).await;

    let oldest = json!({});
    let newest = json!({ "StartingPosition": "LATEST" });
    let time = json!({ "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": BETWEEN });
    let known = json!({
        "StartingPosition": "LATEST",
        "SelfManagedKafkaEventSourceConfig": { "ConsumerGroupId": group },
    });
    let (oldest, newest, time, known) = tokio::join!(
        stage.map(&topic, "oldest", &oldest),
        stage.map(&topic, "newest", &newest),
        stage.map(&topic, "time", &time),
        stage.map(&topic, "group", &known),
    );
    // As soon as they are enabled.
    topic.fill(20, 10).await;

    for uuid in [oldest, newest, time] {
        // Its UUID is the group of a mapping that names none.
        stage.until_committed(uuid, &topic).await;
    }
    stage.until_committed(&group, &topic).await;
    assert_eq!(
        stage
            .kafka
            .group(&known.to_string())
            .await
            .filter(|(members, _)| *members > 0),
        None
    );
    stage.assert_once("oldest", 0..30);
    stage.assert_once("newest", 20..30);
    stage.assert_once("time", 10..30);
    // Partition 0 has the even numbers: 6 at offset 3; partition 1 the odd ones: 15 at offset 7.
    let expected = (0..30).filter(|n| if n % 2 == 0 { *n >= 6 } else { *n >= 15 });
    assert_eq!(stage.sorted_numbers("group"), expected.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_added_is_read_from_its_oldest_record() {
    let Some(stage) = Stage::start([("added", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("added", TopicOptions::partitions(1))
        .await;
    let newest = json!({ "StartingPosition": "LATEST" });
    let uuid = stage.map(&topic, "added", &newest).await;
    topic.add_partitions(3).await;
    // Before the daemon can have heard of them.
    topic.fill(0, 30).await;
    stage.until_committed(uuid, &topic).await;
    stage.assert_once("added", 0..30);
}
