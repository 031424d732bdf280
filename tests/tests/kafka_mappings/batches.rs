//! Batches that hold records of several partitions.

use std::collections::BTreeSet;

use lambda_esm_tests::kafka::TopicOptions;
use serde_json::json;

use super::function::fine;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_holds_what_several_partitions_have_within_the_window() {
    let Some(stage) = Stage::start([("several", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("several", TopicOptions::partitions(4))
        .await;
    topic.fill(0, 40).await;
    let members = json!({ "BatchSize": 1_000, "MaximumBatchingWindowInSeconds": 3 });
    let uuid = stage.map(&topic, "several", &members).await;
    stage.until_committed(uuid, &topic).await;
    let calls = stage.functions.calls("several");
    assert_eq!(stage.functions.records("several"), 40);
    let partitions = |call: &super::function::Call| -> BTreeSet<String> {
        let event = call.event();
        event["records"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let most = calls
        .iter()
        .map(partitions)
        .max_by_key(BTreeSet::len)
        .unwrap();
    let expected = (0..4).map(|number| format!("{}-{number}", topic.name()));
    assert_eq!(most, expected.collect(), "of {} batches", calls.len());
}
