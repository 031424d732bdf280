//! What the records of scenarios carry.

use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord, StreamContent, Unreadable};
use md5::{Digest as _, Md5};
use serde_json::json;

use crate::mapping::Source;

/// A record's content beside its key.
pub(crate) struct Shape {
    pub(crate) data: String,
    pub(crate) event_name: String,
}

impl Shape {
    /// Data that only names the record.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            data: json!({"name": name}).to_string(),
            event_name: "INSERT".to_owned(),
        }
    }
}

/// Returns a record of the source with this key: the partition key, or an item's only key attribute.
pub(crate) fn of(source: Source, key: &str, shape: &Shape) -> StreamContent {
    match source {
        Source::Kinesis | Source::Consumer => {
            StreamContent::Kinesis(KinesisRecord::new(key, shape.data.clone()))
        }
        Source::DynamoDb => {
            let id = "c4ca4238a0b923820dcc509a6f75849b";
            let keys = json!({"id": {"S": key}}).to_string();
            let record = DynamoDbRecord::new(id, shape.event_name.clone(), keys)
                .with_new_image(Some(shape.data.clone()))
                .with_size_bytes(46)
                .with_stream_view_type("NEW_AND_OLD_IMAGES".into());
            StreamContent::DynamoDb(Box::new(record))
        }
    }
}

/// Returns a record of any source that it could not make sense of.
pub(crate) fn unreadable(name: &str) -> StreamContent {
    let json = json!({"unreadable": name}).to_string();
    StreamContent::Unreadable(Box::new(Unreadable::new("expected a map", json)))
}

/// Returns data of `bytes` bytes that is no JSON.
pub(crate) fn filler(source: Source, bytes: usize) -> String {
    match source {
        Source::Kinesis | Source::Consumer => "x".repeat(bytes),
        Source::DynamoDb => json!({"text": {"S": "x".repeat(bytes)}}).to_string(),
    }
}

/// Returns an aggregated record of the Kinesis Producer Library with one part per name and key (KPL
/// repository, "KPL Aggregated Record Format"): a table of keys, and parts that refer to it.
pub(crate) fn aggregate(names: &[String], keys: &[String]) -> StreamContent {
    let mut message = Vec::new();
    for key in keys {
        field(&mut message, 1, key.as_bytes());
    }
    for (index, name) in names.iter().enumerate() {
        // The index of its key is its own; a number that fits in seven bits is one byte.
        let mut part = vec![1 << 3, u8::try_from(index).expect("few parts")];
        field(&mut part, 3, Shape::named(name).data.as_bytes());
        field(&mut message, 3, &part);
    }
    let digest = Md5::digest(&message);
    let data = [&[0xf3, 0x89, 0x9a, 0xc2], &message[..], &digest[..]].concat();
    StreamContent::Kinesis(KinesisRecord::new("aggregate", data))
}

/// Appends a protobuf field of bytes, fewer than 128.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    let length = u8::try_from(bytes.len())
        .ok()
        .filter(|&length| length < 128);
    out.extend([number << 3 | 2, length.expect("a short field")]);
    out.extend(bytes);
}
