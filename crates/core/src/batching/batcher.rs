//! Gathers records into batches, until the window ends, the count is reached, or the payload is full.
//!
//! A record is encoded once, straight into the open batch; from then on its size is known exactly.

use std::time::Duration;

use super::batch::{Batch, CloseReason};
use super::batching_window::BatchingWindow;
use super::fragments::{Fragment, Fragments};
use super::payload_limit::MAX_PAYLOAD_BYTES;
use crate::event::Envelope;
use crate::time::Timestamp;

/// When a batch is full, and how long it may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most records (`BatchSize`).
    pub count: usize,
    /// The longest time to gather (`MaximumBatchingWindowInSeconds`); zero for none.
    pub window: Duration,
}

/// A record that can be part of no event, since it alone is larger than the limit.
#[derive(Debug, PartialEq, Eq)]
pub struct Oversized<T> {
    /// What the machine remembers of the record.
    pub item: T,
    /// The size of the event that would carry it alone.
    pub bytes: usize,
}

/// Gathers records into batches.
#[derive(Debug)]
pub struct Batcher<T> {
    limits: Limits,
    envelope: Envelope,
    items: Vec<T>,
    fragments: Fragments,
    window: BatchingWindow,
    /// Room for what is added to a payload when it is sent: to the open batch, and to a record alone.
    reserved: usize,
    reserved_alone: usize,
}

impl<T> Batcher<T> {
    /// Returns a batcher with nothing in it, and no window open.
    #[must_use]
    pub fn new(limits: Limits, envelope: Envelope) -> Self {
        Self {
            limits,
            envelope,
            items: Vec::new(),
            fragments: Fragments::new(envelope, None),
            window: BatchingWindow::new(limits.window),
            reserved: 0,
            reserved_alone: 0,
        }
    }

    /// Leaves room for `bytes` that are added to a payload when it is sent.
    #[must_use]
    pub const fn reserving(mut self, bytes: usize) -> Self {
        self.reserve(bytes, bytes);
        self
    }

    /// From the next record on, leaves room for `bytes` that are added to the open batch when it is sent, and for
    /// `alone` that would be added to that record alone.
    pub const fn reserve(&mut self, bytes: usize, alone: usize) {
        self.reserved = bytes;
        self.reserved_alone = alone;
    }

    /// Returns how many records wait in the open batch.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the record that waits the longest.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }

    /// Returns what is remembered of the records that wait.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Tells whether no record waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Changes the limits; they hold from the next record on.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.window.set_length(limits.window);
    }

    /// Adds a record, encoding it into the open batch, and returns a batch that this closed; see
    /// [`push_measured`](Self::push_measured).
    ///
    /// # Errors
    /// Returns the record if it is too large to be delivered at all.
    pub fn push(
        &mut self,
        now: Timestamp,
        item: T,
        encode: impl FnOnce(&T, &mut Vec<u8>),
    ) -> Result<Option<Batch<T>>, Oversized<T>> {
        self.push_measured(now, item, |item, out| {
            encode(item, out);
            0
        })
    }

    /// Adds a record, encoding it into the open batch, and returns a batch that this closed. `encode` returns how many bytes
    /// of the fragment it has not written: they count as if they were there.
    ///
    /// The batch closed is the one with the record if it reached the count, and the one before it if
    /// the record would have made the payload too large.
    ///
    /// # Errors
    /// Returns the record if it is too large to be delivered at all.
    pub fn push_measured(
        &mut self,
        now: Timestamp,
        item: T,
        encode: impl FnOnce(&T, &mut Vec<u8>) -> usize,
    ) -> Result<Option<Batch<T>>, Oversized<T>> {
        self.fragments.push(|out| encode(&item, out));
        let written = self.fragments.bytes.len() + self.envelope.suffix.len();
        let mut closed = None;
        if written + self.fragments.unwritten() + self.reserved > MAX_PAYLOAD_BYTES {
            let last = self.fragments.ends.len() - 1;
            let fragment = self.fragments.fragment(last, self.envelope);
            let envelope = self.envelope.prefix.len() + self.envelope.suffix.len();
            let alone = envelope + fragment.bytes.len() + fragment.unwritten;
            if alone + self.reserved_alone > MAX_PAYLOAD_BYTES {
                self.fragments.pop(self.envelope);
                return Err(Oversized { item, bytes: alone });
            }
            let (bytes, unwritten) = (fragment.bytes.to_vec(), fragment.unwritten);
            self.fragments.pop(self.envelope);
            closed = self.close(CloseReason::Bytes);
            self.fragments.copy(Fragment {
                bytes: &bytes,
                unwritten,
            });
        }
        self.window.record_came(now);
        self.items.push(item);
        if self.items.len() < self.limits.count {
            return Ok(closed);
        }
        debug_assert!(closed.is_none() || self.limits.count == 1);
        Ok(closed.or_else(|| self.close(CloseReason::Count)))
    }

    /// Closes the open batch, whatever is in it; `None` if nothing is.
    pub fn close(&mut self, reason: CloseReason) -> Option<Batch<T>> {
        self.window.close();
        if self.items.is_empty() {
            return None;
        }
        let next = Fragments::new(self.envelope, Some(&self.fragments));
        let fragments = std::mem::replace(&mut self.fragments, next);
        let room = Vec::with_capacity(self.items.len());
        let items = std::mem::replace(&mut self.items, room);
        Some(Batch::sealed(items, fragments, self.envelope, reason))
    }

    /// Keeps the records of the open batch for which `keep` holds, and returns the others. Without a record
    /// left, the window is forgotten.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let window = self.window;
        let Some(mut batch) = self.close(CloseReason::Available) else {
            return Vec::new();
        };
        let removed = batch.retain(keep);
        if !batch.items.is_empty() {
            self.window = window;
            let (items, bytes, ends) = batch.into_parts();
            self.fragments.bytes.clear();
            self.fragments.bytes.extend_from_slice(&bytes);
            self.fragments.ends = ends;
            self.items = items;
        }
        removed
    }

    /// An invocation completed: see [`BatchingWindow::invocation_completed`].
    pub fn previous_completed(&mut self, now: Timestamp) {
        self.window.invocation_completed(now);
    }

    /// Opens a window now, in the place of one that was opened while the previous invocation ran.
    pub fn reopen_window(&mut self, now: Timestamp) {
        self.window.reopen(now);
    }

    /// Returns when the open window ends.
    #[must_use]
    pub fn window_end(&self) -> Option<Timestamp> {
        self.window.end()
    }

    /// Forgets a window that ended with nothing in it. An empty window causes no invocation; the next
    /// one begins with the next record.
    pub fn forget_empty_window(&mut self, now: Timestamp) {
        if self.items.is_empty() && self.window_end().is_some_and(|end| end <= now) {
            self.window.close();
        }
    }
}
