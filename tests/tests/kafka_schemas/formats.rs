//! Each format, as JSON and as it is.

use lambda_esm_tests::kafka::{Kafka, Record, TopicOptions};
use lambda_esm_tests::{Python, Recording, until_within};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::registry::{Format, Registry, order};
use crate::scene::{BOUND, Scene};

/// What Powertools made of a record.
#[derive(Clone, Debug, Deserialize)]
struct Read {
    topic: String,
    offset: i64,
    key: String,
    value: Value,
    schemas: [Value; 2],
}

/// The formats of key and value in events, which a function is made for.
const FUNCTIONS: [[Format; 2]; 4] = [
    [Format::Avro, Format::Avro],
    [Format::Avro, Format::Protobuf],
    [Format::Avro, Format::Json],
    [Format::Json, Format::Json],
];

fn function([key, value]: [Format; 2]) -> String {
    format!("{}-{}", key.name(), value.name())
}

fn sections(python: &Python, recording: &Recording, glue: Option<&str>) -> Value {
    let functions = FUNCTIONS.iter().map(|[key, value]| {
        let env = [("KEY_TYPE", key.name()), ("VALUE_TYPE", value.name())];
        let mut section = python.section("kafka_schemas.handler", recording, &env);
        section["concurrency"] = json!(1);
        section["timeout"] = json!(60);
        (function([*key, *value]), section)
    });
    let functions: serde_json::Map<String, Value> = functions.collect();
    let endpoints = json!({ "aws": "http://127.0.0.1:1", "glue": glue });
    match glue {
        Some(_) => json!({ "functions": functions, "endpoints": endpoints }),
        None => json!({ "functions": functions }),
    }
}

/// Three orders of each format, the second of which the filter leaves out, reach functions that read them with Powertools.
async fn all_are_read(kafka: &Kafka, registry: &Registry, scene: Scene) {
    let keys = registry.texts().await;
    let mut expected = Vec::new();
    for format in Format::ALL {
        let values = registry.orders(format).await;
        let topic = kafka.topic("schemas", TopicOptions::partitions(1)).await;
        let kinds = ["kept", "left-out", "kept"].into_iter().zip(1..);
        let records = kinds.map(|(kind, id)| {
            let key = keys.text(&format!("key {id}"));
            Record::new(values.order(id, kind)).key(key)
        });
        topic.produce(records).await;
        for (delivered, formats) in [
            ("JSON", [Format::Json, Format::Json]),
            ("SOURCE", [Format::Avro, format]),
        ] {
            let config = json!({
                "SchemaRegistryURI": registry.uri(),
                "EventRecordFormat": delivered,
                "SchemaValidationConfigs": [{ "Attribute": "KEY" }, { "Attribute": "VALUE" }],
            });
            let more = json!({
                "FilterCriteria": { "Filters": [{ "Pattern": r#"{"value":{"kind":["kept"]}}"# }] },
            });
            let uuid = scene.map(&topic, &function(formats), &config, &more).await;
            let schema =
                |format: Format, id: &str| json!({ "dataFormat": format.name(), "schemaId": id });
            let schemas = [schema(formats[0], &keys.id), schema(formats[1], &values.id)];
            expected.push((topic.name().to_owned(), schemas, uuid));
        }
    }
    for (name, schemas, uuid) in expected {
        let what = format!("{name} is read by {schemas:?}");
        let of_mapping = async || {
            let all: Vec<Read> = scene.recording.lines();
            let own = all
                .into_iter()
                .filter(|read| read.topic == name && read.schemas == schemas);
            let own: Vec<Read> = own.collect();
            (own.len() >= 2).then_some(own)
        };
        let read = until_within(BOUND, &what, of_mapping).await;
        let shown: Vec<_> = read
            .iter()
            .map(|read| (read.offset, &*read.key, &read.value))
            .collect();
        let orders = [order(1, "kept"), order(3, "kept")];
        assert_eq!(
            shown,
            [(0, "key 1", &orders[0]), (2, "key 3", &orders[1])],
            "{what}"
        );
        assert_eq!(
            scene.counter(&uuid, "FilteredOutEventCount").await,
            1,
            "{what}"
        );
    }
    scene.stop(&[]).await;
}

#[tokio::test]
async fn records_of_a_confluent_registry_are_filtered_by_their_values_and_read_by_powertools() {
    let (Some(kafka), Some(registry), Some(python)) =
        (Kafka::shared(), Registry::confluent(), Python::find())
    else {
        return;
    };
    let more = |recording: &Recording| sections(&python, recording, None);
    let scene = Scene::start(&kafka, &[], more).await;
    all_are_read(&kafka, &registry, scene).await;
}

#[tokio::test]
async fn records_of_a_glue_registry_are_filtered_by_their_values_and_read_by_powertools() {
    let (Some(kafka), Some(registry), Some(python)) =
        (Kafka::shared(), Registry::glue().await, Python::find())
    else {
        return;
    };
    let more = |recording: &Recording| sections(&python, recording, Some(registry.server()));
    let scene = Scene::start(&kafka, &[], more).await;
    all_are_read(&kafka, &registry, scene).await;
}
