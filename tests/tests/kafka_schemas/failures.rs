//! Records that cannot be decoded.

use bytes::Bytes;
use lambda_esm_tests::kafka::{Kafka, Record, TopicOptions};
use lambda_esm_tests::ministack;
use lambda_esm_tests::streams::Office;
use serde_json::{Value, json};

use crate::registry::{Format, Registry, order};
use crate::scene::Scene;

#[tokio::test]
async fn what_cannot_be_decoded_is_told_or_dropped_and_what_is_behind_goes_on() {
    let (Some(kafka), Some(registry), Some(office)) =
        (Kafka::shared(), Registry::confluent(), Office::find())
    else {
        return;
    };
    let orders = registry.orders(Format::Avro).await;
    let topic = kafka.topic("undecoded", TopicOptions::partitions(1)).await;
    let whole = orders.order(9, "kept");
    let unknown = Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xf0, 2]);
    let values = [
        orders.order(1, "kept"),
        unknown,
        orders.order(2, "kept"),
        whole.slice(..whole.len() - 2),
        orders.order(3, "kept"),
        Bytes::from_static(b"plain"),
        orders.order(4, "kept"),
    ];
    topic
        .produce(values.map(|value| Record::new(value).key("plain key")))
        .await;

    let functions = ["told", "dropped"];
    let more = |_: &_| json!({ "endpoints": { "aws": ministack().unwrap() } });
    let scene = Scene::start(&kafka, &functions, more).await;
    let config = json!({
        "SchemaRegistryURI": registry.uri(),
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{ "Attribute": "VALUE" }],
    });
    let mailbox = office.queue().await;
    let destination = json!({ "DestinationConfig": mailbox.config() });
    let told = scene.map(&topic, "told", &config, &destination).await;
    let dropped = scene.map(&topic, "dropped", &config, &Value::Null).await;

    let good: Vec<_> = (1..=4)
        .map(|id| (i64::from(id) * 2 - 2, order(id, "kept")))
        .collect();
    for (function, uuid) in functions.into_iter().zip([&told, &dropped]) {
        scene.until_committed(uuid, &topic, &[(0, 7)]).await;
        assert_eq!(scene.records(function), good, "{function}");
        assert_eq!(scene.counter(uuid, "SchemaRegistryErrorCount").await, 3);
    }
    let mut letters = Vec::new();
    for letter in mailbox.until(3).await {
        let document: Value = serde_json::from_str(&letter.body).unwrap();
        let parts = document["KafkaBatchInfo"]["recordsInfo"]
            .as_object()
            .unwrap();
        let part = &parts[&format!("{}-0", topic.name())];
        assert_eq!(parts.len(), 1, "{document}");
        assert_eq!(
            part["firstRecordOffset"], part["lastRecordOffset"],
            "{document}"
        );
        assert_eq!(document["KafkaBatchInfo"]["batchSize"], 1, "{document}");
        assert_eq!(document["responseContext"], Value::Null, "{document}");
        assert_eq!(
            document["requestContext"]["approximateInvokeCount"], 1,
            "{document}"
        );
        let condition = document["requestContext"]["condition"].as_str().unwrap();
        letters.push((
            part["firstRecordOffset"].as_str().unwrap().to_owned(),
            condition.to_owned(),
        ));
    }
    letters.sort();
    let expected = [
        ("1", "SCHEMA_NOT_FOUND"),
        ("3", "DESERIALIZATION_ERROR"),
        ("5", "DESERIALIZATION_ERROR"),
    ];
    assert_eq!(
        letters,
        expected.map(|(offset, condition)| (offset.to_owned(), condition.to_owned()))
    );
    assert_eq!(scene.counter(&told, "DroppedEventCount").await, 0);
    assert_eq!(
        scene
            .counter(&told, "OnFailureDestinationDeliveredEventCount")
            .await,
        3
    );
    assert_eq!(scene.counter(&dropped, "DroppedEventCount").await, 3);
    scene.stop(&[]).await;
}
