//! What an AMQP message is in the terms of JMS ("AMQP JMS Mapping Version 1.0", OASIS working draft).

use std::time::Duration;

use bytes::Bytes;
use fe2o3_amqp::types::messaging::{
    AmqpValue, Body, Message, MessageAnnotations, MessageId, Properties,
};
use fe2o3_amqp::types::primitives::Value;
use lambda_esm_core::Timestamp;
use lambda_esm_core::json::write_string;
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, DeliveryTag, PushedContent, PushedMessage, Unreadable,
};

use crate::java_text;

/// Says in messages that a client of JMS has sent by AMQP which kind they are: 0 to 5.
const KIND: &str = "x-opt-jms-msg-type";
/// The content type of an object message.
const OBJECT: &str = "application/x-java-serialized-object";

/// Returns a message that came from `queue` as this delivery.
pub(crate) fn pushed(
    tag: DeliveryTag,
    message: Message<Body<Value>>,
    queue: &str,
) -> PushedMessage {
    let header = message.header.unwrap_or_default();
    let properties = message.properties.unwrap_or_default();
    let kind = message.message_annotations.as_ref().and_then(announced);
    let object = properties
        .content_type
        .as_ref()
        .is_some_and(|kind| kind.0 == OBJECT);
    let textual = properties
        .content_type
        .as_ref()
        .is_some_and(|kind| is_text(&kind.0));
    let id = properties
        .message_id
        .clone()
        .map_or_else(String::new, message_id);
    let content = match body(message.body, kind, object, textual) {
        Ok((kind, body)) => {
            let destination = properties.to.as_deref().map_or(queue, name).to_owned();
            let values = message
                .application_properties
                .map(|all| all.0)
                .unwrap_or_default();
            let values = values.into_iter();
            let values = values.filter_map(|(name, value)| Some((name, java_text::text(value)?)));
            let message = ActiveMqMessage::new(destination, id, kind, body)
                .with_delivery_mode(if header.durable { 2 } else { 1 })
                .with_priority(header.priority.0.min(9))
                .with_redelivered(header.delivery_count > 0)
                .with_properties(values.collect());
            PushedContent::ActiveMq(Box::new(with_properties(message, properties)))
        }
        Err(kind) => unreadable(
            &id,
            &format!("it is {kind}; Lambda takes text and bytes messages only"),
        ),
    };
    PushedMessage::new(tag, content)
        .with_failed_deliveries(header.delivery_count)
        .with_time_to_live(header.ttl.map(|left| Duration::from_millis(left.into())))
}

/// Returns a message that no event can show, and why.
pub(crate) fn unreadable(id: &str, because: &str) -> PushedContent {
    let mut json = b"{\"messageID\":".to_vec();
    write_string(&mut json, id);
    json.push(b'}');
    let json = String::from_utf8_lossy(&json);
    PushedContent::Unreadable(Box::new(Unreadable::new(because, json)))
}

fn with_properties(message: ActiveMqMessage, properties: Properties) -> ActiveMqMessage {
    let time = |time: fe2o3_amqp::types::primitives::Timestamp| Timestamp(time.milliseconds());
    message
        .with_reply_to(properties.reply_to.as_deref().map(|to| name(to).to_owned()))
        .with_jms_type(properties.subject)
        .with_expiration(properties.absolute_expiry_time.map(time))
        .with_correlation_id(properties.correlation_id.map(text_of_id))
        .with_timestamp(properties.creation_time.map(time))
}

/// Returns a destination's name without what kind of destination it is, as in `queue://orders`.
fn name(address: &str) -> &str {
    address.split_once("://").map_or(address, |(_, name)| name)
}

fn announced(annotations: &MessageAnnotations) -> Option<i64> {
    let value = annotations.0.iter().find_map(|(key, value)| {
        let is_kind = matches!(key, fe2o3_amqp::types::messaging::annotations::OwnedKey::Symbol(key) if key.0 == KIND);
        is_kind.then_some(value)
    });
    match value? {
        Value::Byte(kind) => Some((*kind).into()),
        Value::Ubyte(kind) => Some((*kind).into()),
        _ => None,
    }
}

