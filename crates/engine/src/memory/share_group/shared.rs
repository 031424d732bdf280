//! What the members of a share group share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lambda_esm_core::Timestamp;
use tokio::sync::Notify;

use super::options::MemoryShareGroupOptions;
use super::state::{MemberId, Records};
use crate::clock::Clock;

/// A group, and what is told of it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) topic: String,
    pub(super) options: MemoryShareGroupOptions,
    /// Told when there may be a record for one that waits.
    pub(super) arrived: Notify,
    inner: Mutex<Inner>,
}

/// The state of a group.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) records: Records,
    /// The next offset of each partition.
    pub(super) offsets: Vec<i64>,
    /// The partition of the next record that has no key.
    pub(super) turn: usize,
    pub(super) members: MemberId,
}

impl Shared {
    pub(super) fn new(clock: Clock, topic: String, options: MemoryShareGroupOptions) -> Self {
        let inner = Inner {
            records: Records::new(options.delivery_limit),
            offsets: vec![0; options.partitions.max(1)],
            turn: 0,
            members: 0,
        };
        Self {
            clock,
            topic,
            options,
            arrived: Notify::new(),
            inner: Mutex::new(inner),
        }
    }

    /// Returns the state of now: locks that have ended are gone.
    pub(super) fn lock(&self) -> (MutexGuard<'_, Inner>, Timestamp) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        inner.records.lapse(now);
        (inner, now)
    }
}
