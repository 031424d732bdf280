//! Bodies and properties come as they were sent.

use bytes::Bytes;
use lambda_esm_core::push_queue::Outcome;
use lambda_esm_core::record::{BasicProperties, FieldValue};
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable};

use crate::consumer::{Consumer, content};

/// Returns a header of every type, and what is to come of it.
fn headers() -> Vec<(&'static str, AMQPValue, FieldValue)> {
    let mut table = FieldTable::default();
    table.insert("inner".into(), AMQPValue::LongString("text".into()));
    let inner = ("inner".to_owned(), FieldValue::LongString("text".into()));
    let decimal = DecimalValue {
        scale: 2,
        value: 12_345,
    };
    let array = FieldArray::from(vec![AMQPValue::Void, AMQPValue::LongInt(-1)]);
    vec![
        ("array", AMQPValue::FieldArray(array), {
            FieldValue::Array(vec![FieldValue::Void, FieldValue::Integer(-1)])
        }),
        (
            "boolean",
            AMQPValue::Boolean(true),
            FieldValue::Boolean(true),
        ),
        (
            "bytes",
            AMQPValue::ByteArray(ByteArray::from(&b"\0\xff"[..])),
            FieldValue::ByteArray(Bytes::from_static(b"\0\xff")),
        ),
        (
            "decimal",
            AMQPValue::DecimalValue(decimal),
            FieldValue::Decimal {
                scale: 2,
                unscaled: 12_345,
            },
        ),
        ("double", AMQPValue::Double(0.1), FieldValue::Double(0.1)),
        ("float", AMQPValue::Float(0.5), FieldValue::Float(0.5)),
        (
            "long",
            AMQPValue::LongLongInt(i64::MIN),
            FieldValue::Integer(i64::MIN),
        ),
        (
            "int",
            AMQPValue::LongInt(i32::MIN),
            FieldValue::Integer(i32::MIN.into()),
        ),
        (
            "unsigned int",
            AMQPValue::LongUInt(u32::MAX),
            FieldValue::Integer(u32::MAX.into()),
        ),
        (
            "short",
            AMQPValue::ShortInt(i16::MIN),
            FieldValue::Integer(i16::MIN.into()),
        ),
        (
            "unsigned short",
            AMQPValue::ShortUInt(u16::MAX),
            FieldValue::Integer(u16::MAX.into()),
        ),
        (
            "byte",
            AMQPValue::ShortShortInt(i8::MIN),
            FieldValue::Integer(i8::MIN.into()),
        ),
        (
            "unsigned byte",
            AMQPValue::ShortShortUInt(u8::MAX),
            FieldValue::Integer(u8::MAX.into()),
        ),
        (
            "table",
            AMQPValue::FieldTable(table),
            FieldValue::Table(vec![inner]),
        ),
        (
            "text",
            AMQPValue::LongString("schön".into()),
            FieldValue::LongString("schön".into()),
        ),
        (
            "no text",
            AMQPValue::LongString(vec![0xff, 0xfe].into()),
            FieldValue::LongString(Bytes::from_static(b"\xff\xfe")),
        ),
        (
            "timestamp",
            AMQPValue::Timestamp(1_700_000_000),
            FieldValue::Timestamp(1_700_000_000),
        ),
        ("void", AMQPValue::Void, FieldValue::Void),
    ]
}

#[tokio::test]
async fn every_property_and_every_type_of_header_comes_as_it_was_sent() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let mut table = FieldTable::default();
    for (name, sent, _) in headers() {
        table.insert(name.into(), sent);
    }
    let sent = lapin::BasicProperties::default()
        .with_content_type("text/plain".into())
        .with_content_encoding("identity".into())
        .with_headers(table)
        .with_delivery_mode(2)
        .with_priority(7)
        .with_correlation_id("correlation".into())
        .with_reply_to("answers".into())
        .with_expiration("600000".into())
        .with_message_id("message".into())
        .with_timestamp(1_700_000_000)
        .with_type("order".into())
        .with_user_id("u".into())
        .with_app_id("application".into())
        .with_cluster_id("cluster".into());
    let text = |text: &str| Some(text.to_owned());
    let mut headers: Vec<_> = headers()
        .into_iter()
        .map(|(name, _, come)| (name.to_owned(), come))
        .collect();
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    let come = BasicProperties::default()
        .with_content_type(text("text/plain"))
        .with_content_encoding(text("identity"))
        .with_headers(Some(headers))
        .with_delivery_mode(Some(2))
        .with_priority(Some(7))
        .with_correlation_id(text("correlation"))
        .with_reply_to(text("answers"))
        .with_expiration(text("600000"))
        .with_message_id(text("message"))
        .with_timestamp(Some(1_700_000_000))
        .with_kind(text("order"))
        .with_user_id(text("u"))
        .with_app_id(text("application"))
        .with_cluster_id(text("cluster"));
    for options in [RabbitQueueOptions::default(), RabbitQueueOptions::quorum()] {
        let queue = rabbit.queue("properties", options).await;
        queue.publish_with(sent.clone(), b"body").await;
        let messages = Consumer::of(&queue, 1).await.take(1).await;
        assert_eq!(content(&messages[0]).properties, come);
        assert_eq!(content(&messages[0]).body, "body");
    }
}

#[tokio::test]
async fn a_body_of_any_length_comes_whole() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("bodies", RabbitQueueOptions::default()).await;
    for length in [0, 1, 131_064, 131_065, 7 << 20] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let none = lapin::BasicProperties::default();
        queue.publish_with(none, &body).await;
        let consumer = Consumer::of(&queue, 1).await;
        let messages = consumer.take(1).await;
        assert!(content(&messages[0]).body == body, "{length}");
        assert_eq!(content(&messages[0]).properties, BasicProperties::default());
        consumer.settle(&messages, Outcome::Accepted).await;
        consumer.0.close().await;
    }
}
