//! What an on-failure destination is told of a discarded batch (Lambda developer guide, "Retaining
//! discarded batches"; shapes and key order recorded from the service).

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::json::write_string;
use crate::mapping::AwsDestination;
use crate::setters;
use crate::stream::ShardId;
use crate::time::{Civil, Timestamp};

/// The record of a discarded batch, ready for its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The mapping that discarded the batch.
    pub mapping: Uuid,
    /// The ARN of the function that the batch was for.
    pub function_arn: String,
    /// The JSON document: the body of an SQS message, the message of an SNS notification, or the content
    /// of an S3 object.
    pub body: Bytes,
    /// The key of the S3 object; empty for other destinations.
    pub object_key: String,
}

impl FailureRecord {
    /// Returns a record with this document, of no mapping.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            mapping: Uuid::nil(),
            function_arn: String::new(),
            body: body.into(),
            object_key: String::new(),
        }
    }
}

setters!(FailureRecord {
    with_mapping sets mapping: Uuid,
    with_function_arn sets function_arn: String,
    with_object_key sets object_key: String,
});

/// Why a batch was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Condition {
    /// Every try that `MaximumRetryAttempts` allows has failed.
    RetryAttemptsExhausted,
    /// The records became older than `MaximumRecordAgeInSeconds`.
    RecordAgeExceeded,
    /// A record alone is larger than an event may be.
    MaximumPayloadSizeExceeded,
    /// A record came in a form that is not its service's. AWS has no name for this.
    RecordUnreadable,
    /// The registry has no schema of the id that a Kafka record names (Lambda developer guide, "Using schema registries").
    SchemaNotFound,
    /// A Kafka record cannot be decoded by its schema, or is not valid (the same page).
    DeserializationError,
}

impl Condition {
    /// Returns the name that the document gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::MaximumPayloadSizeExceeded => "MaximumPayloadSizeExceeded",
            Self::RecordUnreadable => "RecordUnreadable",
            Self::SchemaNotFound => "SCHEMA_NOT_FOUND",
            Self::DeserializationError => "DESERIALIZATION_ERROR",
        }
    }
}

/// What the last invocation answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseContext<'a> {
    /// The HTTP status of the invocation; 200 also where the function failed.
    pub status_code: u16,
    /// The version that ran, e.g. `$LATEST`.
    pub executed_version: &'a str,
    /// `Unhandled` if the function failed; `None` (`null` in the document) if it answered but reported
    /// failed records.
    pub function_error: Option<&'a str>,
}

/// The kinds of stream, as far as the document tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// `KinesisBatchInfo`, with arrival times in milliseconds.
    Kinesis,
    /// `DDBStreamBatchInfo`, with arrival times in whole seconds.
    DynamoDb,
}

/// A discarded batch: records of one shard that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discarded<'a> {
    /// The invocation that failed last, or an id made for a batch that was given up for another reason: it
    /// is in every document.
    pub request_id: Uuid,
    /// The function as the mapping names it: without a qualifier if it was given none.
    pub function_arn: &'a str,
    /// Why the batch was discarded.
    pub condition: Condition,
    /// `approximateInvokeCount`.
    pub invoke_count: u32,
    /// What the last invocation answered; `None` leaves it out of the document.
    pub response: Option<ResponseContext<'a>>,
    /// When the batch was discarded.
    pub timestamp: Timestamp,
    /// The kind of stream.
    pub kind: StreamKind,
    /// The shard.
    pub shard: &'a ShardId,
    /// The sequence number of the first record.
    pub start_sequence: &'a str,
    /// The sequence number of the last record.
    pub end_sequence: &'a str,
    /// When the first record arrived in the stream.
    pub first_arrival: Timestamp,
    /// When the last record arrived in the stream.
    pub last_arrival: Timestamp,
    /// How many records were discarded.
    pub batch_size: usize,
    /// The mapping's `EventSourceArn`.
    pub stream_arn: &'a str,
    /// The mapping.
    pub mapping: Uuid,
}

impl Discarded<'_> {
    /// Returns the record for `destination`.
    ///
    /// `event` is the complete event of the discarded records, which an S3 object holds as a string;
    /// queues and topics get only what is said about it. `object_id` makes the object's key unique.
    #[must_use]
    pub fn record(
        &self,
        destination: &AwsDestination,
        event: &[u8],
        object_id: Uuid,
    ) -> FailureRecord {
        let mut body = Vec::with_capacity(1024);
        self.write(&mut body);
        let object_key = match destination {
            AwsDestination::S3(_) => {
                body.extend_from_slice(b",\"payload\":");
                write_string(&mut body, &String::from_utf8_lossy(event));
                self.object_key(object_id)
            }
            AwsDestination::Sqs(_) | AwsDestination::Sns(_) => String::new(),
        };
        body.push(b'}');
        FailureRecord::new(body)
            .with_mapping(self.mapping)
            .with_function_arn(self.function_arn.to_owned())
            .with_object_key(object_key)
    }

    /// Appends the document without its closing brace.
    fn write(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, name: &str, value: &str| {
            out.extend_from_slice(name.as_bytes());
            write_string(out, value);
        };
        text(
            out,
            "{\"requestContext\":{\"requestId\":",
            &self.request_id.to_string(),
        );
        text(out, ",\"functionArn\":", self.function_arn);
        text(out, ",\"condition\":", self.condition.as_str());
        let count = format!(",\"approximateInvokeCount\":{}}}", self.invoke_count);
        out.extend_from_slice(count.as_bytes());
        if let Some(response) = &self.response {
            let status = format!(
                ",\"responseContext\":{{\"statusCode\":{}",
                response.status_code
            );
            out.extend_from_slice(status.as_bytes());
            text(out, ",\"executedVersion\":", response.executed_version);
            match response.function_error {
                Some(error) => text(out, ",\"functionError\":", error),
                None => out.extend_from_slice(b",\"functionError\":null"),
            }
            out.push(b'}');
        }
        text(
            out,
            ",\"version\":\"1.0\",\"timestamp\":",
            &self.timestamp.iso_millis(),
        );
        let (info, iso): (_, fn(Timestamp) -> String) = match self.kind {
            StreamKind::Kinesis => (",\"KinesisBatchInfo\":{\"shardId\":", Timestamp::iso_millis),
            StreamKind::DynamoDb => (
                ",\"DDBStreamBatchInfo\":{\"shardId\":",
                Timestamp::iso_seconds,
            ),
        };
        text(out, info, self.shard.as_str());
        text(out, ",\"startSequenceNumber\":", self.start_sequence);
        text(out, ",\"endSequenceNumber\":", self.end_sequence);
        text(
            out,
            ",\"approximateArrivalOfFirstRecord\":",
            &iso(self.first_arrival),
        );
        text(
            out,
            ",\"approximateArrivalOfLastRecord\":",
            &iso(self.last_arrival),
        );
        out.extend_from_slice(format!(",\"batchSize\":{}", self.batch_size).as_bytes());
        text(out, ",\"streamArn\":", self.stream_arn);
        out.push(b'}');
    }

    /// Returns the key of the S3 object: mapping, shard, and the document's time in UTC.
    fn object_key(&self, id: Uuid) -> String {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self.timestamp.civil();
        let (mapping, shard) = (self.mapping, self.shard);
        let date = format!("{year:04}-{month:02}-{day:02}");
        format!(
            "aws/lambda/{mapping}/{shard}/{year:04}/{month:02}/{day:02}/\
             {date}T{hour:02}.{minute:02}.{second:02}-{id}"
        )
    }
}
