//! Messages of ActiveMQ in the event (Lambda developer guide, "Using Lambda with Amazon MQ").
//!
//! The guide's sample, the event types of Lambda's client libraries and events seen in the field differ. The order of the
//! members is the sample's. `expiration` is a number as in the types, which refuse the sample's text; the correlation ID
//! stands under the names of both, `correlationId` and `correlationID`.

use crate::json::{write_base64, write_integer, write_string};
use crate::record::{ActiveMqKind, ActiveMqMessage};
use crate::time::Timestamp;

/// Appends a message; its data only if asked for.
///
/// Times are milliseconds since the epoch, and 0 where there are none, as in JMS: the types have no place for null.
pub(super) fn write(out: &mut Vec<u8>, message: &ActiveMqMessage, with_data: bool) {
    out.extend_from_slice(b"{\"messageID\":");
    write_string(out, &message.message_id);
    out.extend_from_slice(match message.kind {
        ActiveMqKind::Text => b",\"messageType\":\"jms/text-message\"".as_slice(),
        ActiveMqKind::Bytes => b",\"messageType\":\"jms/bytes-message\"",
    });
    out.extend_from_slice(b",\"deliveryMode\":");
    write_integer(out, message.delivery_mode.into());
    out.extend_from_slice(b",\"replyTo\":");
    write_text(out, message.reply_to.as_deref());
    out.extend_from_slice(b",\"type\":");
    write_text(out, message.jms_type.as_deref());
    out.extend_from_slice(b",\"expiration\":");
    write_time(out, message.expiration);
    out.extend_from_slice(b",\"priority\":");
    write_integer(out, message.priority.into());
    for name in [b",\"correlationId\":", b",\"correlationID\":"] {
        out.extend_from_slice(name);
        write_text(out, message.correlation_id.as_deref());
    }
    out.extend_from_slice(match message.redelivered {
        true => b",\"redelivered\":true",
        false => b",\"redelivered\":false",
    });
    out.extend_from_slice(b",\"destination\":{\"physicalName\":");
    write_string(out, &message.destination);
    out.push(b'}');
    if with_data {
        out.extend_from_slice(b",\"data\":");
        write_base64(out, &message.body);
    }
    out.extend_from_slice(b",\"timestamp\":");
    write_time(out, message.timestamp);
    out.extend_from_slice(b",\"brokerInTime\":");
    write_time(out, message.broker_in_time);
    out.extend_from_slice(b",\"brokerOutTime\":");
    write_time(out, message.broker_out_time);
    out.extend_from_slice(b",\"properties\":{");
    for (index, (name, value)) in message.properties.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
    out.extend_from_slice(b"}}");
}

fn write_time(out: &mut Vec<u8>, time: Option<Timestamp>) {
    write_integer(out, time.unwrap_or_default().millis());
}

fn write_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}
