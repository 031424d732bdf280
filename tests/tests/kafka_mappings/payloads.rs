//! Events, byte for byte, and as Lambda's types for Rust read them.

use aws_lambda_events::kafka::KafkaEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_esm_tests::kafka::{Record, Topic, TopicOptions};
use lambda_esm_tests::scripted::merge;
use serde_json::json;

use super::function::{Call, fine};
use super::stage::Stage;

pub(super) const CLUSTER: &str =
    "arn:aws:kafka:us-east-1:000000000000:cluster/shop/6e8cca0d-d07c-4a56-8a2e-2c8a35ba4e67-4";
pub(super) const TIME: i64 = 1_700_000_000_123;

/// Puts one record of each form into a topic of one partition.
pub(super) async fn put_each_form(topic: &Topic) {
    let record = |record: Record| record.partition(0).timestamp(TIME);
    topic
        .produce([
            record(Record::new("{\"n\":1}").key("key")),
            record(Record::new(vec![0, 0xff, 7])),
            record(Record::tombstone(vec![0x80, 1])),
            record(Record::new("").key("")),
            record(
                Record::new("headers")
                    .header("h", Some(b"text"))
                    .header("none", None)
                    .header("h", Some(&[0, 0x7f, 0x80, 0xff]))
                    .header("empty", Some(b"")),
            ),
        ])
        .await;
}

/// Returns what stands in the event for them.
fn records_of(topic: &str, time: &str) -> String {
    let record = |offset: i64, rest: &str| {
        format!(r#"{{"topic":"{topic}","partition":0,"offset":{offset},{time},{rest}}}"#)
    };
    [
        record(0, r#""key":"a2V5","value":"eyJuIjoxfQ==","headers":[]"#),
        record(1, r#""value":"AP8H","headers":[]"#),
        record(2, r#""key":"gAE=","headers":[]"#),
        record(3, r#""key":"","value":"","headers":[]"#),
        record(
            4,
            r#""value":"aGVhZGVycw==","headers":[{"h":[116,101,120,116]},{"none":[]},{"h":[0,127,-128,-1]},{"empty":[]}]"#,
        ),
    ]
    .join(",")
}

/// Waits for the one event of a mapping.
async fn only_call(stage: &Stage, function: &str) -> Call {
    let calls = stage.until_records(function, 5).await;
    let [call] = calls.as_slice() else {
        panic!("{} invocations of {function}", calls.len());
    };
    call.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_both_kinds_of_clusters_are_as_documented() {
    let Some(at) = lambda_esm_tests::kafka::Listener::Plaintext.shared() else {
        return;
    };
    let arns = json!({
        "endpoints": { "aws": "http://127.0.0.1:1", "arns": { (CLUSTER): format!("plaintext://{at}") } },
    });
    let scripts = ["self", "msk"].map(|name| (name.to_owned(), fine()));
    let Some(stage) = Stage::start_with(scripts.into(), &arns).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic(
            "payloads",
            TopicOptions::partitions(1).set("retention.ms", -1),
        )
        .await;
    put_each_form(&topic).await;
    stage.map(&topic, "self", &json!({})).await;
    stage.map_cluster(CLUSTER, &topic, "msk").await;

    let name = topic.name();
    let time = format!(r#""timestamp":{TIME},"timestampType":"CREATE_TIME""#);
    let records = records_of(name, &time);
    let call = only_call(&stage, "self").await;
    let expected = format!(
        r#"{{"eventSource":"SelfManagedKafka","bootstrapServers":"{at}","records":{{"{name}-0":[{records}]}}}}"#
    );
    assert_eq!(str::from_utf8(&call.payload).unwrap(), expected);
    let event: KafkaEvent = serde_json::from_slice(&call.payload).unwrap();
    assert_eq!(event.event_source.as_deref(), Some("SelfManagedKafka"));
    let read = &event.records[&format!("{name}-0")];
    assert_eq!(read.len(), 5);
    assert_eq!(read[0].key.as_deref(), Some("a2V5"));
    assert_eq!(
        STANDARD.decode(read[0].value.as_ref().unwrap()).unwrap(),
        b"{\"n\":1}"
    );
    assert_eq!((&read[1].key, &read[2].value), (&None, &None));
    assert_eq!(read[4].headers[2]["h"], [0, 127, -128, -1]);

    let call = only_call(&stage, "msk").await;
    let expected = format!(
        r#"{{"eventSource":"aws:kafka","eventSourceArn":"{CLUSTER}","bootstrapServers":"{at}","records":{{"{name}-0":[{records}]}}}}"#
    );
    assert_eq!(str::from_utf8(&call.payload).unwrap(), expected);
    let event: KafkaEvent = serde_json::from_slice(&call.payload).unwrap();
    assert_eq!(event.event_source_arn.as_deref(), Some(CLUSTER));
    assert_eq!(event.bootstrap_servers.as_deref(), Some(at.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_with_times_of_arrival_says_so() {
    let Some(stage) = Stage::start([("arrivals", fine())]).await else {
        return;
    };
    let options = TopicOptions::partitions(1).set("message.timestamp.type", "LogAppendTime");
    let topic = stage.kafka.topic("arrivals", options).await;
    put_each_form(&topic).await;
    stage.map(&topic, "arrivals", &json!({})).await;
    let call = only_call(&stage, "arrivals").await;
    let event = call.event();
    let mut first = event["records"][format!("{}-0", topic.name())][0].clone();
    let time = first["timestamp"].as_i64().unwrap();
    assert!(time > TIME, "{first}");
    merge(&mut first, &json!({ "timestamp": 0 }));
    let expected = json!({
        "topic": topic.name(), "partition": 0, "offset": 0, "timestamp": 0,
        "timestampType": "LOG_APPEND_TIME", "key": "a2V5", "value": "eyJuIjoxfQ==", "headers": [],
    });
    assert_eq!(first, expected);
}
