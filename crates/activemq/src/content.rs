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
