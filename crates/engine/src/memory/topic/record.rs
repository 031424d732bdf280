//! What a producer gives.

use std::sync::Arc;

use bytes::Bytes;
use lambda_esm_core::{Timestamp, setters};

/// A record to be put into a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewRecord {
    /// The key; `None` for a record without one.
    pub key: Option<Bytes>,
    /// The value; `None` for a tombstone.
    pub value: Option<Bytes>,
    /// Names, which may repeat, and values, which may be null.
    pub headers: Vec<(Arc<str>, Option<Bytes>)>,
    /// The partition; `None` for the one that the key belongs to, and for each in turn without a key.
    pub partition: Option<i32>,
    /// When it was made; `None` for now.
    pub timestamp: Option<Timestamp>,
}

impl NewRecord {
    /// Returns a record with a value, and without a key.
    pub fn new(value: impl Into<Bytes>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Returns a record that says that there is nothing under its key any more.
    pub fn tombstone(key: impl Into<Bytes>) -> Self {
        Self {
            key: Some(key.into()),
            ..Self::default()
        }
    }
}

setters!(NewRecord {
    with_key sets key: Option<Bytes>,
    with_value sets value: Option<Bytes>,
    with_headers sets headers: Vec<(Arc<str>, Option<Bytes>)>,
    with_partition sets partition: Option<i32>,
    with_timestamp sets timestamp: Option<Timestamp>,
});
