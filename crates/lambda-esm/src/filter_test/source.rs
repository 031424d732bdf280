//! Events as records of a source: metadata, and data in an encoding of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use lambda_esm_core::mapping::SourceKind;
use lambda_esm_filter::{Explanation, Filters, Mismatch, Record, Scratch};
use lambda_esm_lab::recording::RecordedKind;
use serde_json::value::RawValue;

/// The kinds of source that have data of their own (Lambda developer guide, the filtering page of each
/// source). DynamoDB has none: its records are JSON throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SourceChoice {
    /// `body` is text, which may hold JSON.
    Sqs,
    /// `data`, or `kinesis.data`, is base64.
    Kinesis,
    /// The record is matched as it is.
    Dynamodb,
    /// `value` is base64, and missing in a tombstone; a pattern of the wrong form is ignored.
    Kafka,
    /// `data` is base64; a pattern of the wrong form is ignored.
    Mq,
}

impl SourceChoice {
    /// Returns the choice for a mapping's source; `None` for one that takes no filters.
    pub(super) const fn of_mapping(kind: SourceKind) -> Option<Self> {
        match kind {
            SourceKind::SqsStandard | SourceKind::SqsFifo => Some(Self::Sqs),
            SourceKind::Kinesis | SourceKind::KinesisConsumer => Some(Self::Kinesis),
            SourceKind::DynamoDbStream => Some(Self::Dynamodb),
            SourceKind::Msk | SourceKind::SelfManagedKafka => Some(Self::Kafka),
            SourceKind::AmazonMq => Some(Self::Mq),
            _ => None,
        }
    }

    /// Returns the choice for what was recorded; `None` for a source that takes no filters.
    pub(super) const fn of_recording(kind: RecordedKind) -> Option<Self> {
        match kind {
            RecordedKind::Sqs | RecordedKind::SqsFifo => Some(Self::Sqs),
            RecordedKind::Kinesis => Some(Self::Kinesis),
            RecordedKind::DynamoDb => Some(Self::Dynamodb),
            RecordedKind::Kafka => Some(Self::Kafka),
            RecordedKind::RabbitMq | RecordedKind::ActiveMq => Some(Self::Mq),
            RecordedKind::DocumentDb => None,
        }
    }

    /// Returns the choice for the `eventSource` of an event.
    pub(super) fn of_event(source: &str) -> Option<Self> {
        match source {
            "aws:sqs" => Some(Self::Sqs),
            "aws:kinesis" => Some(Self::Kinesis),
            "aws:dynamodb" => Some(Self::Dynamodb),
            "aws:kafka" | "SelfManagedKafka" => Some(Self::Kafka),
            "aws:mq" | "aws:rmq" => Some(Self::Mq),
            _ => None,
        }
    }
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// An event as filters see it.
pub(super) enum Seen<'e> {
    /// As it is.
    Whole(Cow<'e, str>),
    /// A record, whose data is decoded.
    Record {
        data_key: &'static str,
        data: Vec<u8>,
        metadata: [&'e [u8]; 2],
        on_mismatch: Mismatch,
    },
}

impl<'e> Seen<'e> {
    /// Returns an event as filters see it: as it is, or as a record of a source.
    pub(super) fn new(source: Option<SourceChoice>, event: &'e str) -> Self {
        let whole = || Self::Whole(Cow::Borrowed(event));
        let (data_key, on_mismatch) = match source {
            Some(SourceChoice::Sqs) => ("body", Mismatch::Drop),
            Some(SourceChoice::Kinesis) => ("data", Mismatch::Drop),
            Some(SourceChoice::Kafka) => ("value", Mismatch::IgnoreData),
            Some(SourceChoice::Mq) => ("data", Mismatch::IgnoreData),
            Some(SourceChoice::Dynamodb) | None => return whole(),
        };
        let Ok(mut members) = serde_json::from_str::<Members<'_>>(event) else {
            return whole();
        };
        let value = members.get(data_key);
        let is_tombstone = value.is_none_or(|value| value.get() == "null");
        if source == Some(SourceChoice::Kafka) && is_tombstone {
            members.remove(data_key);
            return Self::Whole(serde_json::to_string(&members).unwrap_or_default().into());
        }
        let below = match (source, members.get("kinesis")) {
            (Some(SourceChoice::Kinesis), Some(kinesis)) => kinesis.get(),
            _ => "{}",
        };
        let inner: Members<'_> = serde_json::from_str(below).unwrap_or_default();
        let data = inner.get(data_key).or_else(|| members.get(data_key));
        let data = data.map(|data| decoded(data.get(), source));
        Self::Record {
            data_key,
            data: data.unwrap_or_default(),
            metadata: [below.as_bytes(), event.as_bytes()],
            on_mismatch,
        }
    }

    /// Explains the verdict on it.
    pub(super) fn explain(&self, filters: &Filters) -> Explanation {
        match self.parts() {
            Parts::Whole(event) => filters.explain(event),
            Parts::Record(record) => filters.explain_record(&record),
        }
    }

    /// Tells whether it passes.
    pub(super) fn passes(&self, filters: &Filters, scratch: &mut Scratch) -> bool {
        match self.parts() {
            Parts::Whole(event) => filters.is_match(event, scratch),
            Parts::Record(record) => filters.matches_record(&record, scratch).is_some(),
        }
    }

    fn parts(&self) -> Parts<'_> {
        match self {
            Self::Whole(event) => Parts::Whole(event.as_bytes()),
            Self::Record {
                data_key,
                data,
                metadata,
                on_mismatch,
            } => Parts::Record(Record {
                data_key,
                data,
                metadata,
                on_mismatch: *on_mismatch,
            }),
        }
    }
}

