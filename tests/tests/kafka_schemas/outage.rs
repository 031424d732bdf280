//! A registry that is down.

use lambda_esm_tests::kafka::{Kafka, Record, TopicOptions};
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::registry::{Format, Registry, order};
use crate::scene::Scene;

#[tokio::test]
async fn a_registry_that_is_down_holds_up_a_partition_until_it_is_back() {
    let (Some(kafka), Some(registry)) = (Kafka::shared(), Registry::confluent()) else {
        return;
    };
    let known = registry.orders(Format::Avro).await;
    let unknown = registry.orders(Format::Json).await;
    let topic = kafka.topic("held-up", TopicOptions::partitions(2)).await;
    let plain = kafka.topic("plain", TopicOptions::partitions(1)).await;
    let gate = Gate::to(registry.server()).await;
    let scene = Scene::start(&kafka, &["f", "other"], |_| json!({})).await;
    let url = registry.uri().replace(registry.server(), &gate.url());
    let config = json!({
        "SchemaRegistryURI": url,
        "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{ "Attribute": "VALUE" }],
    });
    topic
        .produce([Record::new(known.order(1, "first")).partition(0)])
        .await;
    let uuid = scene.map(&topic, "f", &config, &Value::Null).await;
    let other = scene.map(&plain, "other", &Value::Null, &Value::Null).await;
    // Of the other partition it is committed that it holds nothing.
    scene
        .until_committed(&uuid, &topic, &[(0, 1), (1, 0)])
        .await;

    gate.close();
    let behind = [
        Record::new(unknown.order(2, "waits")).partition(0),
        Record::new(known.order(3, "waits")).partition(0),
    ];
    topic.produce(behind).await;
    scene
        .until_problem(&uuid, &["schema registry", &gate.url()])
        .await;
    // What needs no registry goes on: by schemas that are known, and of other mappings.
    topic
        .produce([Record::new(known.order(4, "goes on")).partition(1)])
        .await;
    plain.produce([Record::new("{}")]).await;
    let before = [(0, order(1, "first")), (0, order(4, "goes on"))];
    assert_eq!(scene.until_records("f", 2).await, before);
    scene.until_records("other", 1).await;
    scene.until_well(&other).await;
    let errors = scene.counter(&uuid, "SchemaRegistryErrorCount").await;
    assert!(errors >= 1, "{errors}");
    scene
        .until_committed(&uuid, &topic, &[(0, 1), (1, 1)])
        .await;
    assert_eq!(scene.records("f"), before);

    gate.open();
    scene
        .until_committed(&uuid, &topic, &[(0, 3), (1, 1)])
        .await;
    let behind = [(1, order(2, "waits")), (2, order(3, "waits"))];
    assert_eq!(scene.records("f"), [&before[..], &behind].concat());
    scene.until_well(&uuid).await;
    assert_eq!(scene.counter(&uuid, "DroppedEventCount").await, 0);
    scene.stop(&[]).await;
}
