//! Messages of RabbitMQ in the event (Lambda developer guide, "Using Lambda with Amazon MQ").
//!
//! Lambda reads RabbitMQ with its Java client, and writes what that decodes with Gson: the sample event has lists of bytes and
//! times in its style. What the guide does not show follows from that.

use std::io::Write as _;

use crate::json::{write_base64, write_digits, write_integer, write_signed, write_string};
use crate::record::{BasicProperties, FieldTable, FieldValue, RabbitMqMessage};
use crate::time::{Civil, Timestamp};

/// How deep tables and arrays may stand in each other. Deeper ones are null: readers of JSON refuse events that are much
/// deeper (our choice; not documented).
const MAX_DEPTH: usize = 64;

/// Appends a message; its data only if asked for.
pub(super) fn write(out: &mut Vec<u8>, message: &RabbitMqMessage, with_data: bool) {
    out.extend_from_slice(b"{\"basicProperties\":{\"contentType\":");
    write_properties(out, &message.properties);
    out.extend_from_slice(b",\"bodySize\":");
    write_digits(out, message.body.len() as u64);
    out.extend_from_slice(match message.redelivered {
        true => b"},\"redelivered\":true",
        false => b"},\"redelivered\":false",
    });
    if with_data {
        out.extend_from_slice(b",\"data\":");
        write_base64(out, &message.body);
    }
    out.push(b'}');
}

/// Appends the properties from the value of the first one on.
fn write_properties(out: &mut Vec<u8>, properties: &BasicProperties) {
    write_text(out, properties.content_type.as_deref());
    out.extend_from_slice(b",\"contentEncoding\":");
    write_text(out, properties.content_encoding.as_deref());
    out.extend_from_slice(b",\"headers\":");
    match &properties.headers {
        Some(headers) => write_table(out, headers, MAX_DEPTH),
        None => write_null(out),
    }
    out.extend_from_slice(b",\"deliveryMode\":");
    write_octet(out, properties.delivery_mode);
    out.extend_from_slice(b",\"priority\":");
    write_octet(out, properties.priority);
    out.extend_from_slice(b",\"correlationId\":");
    write_text(out, properties.correlation_id.as_deref());
    out.extend_from_slice(b",\"replyTo\":");
    write_text(out, properties.reply_to.as_deref());
    out.extend_from_slice(b",\"expiration\":");
    write_text(out, properties.expiration.as_deref());
    out.extend_from_slice(b",\"messageId\":");
    write_text(out, properties.message_id.as_deref());
    out.extend_from_slice(b",\"timestamp\":");
    match properties.timestamp {
        Some(seconds) => write_time(out, seconds),
        None => write_null(out),
    }
    out.extend_from_slice(b",\"type\":");
    write_text(out, properties.kind.as_deref());
    out.extend_from_slice(b",\"userId\":");
    write_text(out, properties.user_id.as_deref());
    out.extend_from_slice(b",\"appId\":");
    write_text(out, properties.app_id.as_deref());
    out.extend_from_slice(b",\"clusterId\":");
    write_text(out, properties.cluster_id.as_deref());
}

fn write_table(out: &mut Vec<u8>, table: &FieldTable, depth: usize) {
    out.push(b'{');
    for (index, (name, value)) in table.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_value(out, value, depth - 1);
    }
    out.push(b'}');
}

/// Appends a value in which others may stand `depth` deep.
///
/// Long strings are objects of their bytes, whether these are text or not, and whole numbers are numbers, as the guide
/// shows. The rest is our choice, not documented: byte arrays are lists of signed numbers, times are texts as `timestamp` is,
/// decimals and floats are numbers, and null stands for floats that JSON has no number for.
fn write_value(out: &mut Vec<u8>, value: &FieldValue, depth: usize) {
    match value {
        FieldValue::Boolean(true) => out.extend_from_slice(b"true"),
        FieldValue::Boolean(false) => out.extend_from_slice(b"false"),
        FieldValue::Integer(number) => write_integer(out, *number),
        FieldValue::Float(number) => write_float(out, number.is_finite(), number),
        FieldValue::Double(number) => write_float(out, number.is_finite(), number),
        FieldValue::Decimal { scale, unscaled } => write_decimal(out, *scale, *unscaled),
        FieldValue::LongString(bytes) => {
            out.extend_from_slice(b"{\"bytes\":");
            write_signed(out, bytes);
            out.push(b'}');
        }
        FieldValue::ByteArray(bytes) => write_signed(out, bytes),
        FieldValue::Timestamp(seconds) => write_time(out, *seconds),
        FieldValue::Array(_) | FieldValue::Table(_) if depth == 0 => write_null(out),
        FieldValue::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, value, depth - 1);
            }
            out.push(b']');
        }
        FieldValue::Table(table) => write_table(out, table, depth),
        FieldValue::Void => write_null(out),
    }
}

/// Appends the fewest digits that only this number of its precision has.
fn write_float(out: &mut Vec<u8>, finite: bool, number: impl std::fmt::Debug) {
    // Writing into memory does not fail.
    if !finite || write!(out, "{number:?}").is_err() {
        write_null(out);
    }
}

fn write_decimal(out: &mut Vec<u8>, scale: u8, unscaled: i64) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let (scale, start) = (usize::from(scale), out.len());
    write_digits(out, unscaled.unsigned_abs());
    let missing = (scale + 1).saturating_sub(out.len() - start);
    out.splice(start..start, std::iter::repeat_n(b'0', missing));
    if scale > 0 {
        out.insert(out.len() - scale, b'.');
    }
}

/// Appends a time as Java shows dates to Americans, in UTC: `Jan 1, 1970, 12:33:41 AM`.
///
/// Times beyond what 64 bits hold in milliseconds become the last one that they hold.
fn write_time(out: &mut Vec<u8>, seconds: u64) {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let millis = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Timestamp(millis).proleptic();
    out.push(b'"');
    let month = MONTHS.chunks_exact(3).nth((month - 1) as usize);
    out.extend_from_slice(month.unwrap_or_default());
    out.push(b' ');
    write_integer(out, day);
    out.extend_from_slice(b", ");
    write_integer(out, year);
    out.extend_from_slice(b", ");
    write_integer(out, (hour + 11) % 12 + 1);
    for part in [minute, second] {
        out.extend_from_slice(if part < 10 { b":0" } else { b":" });
        write_integer(out, part);
    }
    out.extend_from_slice(if hour < 12 { b" AM\"" } else { b" PM\"" });
}

fn write_text(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => write_null(out),
    }
}

fn write_octet(out: &mut Vec<u8>, number: Option<u8>) {
    match number {
        Some(number) => write_digits(out, number.into()),
        None => write_null(out),
    }
}

fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}
