//! Records that no filter lets through.

use lambda_esm_tests::kafka::{Record, TopicOptions};
use serde_json::json;

use super::function::fine;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_filter_lets_through_is_committed_and_not_delivered() {
    let Some(stage) = Stage::start([("some", fine()), ("none", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("filtered", TopicOptions::partitions(3))
        .await;
    let filter =
        |pattern: &str| json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    let some = filter(r#"{"value":{"n":[{"numeric":[">=",100]}]}}"#);
    let none = filter(r#"{"value":{"other":["x"]}}"#);
    let (some, none) = tokio::join!(
        stage.map(&topic, "some", &some),
        stage.map(&topic, "none", &none),
    );
    topic.fill(0, 200).await;
    stage.until_committed(some, &topic).await;
    stage.until_committed(none, &topic).await;
    stage.assert_once("some", 100..200);
    assert_eq!(stage.functions.calls("none").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_no_json_passes_a_filter_of_members_and_json_one_of_text() {
    let Some(stage) = Stage::start([("members", fine()), ("text", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("formats", TopicOptions::partitions(1))
        .await;
    let filter =
        |pattern: &str| json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    let members = filter(r#"{"value":{"n":[1]}}"#);
    let text = filter(r#"{"value":["yes"]}"#);
    let (members, text) = tokio::join!(
        stage.map(&topic, "members", &members),
        stage.map(&topic, "text", &text),
    );
    let values: [&[u8]; 5] = [b"{\"n\":1}", b"{\"n\":2}", b"yes", b"no", b"\xff"];
    topic.produce(values.map(Record::new)).await;
    stage.until_committed(members, &topic).await;
    stage.until_committed(text, &topic).await;
    let offsets = |function: &str| -> Vec<i64> {
        let calls = stage.functions.calls(function);
        calls
            .iter()
            .flat_map(|call| &call.records)
            .map(|record| record.offset)
            .collect()
    };
    assert_eq!(offsets("members"), [0, 2, 3, 4]);
    assert_eq!(offsets("text"), [0, 1, 2, 4]);
}
