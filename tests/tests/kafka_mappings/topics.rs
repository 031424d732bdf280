//! Topics that come and go.

use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::until;
use serde_json::json;

use super::function::fine;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_waits_for_its_topic_and_says_so() {
    let Some(stage) = Stage::start([("later", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("later", TopicOptions::partitions(2))
        .await;
    topic.delete().await;
    let uuid = stage.create(&topic, "later", &json!({})).await;
    until("the mapping says that its topic is not there", async || {
        let mapping = stage.mapping(uuid).await;
        let result = mapping["LastProcessingResult"].as_str()?.to_owned();
        result.contains(topic.name()).then_some(())
    })
    .await;
    topic.make().await;
    topic.fill(0, 10).await;
    stage.until_committed(uuid, &topic).await;
    stage.assert_once("later", 0..10);
    until("all is well", async || {
        let mapping = stage.mapping(uuid).await;
        let well = mapping["State"] == "Enabled" && mapping["LastProcessingResult"] == "OK";
        well.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_made_anew_is_read_from_its_beginning() {
    let Some(stage) = Stage::start([("anew", fine())]).await else {
        return;
    };
    let topic = stage.kafka.topic("anew", TopicOptions::partitions(2)).await;
    let uuid = stage.map(&topic, "anew", &json!({})).await;
    topic.fill(0, 40).await;
    stage.until_committed(uuid, &topic).await;
    topic.recreate().await;
    // Fewer than the group had committed of the old one.
    topic.fill(40, 10).await;
    stage.until_committed(uuid, &topic).await;
    stage.assert_once("anew", 0..50);
}
