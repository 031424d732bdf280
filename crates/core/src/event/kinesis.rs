//! The Kinesis event (Lambda developer guide, "Using Lambda with Kinesis"; key order recorded).

use super::EventDetail;
use crate::json::{
    base64_length, escaped_length, seconds_length, write_base64, write_escaped, write_seconds,
    write_string,
};
use crate::record::KinesisRecord;
use crate::stream::ShardId;
use crate::time::Timestamp;

/// Writes the event fragments of one stream.
#[derive(Clone, Debug)]
pub struct KinesisEncoder {
    /// What is the same in every fragment after the event's name: role, Region, ARN, and the closing brace.
    tail: Vec<u8>,
    detail: EventDetail,
}

impl KinesisEncoder {
    /// Returns the encoder of the stream `stream_arn` in `region`, read by a function that runs as
    /// `role_arn`.
    ///
    /// `stream_arn` is the mapping's `EventSourceArn`: with enhanced fan-out that of the consumer (not
    /// documented; what functions see).
    #[must_use]
    pub fn new(stream_arn: &str, region: &str, role_arn: &str) -> Self {
        let mut tail = Vec::with_capacity(128 + stream_arn.len() + region.len() + role_arn.len());
        tail.extend_from_slice(b"\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":");
        write_string(&mut tail, role_arn);
        tail.extend_from_slice(b",\"awsRegion\":");
        write_string(&mut tail, region);
        tail.extend_from_slice(b",\"eventSourceARN\":");
        write_string(&mut tail, stream_arn);
        tail.push(b'}');
        Self {
            tail,
            detail: EventDetail::Whole,
        }
    }

    /// Has fragments written in this detail; without it, whole.
    #[must_use]
    pub const fn with_detail(mut self, detail: EventDetail) -> Self {
        self.detail = detail;
        self
    }

    /// Appends the fragment of one record, in the encoder's detail. Returns how many bytes of it are not written.
    pub fn write_in_detail(
        &self,
        out: &mut Vec<u8>,
        shard: &ShardId,
        sequence: &str,
        arrival: Timestamp,
        record: &KinesisRecord,
    ) -> usize {
        match self.detail {
            EventDetail::Whole => {
                self.write(out, shard, sequence, arrival, record);
                0
            }
            EventDetail::SequenceNumbers => {
                let start = out.len();
                out.extend_from_slice(b"{\"sequenceNumber\":\"");
                write_escaped(out, sequence);
                out.extend_from_slice(b"\"}");
                // The sequence number stands there twice, and each of these texts is longer than that above.
                let sequences = 2 * (out.len() - start - NAME_LENGTH);
                let whole = HEAD_LENGTH
                    + sequences
                    + escaped_length(&record.partition_key)
                    + base64_length(record.data.len())
                    + seconds_length(arrival)
                    + escaped_length(shard.as_str())
                    + self.tail.len();
                whole - (out.len() - start)
            }
        }
    }

    /// Appends the fragment of one record.
    ///
    /// `approximateArrivalTimestamp` is a number of seconds that always has a fraction.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        shard: &ShardId,
        sequence: &str,
        arrival: Timestamp,
        record: &KinesisRecord,
    ) {
        out.reserve(record.data.len().div_ceil(3) * 4 + self.tail.len() + 512);
        out.extend_from_slice(b"{\"kinesis\":{");
        write_head(out, sequence, record);
        out.extend_from_slice(b",\"data\":");
        write_base64(out, &record.data);
        write_arrival(out, arrival);
        out.push(b'}');
        self.write_outer(out, shard, sequence);
    }

    /// Appends what a filter may look at beside the data key `data`: one JSON object with the members of
    /// the fragment and, at its root, those of its `kinesis` object without the data (Lambda developer
    /// guide, "Lambda event filtering": its examples name `partitionKey` beside `data`; that the others
    /// can be named too is our choice).
    pub fn write_metadata(
        &self,
        out: &mut Vec<u8>,
        shard: &ShardId,
        sequence: &str,
        arrival: Timestamp,
        record: &KinesisRecord,
    ) {
        out.push(b'{');
        write_head(out, sequence, record);
        write_arrival(out, arrival);
        self.write_outer(out, shard, sequence);
    }

    fn write_outer(&self, out: &mut Vec<u8>, shard: &ShardId, sequence: &str) {
        out.extend_from_slice(
            b",\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\"",
        );
        write_escaped(out, shard.as_str());
        out.push(b':');
        write_escaped(out, sequence);
        out.extend_from_slice(&self.tail);
    }
}

/// The length of a fragment that only tells the sequence number, without that.
const NAME_LENGTH: usize = b"{\"sequenceNumber\":\"\"}".len();

/// The length of what is the same in every fragment of every stream.
const HEAD_LENGTH: usize = b"{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\"\",\"sequenceNumber\":\"\",\
    \"data\":\"\",\"approximateArrivalTimestamp\":},\
    \"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\":"
    .len();

/// Appends the members of the `kinesis` object that stand before its data.
fn write_head(out: &mut Vec<u8>, sequence: &str, record: &KinesisRecord) {
    out.extend_from_slice(b"\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":");
    write_string(out, &record.partition_key);
    out.extend_from_slice(b",\"sequenceNumber\":");
    write_string(out, sequence);
}

fn write_arrival(out: &mut Vec<u8>, arrival: Timestamp) {
    out.extend_from_slice(b",\"approximateArrivalTimestamp\":");
    write_seconds(out, arrival);
}
