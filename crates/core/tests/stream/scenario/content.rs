//! What the records of scenarios carry.

use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord, StreamContent};
use serde_json::json;

use super::model::Source;

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
        Source::Kinesis | Source::Consumer => StreamContent::Kinesis(KinesisRecord {
            partition_key: key.into(),
            data: shape.data.clone().into(),
        }),
        Source::DynamoDb => StreamContent::DynamoDb(Box::new(DynamoDbRecord {
            event_id: "c4ca4238a0b923820dcc509a6f75849b".to_owned(),
            event_name: shape.event_name.clone().into(),
            keys: json!({"id": {"S": key}}).to_string(),
            new_image: Some(shape.data.clone()),
            size_bytes: 46,
            stream_view_type: "NEW_AND_OLD_IMAGES".into(),
            ..DynamoDbRecord::default()
        })),
    }
}

/// Returns data of `bytes` bytes that is no JSON.
pub(crate) fn filler(source: Source, bytes: usize) -> String {
    match source {
        Source::Kinesis | Source::Consumer => "x".repeat(bytes),
        Source::DynamoDb => json!({"text": {"S": "x".repeat(bytes)}}).to_string(),
    }
}
