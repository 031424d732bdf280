//! Functions in the field read our events of Amazon MQ as they read AWS's.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use lambda_esm::Timestamp;
use lambda_esm::mapping::FunctionRef;
use lambda_esm::ports::{InvokeBackend as _, InvokeRequest};
use lambda_esm::record::{
    ActiveMqKind, ActiveMqMessage, BasicProperties, FieldValue, PushedContent, RabbitMqMessage,
};
use lambda_esm_core::event::mq::MqEncoder;
use lambda_esm_tests::{Python, Recording};
use serde_json::{Value, json};

const BROKER: &str = "arn:aws:mq:eu-west-1:123456789012:broker:orders:b-9bcfa592";

/// Returns what Powertools reads of the event of one message; `None` if there is no Python.
async fn read(encoder: &MqEncoder, content: &PushedContent) -> Option<Value> {
    let python = Python::find()?;
    let recording = Recording::default();
    let backend = python.backend("mq_shapes.handler", &recording, &[]);
    let mut fragment = Vec::new();
    encoder.write(&mut fragment, content);
    let event = encoder.event([fragment.as_slice()].into_iter());
    let function = FunctionRef::parse("function").unwrap();
    backend
        .invoke(InvokeRequest::new(function, event))
        .await
        .unwrap();
    let lines: Vec<Value> = recording.lines();
    Some(lines[0]["read"].clone())
}

#[tokio::test]
async fn powertools_reads_every_property_of_a_rabbitmq_event() {
    let text = |text: &str| Some(text.to_owned());
    let headers = vec![
        ("text".to_owned(), FieldValue::LongString("v1".into())),
        ("number".to_owned(), FieldValue::Integer(10)),
    ];
    let properties = BasicProperties::default()
        .with_content_type(text("application/json"))
        .with_headers(Some(headers))
        .with_delivery_mode(Some(2))
        .with_timestamp(Some(2_021))
        .with_message_id(text("id"));
    let message = RabbitMqMessage::new(r#"{"n":1}"#).with_properties(properties);
    let encoder = MqEncoder::rabbitmq(BROKER, "orders", "/");
    let content = PushedContent::RabbitMq(Box::new(message));
    let Some(read) = read(&encoder, &content).await else {
        return;
    };
    assert_eq!(read["event_source"], "aws:rmq");
    assert_eq!(read["event_source_arn"], BROKER);
    let expected = json!([{
        "basic_properties": {
            "content_type": "application/json",
            "content_encoding": null,
            "headers": { "text": { "bytes": [118, 49] }, "number": 10 },
            "delivery_mode": 2,
            "priority": null,
            "correlation_id": null,
            "reply_to": null,
            "expiration": null,
            "message_id": "id",
            "timestamp": "Jan 1, 1970, 12:33:41 AM",
            "get_type": null,
            "user_id": null,
            "app_id": null,
            "cluster_id": null,
            "body_size": 7,
        },
        "redelivered": false,
        "data": "eyJuIjoxfQ==",
        "decoded_data": "{\"n\":1}",
        "json_data": { "n": 1 },
    }]);
    assert_eq!(read["rmq_messages_by_queue"]["orders::/"], expected);
}

#[tokio::test]
async fn powertools_reads_every_property_of_an_activemq_event() {
    let message = ActiveMqMessage::new("orders", "ID:1", ActiveMqKind::Text, r#"{"n":1}"#)
        .with_correlation_id(Some("c".to_owned()))
        .with_expiration(Some(Timestamp(1_598_827_871_958)))
        .with_timestamp(Some(Timestamp(1_598_827_811_958)))
        .with_properties(vec![("index".to_owned(), "1".to_owned())]);
    let encoder = MqEncoder::activemq(BROKER);
    let content = PushedContent::ActiveMq(Box::new(message));
    let Some(read) = read(&encoder, &content).await else {
        return;
    };
    assert_eq!(read["event_source_arn"], BROKER);
    let expected = json!([{
        "message_id": "ID:1",
        "message_type": "jms/text-message",
        "data": "eyJuIjoxfQ==",
        "decoded_data": "{\"n\":1}",
        "json_data": { "n": 1 },
        "redelivered": false,
        "timestamp": 1_598_827_811_958_i64,
        "broker_in_time": 0,
        "broker_out_time": 0,
        "properties": { "index": "1" },
        "destination_physicalname": "orders",
        "delivery_mode": 2,
        "correlation_id": "c",
        "reply_to": null,
        "get_type": null,
        "expiration": 1_598_827_871_958_i64,
        "priority": 4,
    }]);
    assert_eq!(read["messages"], expected);
}
