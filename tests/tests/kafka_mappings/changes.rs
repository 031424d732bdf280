//! Mappings that are changed, and daemons that are restarted, while records arrive.

use std::time::Duration;

use lambda_esm_tests::kafka::{Topic, TopicOptions};
use serde_json::json;
use tokio::time::sleep;

use super::function::{Reply, Script, fine, pending};
use super::stage::Stage;

/// Returns a function that takes 20 ms.
fn steady() -> Script {
    pending(async |_| {
        sleep(Duration::from_millis(20)).await;
        Reply::done()
    })
}

/// Puts so many records, a few at a time.
async fn trickle(topic: &Topic, first: usize, count: usize) {
    for part in 0..count / 20 {
        topic.fill(first + part * 20, 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_repeated_while_a_mapping_is_disabled_enabled_and_changed() {
    let Some(stage) = Stage::start([("changes", steady())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("changes", TopicOptions::partitions(4))
        .await;
    let members = json!({ "BatchSize": 7, "MaximumBatchingWindowInSeconds": 0 });
    let uuid = stage.map(&topic, "changes", &members).await;
    let changes = async {
        stage.until_records("changes", 100).await;
        stage.update(uuid, &json!({ "Enabled": false })).await;
        stage.until_state(uuid, "Disabled").await;
        let before = stage.functions.records("changes");
        assert_eq!(stage.settled(uuid, &topic).await, before);
        let members = stage.kafka.group(&uuid.to_string()).await;
        assert_eq!(members, Some((0, "Empty".to_owned())), "while disabled");
        stage.update(uuid, &json!({ "Enabled": true })).await;
        stage.until_state(uuid, "Enabled").await;
        stage.until_records("changes", before + 100).await;
        let calls = stage.functions.calls("changes").len();
        stage.update(uuid, &json!({ "BatchSize": 3 })).await;
        stage.until_state(uuid, "Enabled").await;
        calls
    };
    let ((), calls) = tokio::join!(trickle(&topic, 0, 2_000), changes);
    trickle(&topic, 2_000, 400).await;
    stage.until_committed(uuid, &topic).await;
    stage.assert_once("changes", 0..2_400);
    let calls = &stage.functions.calls("changes")[calls..];
    let last = &calls[calls.len() - 100..];
    assert!(
        last.iter().all(|call| call.records.len() <= 3),
        "the last hundred have three records at most"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_that_is_deleted_settles_what_runs_and_leaves_its_group() {
    let Some(stage) = Stage::start([("deleted", steady()), ("heir", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("deleted", TopicOptions::partitions(4))
        .await;
    topic.fill(0, 2_000).await;
    let group = format!("heirs-{}", uuid::Uuid::new_v4().simple());
    let members = json!({
        "BatchSize": 7,
        "SelfManagedKafkaEventSourceConfig": { "ConsumerGroupId": group },
    });
    let uuid = stage.map(&topic, "deleted", &members).await;
    stage.until_records("deleted", 100).await;
    stage.delete(uuid).await;
    let members = stage.kafka.group(&group).await;
    assert_eq!(members, Some((0, "Empty".to_owned())));
    // Another mapping goes on where it ended.
    let given = stage.functions.records("deleted");
    assert_eq!(stage.settled(&group, &topic).await, given);
    let members = json!({ "SelfManagedKafkaEventSourceConfig": { "ConsumerGroupId": group } });
    stage.map(&topic, "heir", &members).await;
    stage.until_committed(&group, &topic).await;
    let mut numbers = stage.sorted_numbers("deleted");
    numbers.extend(stage.sorted_numbers("heir"));
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_restarted_goes_on_from_what_its_group_has_committed() {
    let Some(mut stage) = Stage::start([("restarted", steady())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("restarted", TopicOptions::partitions(4))
        .await;
    topic.fill(0, 1_500).await;
    let members = json!({ "BatchSize": 7 });
    let uuid = stage.map(&topic, "restarted", &members).await;
    for restart in 1..=2 {
        let before = stage.functions.records("restarted");
        stage.until_records("restarted", before + 100).await;
        stage.stop().await;
        let given = stage.functions.records("restarted");
        assert_eq!(
            stage.settled(uuid, &topic).await,
            given,
            "restart {restart}"
        );
        topic.fill(1_500 + (restart - 1) * 100, 100).await;
        stage.run().await;
    }
    stage.until_committed(uuid, &topic).await;
    stage.assert_once("restarted", 0..1_700);
}