/// Tells whether this content type is one of texts.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || ["application/json", "application/xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// Returns kind and bytes of a body; or which other kind it is. A text message may have a body of bytes, as other clients than
/// those of JMS send it.
fn body(
    body: Body<Value>,
    announced: Option<i64>,
    object: bool,
    textual: bool,
) -> Result<(ActiveMqKind, Bytes), &'static str> {
    let text = announced == Some(5);
    match announced {
        Some(0) => return Err("a message without a body"),
        Some(1) => return Err("an object message"),
        Some(2) => return Err("a map message"),
        Some(4) => return Err("a stream message"),
        _ => (),
    }
    match body {
        Body::Value(AmqpValue(Value::String(text))) => Ok((ActiveMqKind::Text, text.into())),
        // A text message whose text is null; an empty one is the nearest that an event can show.
        Body::Value(AmqpValue(Value::Null)) => Ok((ActiveMqKind::Text, Bytes::new())),
        Body::Value(AmqpValue(Value::Binary(bytes))) => {
            Ok((ActiveMqKind::Bytes, bytes.into_vec().into()))
        }
        Body::Value(AmqpValue(Value::Map(_))) => Err("a map message"),
        Body::Value(AmqpValue(Value::List(_))) | Body::Sequence(_) => Err("a stream message"),
        Body::Value(_) => Err("an object message"),
        Body::Data(_) if object => Err("an object message"),
        Body::Data(parts) => {
            let mut parts: Vec<_> = parts.into_iter().map(|part| part.0.into_vec()).collect();
            let bytes = if parts.len() == 1 {
                parts.remove(0)
            } else {
                parts.concat()
            };
            let text = (text || textual) && std::str::from_utf8(&bytes).is_ok();
            let kind = if text {
                ActiveMqKind::Text
            } else {
                ActiveMqKind::Bytes
            };
            Ok((kind, bytes.into()))
        }
        Body::Empty if text => Ok((ActiveMqKind::Text, Bytes::new())),
        Body::Empty if announced == Some(3) => Ok((ActiveMqKind::Bytes, Bytes::new())),
        Body::Empty => Err("a message without a body"),
    }
}

/// Returns an id as clients of JMS show it (the same mapping, "Message Identifiers").
fn message_id(id: MessageId) -> String {
    match id {
        MessageId::String(id) => id,
        other => format!("ID:{}", text_of_id(other)),
    }
}