/// What the filters take.
enum Parts<'s> {
    Whole(&'s [u8]),
    Record(Record<'s>),
}

/// Decodes what stands at the data key. A JSON object there is taken for the data itself, which spares
/// people the encoding.
fn decoded(raw: &str, source: Option<SourceChoice>) -> Vec<u8> {
    let Ok(text) = serde_json::from_str::<String>(raw) else {
        return raw.as_bytes().to_vec();
    };
    match source {
        Some(SourceChoice::Sqs) => text.into_bytes(),
        _ => STANDARD.decode(&text).unwrap_or_else(|_| text.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_filter::{Dialect, Limits};

    use super::*;

    fn matches(source: SourceChoice, pattern: &str, event: &str) -> bool {
        let filters = Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap();
        Seen::new(Some(source), event).explain(&filters).is_match()
    }

    #[test]
    fn the_body_of_a_message_is_json_inside_a_string() {
        let pattern = r#"{"body": {"n": [2]}, "messageId": ["m"]}"#;
        assert!(matches(
            SourceChoice::Sqs,
            pattern,
            r#"{"messageId": "m", "body": "{\"n\": 2}"}"#
        ));
        assert!(!matches(
            SourceChoice::Sqs,
            pattern,
            r#"{"messageId": "m", "body": "{\"n\": 3}"}"#
        ));
        assert!(!matches(
            SourceChoice::Sqs,
            pattern,
            r#"{"messageId": "m", "body": "plain"}"#
        ));
    }

    #[test]
    fn the_data_of_a_kinesis_record_is_base64() {
        let pattern = r#"{"data": {"n": [2]}, "partitionKey": ["p"]}"#;
        let event = r#"{"kinesis": {"partitionKey": "p", "data": "eyJuIjogMn0="}}"#;
        assert!(matches(SourceChoice::Kinesis, pattern, event));
    }

    #[test]
    fn a_pattern_of_the_wrong_form_is_ignored_for_kafka_and_not_for_kinesis() {
        let pattern = r#"{"data": {"n": [2]}, "partitionKey": ["p"]}"#;
        let event = r#"{"partitionKey": "p", "data": "cGxhaW4="}"#;
        assert!(!matches(SourceChoice::Kinesis, pattern, event));
        assert!(matches(SourceChoice::Mq, pattern, event));
    }

    #[test]
    fn the_data_of_an_mq_message_is_filtered_in_its_own_form_only() {
        let json = r#"{"redelivered": false, "data": "eyJuIjogMn0="}"#;
        let plain = r#"{"redelivered": false, "data": "cGxhaW4="}"#;
        let binary = r#"{"redelivered": false, "data": "//4="}"#;
        for (pattern, verdicts) in [
            (r#"{"data": {"n": [2]}}"#, [true, true, true]),
            (r#"{"data": {"n": [3]}}"#, [false, true, true]),
            (r#"{"data": ["plain"]}"#, [true, true, true]),
            (r#"{"data": ["other"]}"#, [true, false, true]),
            (
                r#"{"data": {"n": [2]}, "redelivered": [true]}"#,
                [false, false, false],
            ),
        ] {
            let found =
                [json, plain, binary].map(|event| matches(SourceChoice::Mq, pattern, event));
            assert_eq!(found, verdicts, "{pattern}");
        }
    }

    #[test]
    fn a_tombstone_has_no_value() {
        for event in [r#"{"partition": 3}"#, r#"{"partition": 3, "value": null}"#] {
            let matches = |pattern| matches(SourceChoice::Kafka, pattern, event);
            assert!(!matches(r#"{"value": {"n": [2]}}"#));
            assert!(!matches(r#"{"value": [null]}"#));
            assert!(matches(
                r#"{"value": [{"exists": false}], "partition": [3]}"#
            ));
        }
    }
}
