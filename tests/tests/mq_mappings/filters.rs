//! Filters on `data`, by the forms of body and pattern.

use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};
use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::until;
use serde_json::json;

use super::stage::{map, stage};

const BODIES: [&[u8]; 5] = [br#"{"n":1}"#, br#"{"n":2}"#, b"plain", b"\xff\xfe", b"last"];

/// Maps a queue with these bodies and a pattern, and returns which of them the function got.
async fn passes(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let rabbit = Rabbit::shared()?;
    let mut stage = stage(&rabbit, [("filtered", fine())]).await;
    let queue = rabbit
        .queue("filtered", RabbitQueueOptions::default())
        .await;
    queue.publish(BODIES).await;
    let filters = json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    let uuid = map(&stage, queue.name(), "filtered", &filters).await;
    until("every message was handled or passed over", async || {
        let counts = stage.status(uuid).await["counts"].clone();
        let count = |name: &str| counts[name].as_u64().unwrap();
        let done = count("InvokedEventCount") + count("FilteredOutEventCount");
        (done == BODIES.len() as u64).then_some(())
    })
    .await;
    stage.stop().await;
    assert_eq!(
        queue.ready().await,
        0,
        "what passes no filter is acknowledged"
    );
    queue.delete().await;
    let calls = stage.functions.calls("filtered");
    let records = calls.into_iter().flat_map(|call| call.records);
    Some(records.map(|seen| seen.data.to_vec()).collect())
}

#[tokio::test]
async fn a_pattern_of_json_decides_on_json_and_leaves_the_rest_to_the_metadata() {
    if let Some(passed) = passes(r#"{"data":{"n":[1]}}"#).await {
        let expected: Vec<&[u8]> = vec![br#"{"n":1}"#, b"plain", b"\xff\xfe", b"last"];
        assert_eq!(passed, expected);
    }
}

#[tokio::test]
async fn a_pattern_of_text_decides_on_text_and_leaves_the_rest_to_the_metadata() {
    if let Some(passed) = passes(r#"{"data":["plain"]}"#).await {
        let expected: Vec<&[u8]> = vec![br#"{"n":1}"#, br#"{"n":2}"#, b"plain", b"\xff\xfe"];
        assert_eq!(passed, expected);
    }
}

#[tokio::test]
async fn a_pattern_on_the_properties_decides_whatever_the_body_is() {
    let pattern = r#"{"basicProperties":{"deliveryMode":[1]}}"#;
    if let Some(passed) = passes(pattern).await {
        assert_eq!(passed, Vec::<Vec<u8>>::new());
    }
}
