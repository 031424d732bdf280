//! Many mappings.

use futures::future::join_all;
use lambda_esm_tests::kafka::TopicOptions;
use serde_json::json;

use super::function::fine;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_mappings_of_one_topic_get_every_record_each() {
    let Some(stage) = Stage::start([("one", fine()), ("other", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("twice", TopicOptions::partitions(4))
        .await;
    let none = json!({});
    let (one, other) = tokio::join!(
        stage.map(&topic, "one", &none),
        stage.map(&topic, "other", &none),
    );
    topic.fill(0, 1_000).await;
    stage.until_committed(one, &topic).await;
    stage.until_committed(other, &topic).await;
    for name in ["one", "other"] {
        stage.assert_once(name, 0..1_000);
    }
}

const MANY: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_mappings_of_one_cluster_read_side_by_side() {
    let names: Vec<String> = (0..MANY).map(|number| format!("f{number}")).collect();
    let scripts = names.iter().map(|name| (name.clone(), fine()));
    let Some(stage) = Stage::start_with(scripts.collect(), &json!({})).await else {
        return;
    };
    let lives = names.iter().map(async |name| {
        let topic = stage.kafka.topic(name, TopicOptions::partitions(2)).await;
        let uuid = stage.map(&topic, name, &json!({})).await;
        topic.fill(0, 50).await;
        stage.until_committed(uuid, &topic).await;
        stage.assert_once(name, 0..50);
    });
    join_all(lives).await;
}
