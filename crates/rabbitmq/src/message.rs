//! From a delivery of the client to a pushed message.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::record::{
    BasicProperties, DeliveryTag, FieldTable, FieldValue, PushedContent, PushedMessage,
    RabbitMqMessage,
};
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable as ClientTable, ShortString};

/// Returns what was delivered. Headers come in the order of their names, as the client keeps them.
pub(crate) fn pushed(delivery: Delivery) -> PushedMessage {
    let properties = properties(&delivery.properties);
    let time_to_live = properties.expiration.as_deref().and_then(milliseconds);
    let message = RabbitMqMessage::new(Bytes::from(delivery.data))
        .with_redelivered(delivery.redelivered)
        .with_properties(properties);
    let content = PushedContent::RabbitMq(Box::new(message));
    PushedMessage::new(DeliveryTag(delivery.delivery_tag), content).with_time_to_live(time_to_live)
}

/// Reads an `expiration`, which brokers take only as a whole number of milliseconds.
fn milliseconds(expiration: &str) -> Option<Duration> {
    expiration.parse().ok().map(Duration::from_millis)
}

fn properties(given: &lapin::BasicProperties) -> BasicProperties {
    let text = |text: &Option<ShortString>| text.as_ref().map(|text| text.as_str().to_owned());
    BasicProperties::default()
        .with_content_type(text(given.content_type()))
        .with_content_encoding(text(given.content_encoding()))
        .with_headers(given.headers().as_ref().map(table))
        .with_delivery_mode(*given.delivery_mode())
        .with_priority(*given.priority())
        .with_correlation_id(text(given.correlation_id()))
        .with_reply_to(text(given.reply_to()))
        .with_expiration(text(given.expiration()))
        .with_message_id(text(given.message_id()))
        .with_timestamp(*given.timestamp())
        .with_kind(text(given.kind()))
        .with_user_id(text(given.user_id()))
        .with_app_id(text(given.app_id()))
        .with_cluster_id(text(given.cluster_id()))
}

fn table(given: &ClientTable) -> FieldTable {
    let fields = given.inner().iter();
    fields
        .map(|(name, given)| (name.as_str().to_owned(), value(given)))
        .collect()
}

fn value(given: &AMQPValue) -> FieldValue {
    match given {
        AMQPValue::Boolean(value) => FieldValue::Boolean(*value),
        AMQPValue::ShortShortInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::ShortShortUInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::ShortInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::ShortUInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::LongInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::LongUInt(value) => FieldValue::Integer((*value).into()),
        AMQPValue::LongLongInt(value) => FieldValue::Integer(*value),
        AMQPValue::Float(value) => FieldValue::Float(*value),
        AMQPValue::Double(value) => FieldValue::Double(*value),
        AMQPValue::DecimalValue(value) => FieldValue::Decimal {
            scale: value.scale,
            unscaled: value.value.into(),
        },
        AMQPValue::ShortString(text) => {
            FieldValue::LongString(Bytes::copy_from_slice(text.as_str().as_bytes()))
        }
        AMQPValue::LongString(text) => {
            FieldValue::LongString(Bytes::copy_from_slice(text.as_bytes()))
        }
        AMQPValue::ByteArray(bytes) => {
            FieldValue::ByteArray(Bytes::copy_from_slice(bytes.as_slice()))
        }
        AMQPValue::Timestamp(seconds) => FieldValue::Timestamp(*seconds),
        AMQPValue::FieldArray(values) => {
            FieldValue::Array(values.as_slice().iter().map(value).collect())
        }
        AMQPValue::FieldTable(fields) => FieldValue::Table(table(fields)),
        AMQPValue::Void => FieldValue::Void,
    }
}
