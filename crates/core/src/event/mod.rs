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

/// How much is written of the events that functions are called with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventDetail {
    /// All of it: what a function reads.
    #[default]
    Whole,
    /// Of the records of Kinesis only their sequence numbers, `{"sequenceNumber":"…"}`; all other events are written whole.
    /// What is left out is counted, so that batches are cut where they would be. For backends that run no function, but
    /// have to know which records they are called with: those of simulations. An on-failure destination that keeps
    /// whole invocation records (S3) gets no more of the records either.
    SequenceNumbers,
}

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
