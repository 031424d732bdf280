//! The DynamoDB event (Lambda developer guide, "Using Lambda with DynamoDB"; key order recorded).

use serde_json::{Map, Value};

use crate::json::{write_digits, write_seconds, write_string};
use crate::record::DynamoDbRecord;
use crate::time::Timestamp;

/// Writes the event fragments of one stream.
#[derive(Clone, Debug)]
pub struct DynamoDbEncoder {
    /// What is the same in every fragment between the event's name and the change.
    middle: Vec<u8>,
    /// The ARN, and the closing brace.
    tail: Vec<u8>,
}

impl DynamoDbEncoder {
    /// Returns the encoder of the stream `stream_arn` in `region`.
    #[must_use]
    pub fn new(stream_arn: &str, region: &str) -> Self {
        let mut middle =
            b",\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":".to_vec();
        write_string(&mut middle, region);
        let mut tail = b",\"eventSourceARN\":".to_vec();
        write_string(&mut tail, stream_arn);
        tail.push(b'}');
        Self { middle, tail }
    }

    /// Appends the `dynamodb` object of a record: the data that filters look at, and the larger part of
    /// its fragment. Encoded once, it serves for both.
    ///
    /// Keys and images are taken as they are: each must be one JSON object.
    pub fn write_change(
        &self,
        out: &mut Vec<u8>,
        sequence: &str,
        arrival: Timestamp,
        record: &DynamoDbRecord,
    ) {
        let image = |image: &Option<String>| image.as_ref().map_or(0, String::len);
        out.reserve(record.keys.len() + image(&record.new_image) + image(&record.old_image) + 256);
        out.extend_from_slice(b"{\"ApproximateCreationDateTime\":");
        write_seconds(out, arrival);
        out.extend_from_slice(b",\"Keys\":");
        out.extend_from_slice(record.keys.as_bytes());
        if let Some(image) = &record.new_image {
            out.extend_from_slice(b",\"NewImage\":");
            out.extend_from_slice(image.as_bytes());
        }
        if let Some(image) = &record.old_image {
            out.extend_from_slice(b",\"OldImage\":");
            out.extend_from_slice(image.as_bytes());
        }
        out.extend_from_slice(b",\"SequenceNumber\":");
        write_string(out, sequence);
        out.extend_from_slice(b",\"SizeBytes\":");
        write_digits(out, record.size_bytes);
        out.extend_from_slice(b",\"StreamViewType\":");
        write_string(out, &record.stream_view_type);
        out.push(b'}');
    }

    /// Appends the fragment of one record around the change that [`write_change`](Self::write_change)
    /// wrote.
    pub fn write(&self, out: &mut Vec<u8>, record: &DynamoDbRecord, change: &[u8]) {
        out.reserve(change.len() + self.middle.len() + self.tail.len() + 256);
        self.write_head(out, record);
        out.extend_from_slice(b",\"dynamodb\":");
        out.extend_from_slice(change);
        self.write_tail(out, record);
    }

    /// Appends the fragment without the change: what a filter may look at beside the data key `dynamodb`.
    pub fn write_metadata(&self, out: &mut Vec<u8>, record: &DynamoDbRecord) {
        self.write_head(out, record);
        self.write_tail(out, record);
    }

    fn write_head(&self, out: &mut Vec<u8>, record: &DynamoDbRecord) {
        out.extend_from_slice(b"{\"eventID\":");
        write_string(out, &record.event_id);
        out.extend_from_slice(b",\"eventName\":");
        write_string(out, &record.event_name);
        out.extend_from_slice(&self.middle);
    }

    /// Appends who made the change and what stands at the end.
    fn write_tail(&self, out: &mut Vec<u8>, record: &DynamoDbRecord) {
        if let Some(identity) = &record.user_identity {
            out.extend_from_slice(b",\"userIdentity\":{\"type\":");
            write_string(out, &identity.kind);
            out.extend_from_slice(b",\"principalId\":");
            write_string(out, &identity.principal_id);
            out.push(b'}');
        }
        out.extend_from_slice(&self.tail);
    }
}

/// Returns the `SizeBytes` of a change with these keys and images, each in DynamoDB JSON: over all their
/// attributes, the bytes of the name in UTF-8 and those of the value. A string or number counts its
/// text, a binary its raw bytes, a Boolean or null 1, a set, list or map what is in it. (Recorded from
/// the service for strings, numbers, binaries and Booleans; the others are inferred.)
#[must_use]
pub fn size_bytes(parts: &[&Value]) -> u64 {
    parts
        .iter()
        .filter_map(|part| part.as_object())
        .map(item_bytes)
        .sum()
}

fn item_bytes(item: &Map<String, Value>) -> u64 {
    let attribute = |(name, value): (&String, &Value)| name.len() as u64 + value_bytes(value);
    item.iter().map(attribute).sum()
}

/// Returns the size of an attribute value: an object with the type as its one member.
fn value_bytes(value: &Value) -> u64 {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    let elements = |size: fn(&Value) -> u64| value.as_array().into_iter().flatten().map(size).sum();
    match kind.as_str() {
        "S" | "N" => text_bytes(value),
        "B" => binary_bytes(value),
        "SS" | "NS" => elements(text_bytes),
        "BS" => elements(binary_bytes),
        "L" => elements(value_bytes),
        "M" => value.as_object().map_or(0, item_bytes),
        _ => 1,
    }
}

fn text_bytes(text: &Value) -> u64 {
    text.as_str().map_or(0, str::len) as u64
}

/// Returns how many bytes a base64 text stands for.
fn binary_bytes(text: &Value) -> u64 {
    let digits = text.as_str().unwrap_or_default().trim_end_matches('=');
    digits.len() as u64 * 3 / 4
}
