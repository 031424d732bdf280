//! A record to produce.

use bytes::Bytes;

/// A record; without key, value and headers unless told otherwise, in a partition of the producer's choice.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) partition: Option<i32>,
    pub(super) timestamp: Option<i64>,
    pub(super) headers: Vec<(String, Option<Bytes>)>,
}

impl Record {
    /// Returns a record with a value.
    #[must_use]
    pub fn new(value: impl Into<Bytes>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Returns a record without a value, which compaction takes for the deletion of a key.
    #[must_use]
    pub fn tombstone(key: impl Into<Bytes>) -> Self {
        Self::default().key(key)
    }

    /// Gives it a key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sends it to a partition.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Says when it was made, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        let value = value.map(Bytes::copy_from_slice);
        self.headers.push((name.to_owned(), value));
        self
    }
}
