//! Discarded records of Kafka topics (Lambda developer guide, "Capturing discarded batches for Amazon MSK and
//! self-managed Apache Kafka event sources" and "Using a Kafka topic as an on-failure destination").

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

use super::condition::Condition;
use super::envelope::{Envelope, ResponseContext, object_key, write_number, write_text};
use super::record::FailureRecord;
use crate::event::kafka::KafkaEncoder;
use crate::json::write_string;
use crate::mapping::AwsDestination;
use crate::time::Timestamp;

/// Discarded records of a topic, adjacent in their partitions as far as the batch had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscardedKafka<'a> {
    /// The invocation that failed last, or an id made for records that were given up for another reason: it is
    /// in every document.
    pub request_id: Uuid,
    /// The function as the mapping names it: without a qualifier if it was given none.
    pub function_arn: &'a str,
    /// Why the records were discarded.
    pub condition: Condition,
    /// `approximateInvokeCount`.
    pub invoke_count: u32,
    /// What the last invocation answered. `None` is `null` in the document: so it is documented for a record that is
    /// too large; for the other conditions it is our choice.
    pub response: Option<ResponseContext<'a>>,
    /// When the records were discarded.
    pub timestamp: Timestamp,
    /// The mapping.
    pub mapping: Uuid,
    /// How many records were discarded.
    pub batch_size: usize,
    /// The ARN of an Amazon MSK cluster; `None` for a self-managed one.
    pub source_arn: Option<&'a str>,
    /// The brokers, as the event names them.
    pub bootstrap_servers: &'a str,
    /// The size of the event of the records, in bytes.
    pub payload_size: usize,
    /// The partitions of the records, in the order of the event.
    pub partitions: &'a [DiscardedPartition],
}

/// The discarded records of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscardedPartition {
    /// The name that the event gives the partition: `orders-0`.
    pub name: String,
    /// The offset of the first record.
    pub first_offset: i64,
    /// The offset of the last record.
    pub last_offset: i64,
    /// The timestamp of the first record.
    pub first_timestamp: Timestamp,
    /// The timestamp of the last record.
    pub last_timestamp: Timestamp,
}

impl DiscardedPartition {
    /// Returns what is discarded of each partition, in the order in which they first come, of records by partition, offset
    /// and timestamp; those of a partition come in the order of their offsets.
    #[must_use]
    pub fn of_records(
        encoder: &KafkaEncoder,
        records: impl Iterator<Item = (i32, i64, Timestamp)>,
    ) -> Vec<Self> {
        let mut partitions: Vec<(i32, Self)> = Vec::new();
        for (partition, offset, timestamp) in records {
            match partitions.iter_mut().find(|(known, _)| *known == partition) {
                Some((_, known)) => {
                    known.last_offset = offset;
                    known.last_timestamp = timestamp;
                }
                None => partitions.push((
                    partition,
                    Self {
                        name: encoder.topic_partition(partition),
                        first_offset: offset,
                        last_offset: offset,
                        first_timestamp: timestamp,
                        last_timestamp: timestamp,
                    },
                )),
            }
        }
        partitions.into_iter().map(|(_, known)| known).collect()
    }
}

