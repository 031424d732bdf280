//! Functions in the field read our events of topics as they read AWS's.

use lambda_esm_tests::kafka::{Listener, Record, TopicOptions};
use lambda_esm_tests::{Python, Recording, until};
use serde_json::{Value, json};

use super::payloads::{CLUSTER, TIME};
use super::stage::Stage;

fn bytes(hex: &str) -> Value {
    json!({ "bytes": hex })
}

/// What Powertools' data class makes of the first record.
fn first_read(topic: &str) -> Value {
    json!({
        "topic": topic,
        "partition": 0,
        "offset": 0,
        "timestamp": TIME,
        "timestamp_type": "CREATE_TIME",
        "key": "a2V5/w==",
        "decoded_key": bytes("6b6579ff"),
        "value": "eyJuIjoxfQ==",
        "decoded_value": bytes("7b226e223a317d"),
        "json_value": { "n": 1 },
        "headers": [{ "h": [116, 101, 120, 116] }, { "None": [] }, { "bytes": [0, 127, -128, -1] }],
        "decoded_headers": { "h": bytes("74657874"), "none": bytes(""), "bytes": bytes("007f80ff") },
        "key_schema_metadata": null,
        "value_schema_metadata": null,
    })
}

/// What its parser makes of it.
fn first_parsed(topic: &str) -> Value {
    json!({
        "topic": topic,
        "partition": 0,
        "offset": 0,
        "timestamp": { "datetime": TIME as f64 / 1000.0 },
        "timestampType": "CREATE_TIME",
        "key": bytes("6b6579ff"),
        "value": "{\"n\":1}",
        "headers": [{ "h": bytes("74657874") }, { "None": bytes("") }, { "bytes": bytes("007f80ff") }],
        "keySchemaMetadata": null,
        "valueSchemaMetadata": null,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn powertools_reads_every_property_of_the_events_of_both_kinds_of_clusters() {
    let (Some(python), Some(at)) = (Python::find(), Listener::Plaintext.shared()) else {
        return;
    };
    let recordings = [Recording::default(), Recording::default()];
    let section = |recording| python.section("kafka_shapes.handler", recording, &[]);
    let configuration = json!({
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": { (CLUSTER): at } },
        "functions": { "self": section(&recordings[0]), "msk": section(&recordings[1]) },
    });
    let Some(stage) = Stage::start_with(Vec::new(), &configuration).await else {
        return;
    };
    let options = TopicOptions::partitions(1).set("retention.ms", -1);
    let topic = stage.kafka.topic("shapes", options).await;
    let record = |record: Record| record.partition(0).timestamp(TIME);
    let first = Record::new("{\"n\":1}")
        .key(b"key\xff".as_slice())
        .header("h", Some(b"text"))
        .header("None", None)
        .header("bytes", Some(&[0, 0x7f, 0x80, 0xff]));
    topic
        .produce([record(first), record(Record::new("2"))])
        .await;
    stage.map(&topic, "self", &json!({})).await;
    stage.map_cluster(CLUSTER, &topic, "msk").await;

    let partition = format!("{}-0", topic.name());
    for (recording, (source, arn)) in recordings.iter().zip([
        ("SelfManagedKafka", Value::Null),
        ("aws:kafka", json!(CLUSTER)),
    ]) {
        let line: Value = until("the function has read the event", async || {
            recording.lines().into_iter().next()
        })
        .await;
        let read = &line["read"];
        assert_eq!(read["event_source"], source);
        assert_eq!(read["event_source_arn"], arn);
        assert_eq!(read["bootstrap_servers"], at);
        assert_eq!(read["decoded_bootstrap_servers"], json!([at]));
        assert_eq!(read["records"][0], first_read(topic.name()));
        assert_eq!(read["records"][1]["key"], Value::Null);
        assert_eq!(read["records"][1]["json_value"], 2);
        assert_eq!(read["record"], read["records"][0]);
        let parsed = &line["parsed"];
        assert_eq!(parsed["eventSource"], source);
        assert_eq!(parsed["bootstrapServers"], json!([at]));
        assert_eq!(parsed["records"][&partition][0], first_parsed(topic.name()));
        assert_eq!(parsed["records"][&partition][1]["key"], Value::Null);
    }
}
