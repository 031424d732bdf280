//! What the contract needs of whoever has topics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::ports::TopicSource;
use lambda_esm_core::record::TimestampType;

/// A record that the contract puts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordToPut {
    /// The key, if any.
    pub key: Option<Bytes>,
    /// The value, if any.
    pub value: Option<Bytes>,
    /// Names and values.
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
}

impl RecordToPut {
    /// Returns a record without headers.
    pub(super) fn new(key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        Self {
            key: key.map(bytes),
            value: value.map(bytes),
            headers: Vec::new(),
        }
    }
}

/// A server, or what stands for one, on which the contract makes topics of its own.
///
/// What has a default is an ability that not every server has: it tells by `false` that nothing was done, and then
/// the promises are not checked that need it.
#[async_trait]
pub trait TopicContract: Send + Sync {
    /// Makes an empty topic; returns once it can be used. The first record of a partition has the offset 0, and each
    /// that follows one more.
    async fn make(&self, topic: &str, partitions: i32);

    /// Returns a source of the topic, that may be a client of its own each time.
    async fn source(&self, topic: &str) -> Arc<dyn TopicSource>;

    /// Appends a record to a partition, with the time of now; returns once it is safe.
    async fn put(&self, topic: &str, partition: i32, record: RecordToPut);

    /// Returns what the timestamps of the topics mean.
    fn timestamp_type(&self) -> TimestampType {
        TimestampType::CreateTime
    }

    /// Returns how long a group waits for the partitions that it asks for, if that is short enough to be waited for. In
    /// any case it waits longer than five seconds: so long the contract keeps some, to see whether anybody else gets them.
    fn revoke_bound(&self) -> Option<Duration> {
        None
    }

    /// Adds one partition.
    async fn add_partition(&self, _topic: &str) -> bool {
        false
    }

    /// Deletes the records of a partition whose offsets are below `before`.
    async fn delete_records(&self, _topic: &str, _partition: i32, _before: i64) -> bool {
        false
    }

    /// Appends to a partition what takes offsets and no consumer sees, as a transaction that is aborted.
    async fn append_unseen(&self, _topic: &str, _partition: i32) -> bool {
        false
    }

    /// Deletes the topic and makes it anew, with as many partitions.
    async fn make_anew(&self, _topic: &str, _partitions: i32) -> bool {
        false
    }
}
