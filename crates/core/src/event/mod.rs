//! Event JSON per source: an envelope, and one fragment per record, written straight into a buffer.

mod activemq;
pub mod documentdb;
pub mod dynamodb;
pub mod kafka;
pub mod kinesis;
pub(crate) mod members;
pub mod mq;
mod rabbitmq;
pub mod sqs;
pub mod window;

/// What stands around the fragments of an event, and between them a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Everything before the first fragment.
    pub prefix: &'static [u8],
    /// Everything after the last fragment.
    pub suffix: &'static [u8],
}

/// The envelope of SQS, Kinesis and DynamoDB events.
pub const RECORDS: Envelope = Envelope {
    prefix: b"{\"Records\":[",
    suffix: b"]}",
};
