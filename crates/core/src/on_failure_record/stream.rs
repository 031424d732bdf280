//! Discarded batches of streams.

use uuid::Uuid;

use super::condition::Condition;
use super::envelope::{Envelope, ResponseContext, object_key, write_number, write_text};
use super::record::FailureRecord;
use crate::json::write_string;
use crate::mapping::AwsDestination;
use crate::stream::ShardId;
use crate::time::Timestamp;

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
                let shard = self.shard.as_str();
                object_key(self.mapping, shard, self.timestamp, object_id)
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
        let envelope = Envelope {
            request_id: self.request_id,
            function_arn: self.function_arn,
            condition: self.condition.as_str(),
            invoke_count: self.invoke_count,
            response: self.response,
            shows_no_response: false,
            timestamp: self.timestamp,
        };
        envelope.write(out);
        let (info, iso): (_, fn(Timestamp) -> String) = match self.kind {
            StreamKind::Kinesis => (",\"KinesisBatchInfo\":{\"shardId\":", Timestamp::iso_millis),
            StreamKind::DynamoDb => (
                ",\"DDBStreamBatchInfo\":{\"shardId\":",
                Timestamp::iso_seconds,
            ),
        };
        write_text(out, info, self.shard.as_str());
        write_text(out, ",\"startSequenceNumber\":", self.start_sequence);
        write_text(out, ",\"endSequenceNumber\":", self.end_sequence);
        let (first, last) = (iso(self.first_arrival), iso(self.last_arrival));
        write_text(out, ",\"approximateArrivalOfFirstRecord\":", &first);
        write_text(out, ",\"approximateArrivalOfLastRecord\":", &last);
        write_number(out, ",\"batchSize\":", self.batch_size as u64);
        write_text(out, ",\"streamArn\":", self.stream_arn);
        out.push(b'}');
    }
}