impl DiscardedKafka<'_> {
    /// Returns the record for `destination`.
    ///
    /// `event` is the complete event of the discarded records, which an S3 object holds as a string; queues and
    /// topics of SNS get only what is said about it. The key of the object names the first partition, where that of a
    /// stream's names the shard (our choice; not documented); `object_id` makes it unique.
    #[must_use]
    pub fn record(
        &self,
        destination: &AwsDestination,
        event: &[u8],
        object_id: Uuid,
    ) -> FailureRecord {
        let mut body = Vec::with_capacity(1024);
        self.write_envelope(&mut body, self.condition.as_str(), self.function_arn);
        self.write_info(&mut body);
        write_partitions(&mut body, self.partitions);
        body.push(b'}');
        let object_key = match destination {
            AwsDestination::S3(_) => {
                write_text(&mut body, ",\"payload\":", &String::from_utf8_lossy(event));
                let first = self.partitions.first();
                let first = first.map_or("", |partition| &partition.name);
                object_key(self.mapping, first, self.timestamp, object_id)
            }
            AwsDestination::Sqs(_) | AwsDestination::Sns(_) => String::new(),
        };
        body.push(b'}');
        self.told(body).with_object_key(object_key)
    }

    /// Returns the message for a topic of the same cluster, which tells of one record. `event` is the complete event of
    /// that record, and `key` the record's own.
    ///
    /// This document differs from those of other destinations as the guide shows it: exhausted retries are
    /// `RetriesExhausted`, the function has its version, and the event is no string.
    #[must_use]
    pub fn topic_record(&self, event: &[u8], key: Option<Bytes>) -> FailureRecord {
        let condition = match self.condition {
            Condition::RetryAttemptsExhausted => "RetriesExhausted",
            other => other.as_str(),
        };
        let mut body = Vec::with_capacity(1024 + event.len());
        self.write_envelope(&mut body, condition, &qualified(self.function_arn));
        self.write_info(&mut body);
        if let Some(partition) = self.partitions.first() {
            let offset = partition.first_offset.to_string();
            write_text(&mut body, ",\"recordInfo\":{\"offset\":", &offset);
            let timestamp = partition.first_timestamp.iso_millis();
            write_text(&mut body, ",\"timestamp\":", &timestamp);
            body.push(b'}');
        }
        body.extend_from_slice(b"},\"payload\":");
        body.extend_from_slice(event);
        body.push(b'}');
        self.told(body).with_key(key)
    }

    fn told(&self, body: Vec<u8>) -> FailureRecord {
        FailureRecord::new(body)
            .with_mapping(self.mapping)
            .with_function_arn(self.function_arn.to_owned())
    }

    fn write_envelope(&self, out: &mut Vec<u8>, condition: &str, function_arn: &str) {
        let envelope = Envelope {
            request_id: self.request_id,
            function_arn,
            condition,
            invoke_count: self.invoke_count,
            response: self.response,
            shows_no_response: true,
            timestamp: self.timestamp,
        };
        envelope.write(out);
    }

    /// Appends what is said of the batch, without the records and the closing brace.
    fn write_info(&self, out: &mut Vec<u8>) {
        let size = self.batch_size as u64;
        write_number(out, ",\"KafkaBatchInfo\":{\"batchSize\":", size);
        if let Some(arn) = self.source_arn {
            write_text(out, ",\"eventSourceArn\":", arn);
        }
        write_text(out, ",\"bootstrapServers\":", self.bootstrap_servers);
        write_number(out, ",\"payloadSize\":", self.payload_size as u64);
    }
}

fn write_partitions(out: &mut Vec<u8>, partitions: &[DiscardedPartition]) {
    out.extend_from_slice(b",\"recordsInfo\":{");
    for (index, partition) in partitions.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, &partition.name);
        let offsets =
            [partition.first_offset, partition.last_offset].map(|offset| offset.to_string());
        let times =
            [partition.first_timestamp, partition.last_timestamp].map(Timestamp::iso_millis);
        write_text(out, ":{\"firstRecordOffset\":", &offsets[0]);
        write_text(out, ",\"lastRecordOffset\":", &offsets[1]);
        write_text(out, ",\"firstRecordTimestamp\":", &times[0]);
        write_text(out, ",\"lastRecordTimestamp\":", &times[1]);
        out.push(b'}');
    }
    out.push(b'}');
}

/// Returns a function's ARN with a qualifier: `$LATEST` if it has none.
fn qualified(function_arn: &str) -> Cow<'_, str> {
    /// Of `arn:aws:lambda:us-east-1:123456789012:function:name`.
    const UNQUALIFIED: usize = 7;
    if function_arn.split(':').count() == UNQUALIFIED {
        return format!("{function_arn}:$LATEST").into();
    }
    function_arn.into()
}

/// Returns the key of the record that an event has as this fragment; `None` if it has none.
#[must_use]
pub fn kafka_key(fragment: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Keyed<'a> {
        #[serde(borrow, default)]
        key: Option<&'a str>,
    }

    let keyed: Keyed<'_> = serde_json::from_slice(fragment).ok()?;
    Some(STANDARD.decode(keyed.key?).ok()?.into())
}
