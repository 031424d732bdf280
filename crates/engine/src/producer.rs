//! The port through which a load test puts records into a source. The engine itself puts none.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::setters;

/// Puts records into one source, as its own producers would.
#[async_trait]
pub trait Producer: Send + Sync + 'static {
    /// Says how much one [`put`](Self::put) takes.
    fn limits(&self) -> PutLimits;

    /// Puts records with one request, within a bound, and without trying again.
    ///
    /// Returns for each record, in the same order, the identifier by which events name it:
    /// of a queue the message ID, of Kinesis the sequence number; of a table, which answers with none, the value of
    /// the key attribute that [`name`](NewRecord::name) is part of. The outer error means that it is not known of any
    /// record whether it was put.
    async fn put(
        &self,
        records: &[NewRecord],
    ) -> Result<Vec<Result<Arc<str>, SourceError>>, SourceError>;
}

/// How much one request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutLimits {
    /// Records; at least 1.
    pub records: usize,
    /// Bytes of keys and payloads together; a single record may have more.
    pub bytes: usize,
}

impl PutLimits {
    /// Returns the limits.
    #[must_use]
    pub const fn new(records: usize, bytes: usize) -> Self {
        Self { records, bytes }
    }
}

/// A record to be put.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewRecord {
    /// What no other record of the source is called: a deduplication id, the end of an item's key.
    pub name: Arc<str>,
    /// Its partition key, message group or item.
    pub key: Arc<str>,
    /// What is in it.
    pub payload: Bytes,
}

impl NewRecord {
    /// Returns a record without a key and with an empty payload.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            key: Arc::from(""),
            payload: Bytes::new(),
        }
    }

    /// Returns how many bytes of a request it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.name.len() + self.key.len() + self.payload.len()
    }
}

setters!(NewRecord {
    with_key sets key: Arc<str>,
    with_payload sets payload: Bytes,
});