fn text_of_id(id: MessageId) -> String {
    match id {
        MessageId::String(id) => id,
        MessageId::Ulong(id) => format!("AMQP_ULONG:{id}"),
        MessageId::Uuid(id) => format!("AMQP_UUID:{}", java_text::uuid(id.into_inner())),
        MessageId::Binary(id) => {
            let digits = id.iter().map(|byte| format!("{byte:02X}"));
            format!("AMQP_BINARY:{}", digits.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use fe2o3_amqp::types::messaging::{ApplicationProperties, Data, Header};
    use fe2o3_amqp::types::primitives::{Binary, OrderedMap, SimpleValue, Symbol};

    use super::*;

    fn shown(message: Message<Body<Value>>) -> PushedMessage {
        pushed(DeliveryTag(7), message, "orders")
    }

    fn with_body(body: Body<Value>) -> Message<Body<Value>> {
        Message::builder().body(body).build()
    }

    fn data(parts: &[&[u8]]) -> Body<Value> {
        let parts = parts.iter().map(|part| Data(Binary::from(part.to_vec())));
        Body::Data(parts.collect::<Vec<_>>().into())
    }

    /// Returns kind and body; or why it is unreadable.
    fn kind(message: Message<Body<Value>>) -> Result<(ActiveMqKind, Vec<u8>), String> {
        match shown(message).content {
            PushedContent::ActiveMq(message) => Ok((message.kind, message.body.to_vec())),
            PushedContent::Unreadable(unreadable) => Err(unreadable.because),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_of_which_nothing_is_told_has_the_defaults_of_amqp_and_comes_from_its_queue() {
        let message = with_body(data(&[b"a", b"", b"bc"]));
        let expected = ActiveMqMessage::new("orders", "", ActiveMqKind::Bytes, "abc");
        let expected = PushedContent::ActiveMq(Box::new(expected.with_delivery_mode(1)));
        assert_eq!(shown(message), PushedMessage::new(DeliveryTag(7), expected));
    }

    #[test]
    fn what_clients_of_jms_announce_decides_and_else_the_body_and_its_content_type() {
        let announced = |kind: i8, body| {
            let mut message = with_body(body);
            let annotation = (Symbol::from(KIND).into(), Value::Byte(kind));
            message.message_annotations =
                Some(MessageAnnotations([annotation].into_iter().collect()));
            message
        };
        let of_type = |kind: &str, body| {
            let mut message = with_body(body);
            let content_type = Some(Symbol::from(kind));
            message.properties = Some(Properties {
                content_type,
                ..Properties::default()
            });
            message
        };
        let value = |value| Body::Value(AmqpValue(value));
        let text = |text: &str| Ok((ActiveMqKind::Text, text.as_bytes().to_vec()));
        let bytes = |bytes: &[u8]| Ok((ActiveMqKind::Bytes, bytes.to_vec()));
        for (message, expected) in [
            (announced(5, data(&[b"t"])), text("t")),
            (announced(5, Body::Empty), text("")),
            (announced(3, Body::Empty), bytes(b"")),
            (announced(3, data(&[b"t"])), bytes(b"t")),
            (
                of_type("text/plain;charset=utf-8", data(&[b"t"])),
                text("t"),
            ),
            (of_type("application/json", data(&[b"{}"])), text("{}")),
            (of_type("text/plain", data(&[b"\xff"])), bytes(b"\xff")),
            (
                of_type("application/octet-stream", data(&[b"t"])),
                bytes(b"t"),
            ),
            (
                with_body(value(Value::Binary(Binary::from(vec![1])))),
                bytes(&[1]),
            ),
        ] {
            assert_eq!(kind(message), expected);
        }
        for (message, name) in [
            (announced(0, Body::Empty), "a message without a body"),
            (announced(1, data(&[b"t"])), "an object message"),
            (
                announced(2, value(Value::Map(OrderedMap::new()))),
                "a map message",
            ),
            (announced(4, Body::Empty), "a stream message"),
            (of_type(OBJECT, data(&[b"t"])), "an object message"),
            (with_body(value(Value::Int(1))), "an object message"),
        ] {
            let because = kind(message).unwrap_err();
            assert!(because.contains(name), "{because}");
        }
    }

    #[test]
    fn what_has_failed_before_is_redelivered_and_counted_and_what_expires_has_some_time_left() {
        let header = Header {
            durable: true,
            ttl: Some(1_500),
            delivery_count: 3,
            ..Header::default()
        };
        let mut message = with_body(data(&[b"t"]));
        message.header = Some(header);
        let shown = shown(message);
        assert_eq!(shown.failed_deliveries, 3);
        assert_eq!(shown.time_to_live, Some(Duration::from_millis(1_500)));
        let PushedContent::ActiveMq(message) = shown.content else {
            panic!("unreadable");
        };
        assert!(message.redelivered);
        assert_eq!(message.delivery_mode, 2);
    }

    #[test]
    fn properties_that_jms_has_not_are_texts_too_or_left_out() {
        let values = [
            ("binary", SimpleValue::Binary(Binary::from(vec![0, 255]))),
            ("char", SimpleValue::Char('ä')),
            ("null", SimpleValue::Null),
            ("time", SimpleValue::Timestamp(1_600_000_000_000.into())),
            ("ulong", SimpleValue::Ulong(u64::MAX)),
            ("uuid", SimpleValue::Uuid([0xab; 16].into())),
            ("decimal", SimpleValue::Decimal32([0; 4].into())),
        ];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        let mut message = with_body(data(&[]));
        message.application_properties = Some(ApplicationProperties(values.into_iter().collect()));
        let PushedContent::ActiveMq(message) = shown(message).content else {
            panic!("unreadable");
        };
        let expected = [
            ("binary", "AP8="),
            ("char", "ä"),
            ("null", "null"),
            ("time", "1600000000000"),
            ("ulong", "18446744073709551615"),
            ("uuid", "abababab-abab-abab-abab-abababababab"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(message.properties, expected);
    }
}
