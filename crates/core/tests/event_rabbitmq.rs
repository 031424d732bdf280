//! RabbitMQ events, against an independent reader and the documented shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use aws_lambda_events::rabbitmq::RabbitMqEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_core::event::mq::MqEncoder;
use lambda_esm_core::record::FieldValue::{
    Array, Boolean, ByteArray, Decimal, Double, Float, Integer, LongString, Table, Timestamp, Void,
};
use lambda_esm_core::record::{
    BasicProperties, FieldTable, FieldValue, PushedContent, RabbitMqMessage,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

const BROKER: &str = "arn:aws:mq:us-east-2:111122223333:broker:pizzaBroker:b-9bcfa592-423a";

fn encoder() -> MqEncoder {
    MqEncoder::rabbitmq(BROKER, "pizzaQueue", "/")
}

fn fragment(message: RabbitMqMessage) -> String {
    let mut out = Vec::new();
    encoder().write(&mut out, &PushedContent::RabbitMq(Box::new(message)));
    String::from_utf8(out).unwrap()
}

fn long(text: &'static str) -> FieldValue {
    LongString(Bytes::from_static(text.as_bytes()))
}

/// Returns what the event has for a header of this value, as text.
fn header(value: FieldValue) -> String {
    let headers = vec![("h".to_owned(), value)];
    let properties = BasicProperties::default().with_headers(Some(headers));
    let fragment = fragment(RabbitMqMessage::new("").with_properties(properties));
    let rest = fragment.split_once(r#""headers":{"h":"#).unwrap().1;
    rest.split_once(r#"},"deliveryMode""#).unwrap().0.to_owned()
}

fn timestamp(seconds: u64) -> String {
    header(Timestamp(seconds))
}

/// The sample of the developer guide.
fn documented() -> RabbitMqMessage {
    let headers = vec![
        ("header1".to_owned(), long("value1")),
        ("header2".to_owned(), long("value2")),
        ("numberInHeader".to_owned(), Integer(10)),
    ];
    let properties = BasicProperties::default()
        .with_content_type(Some("text/plain".to_owned()))
        .with_headers(Some(headers))
        .with_delivery_mode(Some(1))
        .with_priority(Some(34))
        .with_expiration(Some("60000".to_owned()))
        .with_timestamp(Some(2_021))
        .with_user_id(Some("AIDACKCEVSQ6C2EXAMPLE".to_owned()));
    RabbitMqMessage::new(r#"{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}"#)
        .with_properties(properties)
}

#[test]
fn the_event_is_the_documented_one_byte_for_byte() {
    let fragment = fragment(documented());
    let event = encoder().event([fragment.as_bytes()].into_iter());
    let expected = concat!(
        r#"{"eventSource":"aws:rmq","eventSourceArn":"arn:aws:mq:us-east-2:111122223333:broker:pizzaBroker:"#,
        r#"b-9bcfa592-423a","rmqMessagesByQueue":{"pizzaQueue::/":[{"basicProperties":{"contentType":"#,
        r#""text/plain","contentEncoding":null,"headers":{"header1":{"bytes":[118,97,108,117,101,49]},"#,
        r#""header2":{"bytes":[118,97,108,117,101,50]},"numberInHeader":10},"deliveryMode":1,"priority":34,"#,
        r#""correlationId":null,"replyTo":null,"expiration":"60000","messageId":null,"#,
        r#""timestamp":"Jan 1, 1970, 12:33:41 AM","type":null,"userId":"AIDACKCEVSQ6C2EXAMPLE","#,
        r#""appId":null,"clusterId":null,"bodySize":43},"redelivered":false,"#,
        r#""data":"eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ=="}]}}"#,
    );
    assert_eq!(std::str::from_utf8(&event).unwrap(), expected);
    let around = expected.len() - fragment.len();
    assert_eq!(encoder().envelope_bytes(), around);
}

#[test]
fn what_the_publisher_left_out_is_null() {
    let expected = concat!(
        r#"{"basicProperties":{"contentType":null,"contentEncoding":null,"headers":null,"deliveryMode":null,"#,
        r#""priority":null,"correlationId":null,"replyTo":null,"expiration":null,"messageId":null,"#,
        r#""timestamp":null,"type":null,"userId":null,"appId":null,"clusterId":null,"bodySize":0},"#,
        r#""redelivered":true,"data":""}"#,
    );
    let message = RabbitMqMessage::new("").with_redelivered(true);
    assert_eq!(fragment(message), expected);
}

#[test]
fn every_property_stands_under_its_own_name() {
    let text = |name: &str| Some(format!("{name} \"\u{e9}\n"));
    let properties = BasicProperties::default()
        .with_content_type(text("contentType"))
        .with_content_encoding(text("contentEncoding"))
        .with_headers(Some(Vec::new()))
        .with_delivery_mode(Some(2))
        .with_priority(Some(255))
        .with_correlation_id(text("correlationId"))
        .with_reply_to(text("replyTo"))
        .with_expiration(text("expiration"))
        .with_message_id(text("messageId"))
        .with_timestamp(Some(0))
        .with_kind(text("type"))
        .with_user_id(text("userId"))
        .with_app_id(text("appId"))
        .with_cluster_id(text("clusterId"));
    let fragment = fragment(RabbitMqMessage::new("123").with_properties(properties));
    let read: Value = serde_json::from_str(&fragment).unwrap();
    let read = read["basicProperties"].as_object().unwrap();
    let expected = |name: &str| match name {
        "headers" => json!({}),
        "deliveryMode" => json!(2),
        "priority" => json!(255),
        "timestamp" => json!("Jan 1, 1970, 12:00:00 AM"),
        "bodySize" => json!(3),
        text => json!(format!("{text} \"\u{e9}\n")),
    };
    for (name, value) in read {
        assert_eq!(value, &expected(name), "{name}");
    }
    assert_eq!(read.len(), 15);
}

#[test]
fn every_type_of_a_field_table_has_its_form() {
    let table: FieldTable = vec![
        ("b".to_owned(), long("\u{e9}")),
        ("a".to_owned(), Array(vec![Void, Table(Vec::new())])),
    ];
    let bytes = Bytes::from_static(b"\x00\x7f\x80\xff");
    for (value, expected) in [
        (Boolean(true), "true"),
        (Boolean(false), "false"),
        (Integer(i64::MIN), "-9223372036854775808"),
        (Integer(i64::MAX), "9223372036854775807"),
        (Float(0.1), "0.1"),
        (Float(-10.0), "-10.0"),
        (Float(f32::MAX), "3.4028235e38"),
        (Float(f32::NAN), "null"),
        (Double(0.1), "0.1"),
        (Double(1e300), "1e300"),
        (Double(f64::INFINITY), "null"),
        (Double(f64::NEG_INFINITY), "null"),
        (long(""), r#"{"bytes":[]}"#),
        (long("text"), r#"{"bytes":[116,101,120,116]}"#),
        (LongString(bytes.clone()), r#"{"bytes":[0,127,-128,-1]}"#),
        (ByteArray(bytes), "[0,127,-128,-1]"),
        (ByteArray(Bytes::new()), "[]"),
        (Timestamp(1_688_261_434), r#""Jul 2, 2023, 1:30:34 AM""#),
        (Array(Vec::new()), "[]"),
        (
            Array(vec![Integer(1), long("a"), Array(vec![Boolean(true)])]),
            r#"[1,{"bytes":[97]},[true]]"#,
        ),
        (Table(Vec::new()), "{}"),
        (Table(table), r#"{"b":{"bytes":[-61,-87]},"a":[null,{}]}"#),
        (Void, "null"),
    ] {
        assert_eq!(header(value.clone()), expected, "{value:?}");
    }
}

#[test]
fn decimals_are_numbers_with_all_their_digits() {
    for (unscaled, scale, expected) in [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (15, 1, "1.5"),
        (-15, 1, "-1.5"),
        (-15, 2, "-0.15"),
        (15, 4, "0.0015"),
        (1_500, 2, "15.00"),
        (i64::MIN, 18, "-9.223372036854775808"),
    ] {
        assert_eq!(header(Decimal { scale, unscaled }), expected);
    }
    let (scale, unscaled) = (u8::MAX, 1);
    let smallest = header(Decimal { scale, unscaled });
    assert_eq!(smallest, format!("0.{}1", "0".repeat(254)));
}

#[test]
fn times_are_written_as_java_shows_them_to_americans() {
    for (seconds, expected) in [
        (43_199, "Jan 1, 1970, 11:59:59 AM"),
        (43_200, "Jan 1, 1970, 12:00:00 PM"),
        (86_399, "Jan 1, 1970, 11:59:59 PM"),
        (951_782_400, "Feb 29, 2000, 12:00:00 AM"),
        (1_733_000_709, "Nov 30, 2024, 9:05:09 PM"),
        // Publishers that count in milliseconds.
        (1_688_261_434_000, "Nov 15, 55468, 9:26:40 PM"),
        (u64::MAX, "Aug 17, 292278994, 7:12:55 AM"),
    ] {
        assert_eq!(timestamp(seconds), format!("\"{expected}\""));
    }
}

#[test]
fn what_stands_too_deep_is_null() {
    let nest = |depth: usize| (0..depth).fold(Void, |inner, _| Array(vec![inner]));
    let deepest = header(nest(63));
    assert_eq!(deepest, format!("{}null{}", "[".repeat(63), "]".repeat(63)));
    let deepest = format!("{}null{}", "[".repeat(63), "]".repeat(63));
    assert_eq!(header(nest(64)), deepest);
    assert_eq!(header(nest(5_000)), deepest);
    let table = (0..5_000).fold(Void, |inner, _| Table(vec![(String::new(), inner)]));
    let deepest = format!("{}null{}", r#"{"":"#.repeat(63), "}".repeat(63));
    assert_eq!(header(table), deepest);
}

#[test]
fn metadata_is_the_fragment_without_the_data() {
    let mut metadata = Vec::new();
    let content = PushedContent::RabbitMq(Box::new(documented()));
    encoder().write_metadata(&mut metadata, &content);
    let whole = fragment(documented());
    let start = whole.find(r#","data":"#).unwrap();
    assert_eq!(metadata, format!("{}}}", &whole[..start]).into_bytes());
}

#[test]
fn messages_stand_in_order_under_the_queue_and_its_virtual_host() {
    let encoder = MqEncoder::rabbitmq(BROKER, "a\"b", "v/\u{e9}");
    let event = encoder.event([b"1".as_slice(), b"2", b"3"].into_iter());
    let read: Value = serde_json::from_slice(&event).unwrap();
    assert_eq!(
        read["rmqMessagesByQueue"],
        json!({ "a\"b::v/\u{e9}": [1, 2, 3] })
    );
    assert_eq!(encoder.envelope_bytes() + "1,2,3".len(), event.len());
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn value() -> impl Strategy<Value = FieldValue> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Boolean),
        any::<i64>().prop_map(Integer),
        any::<f32>().prop_map(Float),
        any::<f64>().prop_map(Double),
        (any::<u8>(), any::<i64>()).prop_map(|(scale, unscaled)| Decimal { scale, unscaled }),
        bytes().prop_map(LongString),
        bytes().prop_map(ByteArray),
        any::<u64>().prop_map(Timestamp),
        Just(Void),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Array),
            vec(("(?s).{0,9}", inner), 0..4).prop_map(Table),
        ]
    })
}

/// Whether a reader of JSON finds the value.
fn is(read: &Value, written: &FieldValue) -> bool {
    let signed = |bytes: &Bytes| {
        json!(
            bytes
                .iter()
                .map(|byte| byte.cast_signed())
                .collect::<Vec<_>>()
        )
    };
    match written {
        Boolean(flag) => *read == json!(flag),
        Integer(number) => *read == json!(number),
        Float(number) if number.is_finite() => read.as_f64().unwrap() as f32 == *number,
        // The reader is off in the last places.
        Double(number) if number.is_finite() => {
            let bound = number.abs() * 8.0 * f64::EPSILON + f64::MIN_POSITIVE;
            (read.as_f64().unwrap() - number).abs() <= bound
        }
        Float(_) | Double(_) | Void => read.is_null(),
        Decimal { scale, unscaled } => {
            let expected = *unscaled as f64 / 10_f64.powi((*scale).into());
            (read.as_f64().unwrap() - expected).abs() <= expected.abs() * 1e-12
        }
        LongString(bytes) => *read == json!({ "bytes": signed(bytes) }),
        ByteArray(bytes) => *read == signed(bytes),
        Timestamp(_) => read.is_string(),
        Array(values) => {
            let read = read.as_array().unwrap();
            read.len() == values.len()
                && read.iter().zip(values).all(|(read, value)| is(read, value))
        }
        Table(table) => has(read, table),
    }
}

/// Whether a reader of JSON finds the table: the last one of those of a name.
fn has(read: &Value, table: &FieldTable) -> bool {
    let last = |name: &str| table.iter().rev().find(|(other, _)| other == name).unwrap();
    let read = read.as_object().unwrap();
    table.iter().all(|(name, _)| is(&read[name], &last(name).1))
}

proptest! {
    #[test]
    fn an_independent_reader_finds_every_message_as_it_was(
        messages in vec((bytes(), option::of("(?s).{0,9}"), vec(("(?s).{0,9}", value()), 0..4), any::<u8>(), any::<bool>()), 0..6),
        queue in "(?s).{0,12}", host in "(?s).{0,12}",
    ) {
        let encoder = MqEncoder::rabbitmq(BROKER, &queue, &host);
        let fragments = messages.iter().map(|(body, kind, headers, priority, redelivered)| {
            let properties = BasicProperties::default()
                .with_kind(kind.clone())
                .with_message_id(kind.clone())
                .with_headers(Some(headers.clone()))
                .with_delivery_mode(Some(2))
                .with_priority(Some(*priority));
            let message = RabbitMqMessage::new(body.clone());
            fragment(message.with_properties(properties).with_redelivered(*redelivered))
        });
        let fragments: Vec<String> = fragments.collect();
        let event = encoder.event(fragments.iter().map(String::as_bytes));
        let event: RabbitMqEvent = serde_json::from_slice(&event).unwrap();
        prop_assert_eq!(event.event_source.as_deref(), Some("aws:rmq"));
        prop_assert_eq!(event.event_source_arn.as_deref(), Some(BROKER));
        let found = &event.messages_by_queue[&format!("{queue}::{host}")];
        prop_assert_eq!(found.len(), messages.len());
        for (found, (body, kind, headers, priority, redelivered)) in found.iter().zip(&messages) {
            prop_assert_eq!(&STANDARD.decode(found.data.as_ref().unwrap()).unwrap(), body);
            prop_assert_eq!(found.redelivered, *redelivered);
            let properties = &found.basic_properties;
            prop_assert_eq!(&properties.message_id, kind);
            prop_assert_eq!((properties.delivery_mode, properties.priority), (2, *priority));
            prop_assert_eq!(properties.body_size, body.len() as u64);
            prop_assert!(has(&json!(properties.headers), headers), "{:?}", properties.headers);
        }
    }

    #[test]
    fn times_are_those_of_an_independent_calendar(seconds in 0..253_402_207_200_u64) {
        let other = jiff::Timestamp::from_second(seconds.cast_signed()).unwrap();
        let expected = other.strftime("\"%b %-d, %Y, %-I:%M:%S %p\"").to_string();
        prop_assert_eq!(timestamp(seconds), expected);
    }
}
