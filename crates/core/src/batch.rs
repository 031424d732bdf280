//! Batches: records gathered until the window ends, the count is reached, or the payload is full.
//!
//! A record is encoded once, straight into the open batch; from then on its size is known exactly, a
//! payload is a concatenation, and a retry of a part re-slices the same bytes.

use std::time::Duration;

use bytes::Bytes;

use crate::event::{Envelope, RECORDS};
use crate::time::Timestamp;

/// The largest event a batch may become, metadata included: the request quota of a synchronous
/// invocation (Lambda developer guide, "Lambda quotas": 6 MB).
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Why a batch was closed (Lambda developer guide, "Batching behavior": whichever comes first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The batching window ended.
    Window,
    /// The batch holds `BatchSize` records.
    Count,
    /// One more record would have made the payload larger than 6 MB.
    Bytes,
    /// There is no batching window: what is there goes at once.
    Available,
    /// The mapping is stopping; what was gathered goes out.
    Draining,
    /// The next record belongs to another tumbling window.
    TumblingWindow,
    /// The shard is closed, and these were its last records.
    ShardEnd,
}

/// When a batch is full, and how long it may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most records (`BatchSize`).
    pub count: usize,
    /// The longest time to gather (`MaximumBatchingWindowInSeconds`); zero for none.
    pub window: Duration,
}

/// Encoded records, and where each of them ends.
#[derive(Debug)]
struct Fragments {
    /// The envelope's prefix, then the fragments with a comma between each two.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Fragments {
    /// Returns no fragments, with room for about as much as `like` holds.
    fn new(envelope: Envelope, like: Option<&Self>) -> Self {
        let (bytes, ends) = like.map_or((0, 0), |like| (like.bytes.len(), like.ends.len()));
        let mut empty = Vec::with_capacity(bytes.max(envelope.prefix.len()));
        empty.extend_from_slice(envelope.prefix);
        Self {
            bytes: empty,
            ends: Vec::with_capacity(ends),
        }
    }

    /// Appends one fragment and returns where it starts (its comma excluded).
    fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> usize {
        if !self.ends.is_empty() {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
        start
    }

    fn pop(&mut self, envelope: Envelope) {
        self.ends.pop();
        let end = self.ends.last().copied().unwrap_or(envelope.prefix.len());
        self.bytes.truncate(end);
    }

    fn fragment(&self, index: usize, envelope: Envelope) -> &[u8] {
        let start = match index {
            0 => envelope.prefix.len(),
            _ => self.ends[index - 1] + 1,
        };
        &self.bytes[start..self.ends[index]]
    }
}

/// A closed batch: its items, and the event that carries them.
#[derive(Debug)]
pub struct Batch<T> {
    /// What the machine remembers of each record, in event order.
    pub items: Vec<T>,
    /// Why it was closed.
    pub reason: CloseReason,
    payload: Bytes,
    ends: Vec<usize>,
    envelope: Envelope,
}

impl<T> Batch<T> {
    /// Returns the complete event: cheap to clone, the same bytes on every try.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.payload.clone()
    }

    /// Returns a batch without records.
    #[must_use]
    pub fn empty(envelope: Envelope, reason: CloseReason) -> Self {
        Self {
            items: Vec::new(),
            reason,
            payload: [envelope.prefix, envelope.suffix].concat().into(),
            ends: Vec::new(),
            envelope,
        }
    }

    /// Returns the event with `suffix` in the place of the envelope's.
    #[must_use]
    pub fn payload_ending_with(&self, suffix: &[u8]) -> Bytes {
        let records = self.payload.len() - self.envelope.suffix.len();
        [&self.payload[..records], suffix].concat().into()
    }

    /// Returns one batch of the records of several, in their order. All must have the same envelope.
    #[must_use]
    pub fn joined(parts: Vec<Self>) -> Self {
        let envelope = parts.first().map_or(RECORDS, |part| part.envelope);
        let reason = parts
            .first()
            .map_or(CloseReason::Available, |part| part.reason);
        let mut fragments = Fragments::new(envelope, None);
        let mut joined = Self::empty(envelope, reason);
        for part in parts {
            for index in 0..part.ends.len() {
                fragments.push(|out| out.extend_from_slice(part.fragment(index)));
            }
            joined.items.extend(part.items);
        }
        joined.seal(fragments);
        joined
    }

    fn fragment(&self, index: usize) -> &[u8] {
        let start = match index {
            0 => self.envelope.prefix.len(),
            _ => self.ends[index - 1] + 1,
        };
        &self.payload[start..self.ends[index]]
    }

    /// Returns the fragments of the records at these indexes.
    fn fragments(&self, indexes: impl IntoIterator<Item = usize>) -> Fragments {
        let mut fragments = Fragments::new(self.envelope, None);
        for index in indexes {
            fragments.push(|out| out.extend_from_slice(self.fragment(index)));
        }
        fragments
    }

    fn seal(&mut self, mut fragments: Fragments) {
        fragments.bytes.extend_from_slice(self.envelope.suffix);
        self.payload = fragments.bytes.into();
        self.ends = fragments.ends;
    }

    /// Splits the records from `at` on off, into a batch of their own from the same bytes; `None` if there
    /// are none.
    pub fn split_off(&mut self, at: usize) -> Option<Self> {
        if at >= self.items.len() {
            return None;
        }
        let all = self.items.len();
        let (first, others) = (self.fragments(0..at), self.fragments(at..all));
        let mut rest = Self::empty(self.envelope, self.reason);
        rest.items = self.items.split_off(at);
        rest.seal(others);
        self.seal(first);
        Some(rest)
    }

    /// Keeps the records for which `keep` holds, asked in their order, and re-slices the payload. Returns
    /// what was removed.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let keeps: Vec<bool> = self.items.iter().map(keep).collect();
        if keeps.iter().all(|&kept| kept) {
            return Vec::new();
        }
        let mut fragments = Fragments::new(self.envelope, None);
        let (mut kept, mut removed) = (Vec::new(), Vec::new());
        let mut start = self.envelope.prefix.len();
        for ((item, keeps), &end) in self.items.drain(..).zip(keeps).zip(&self.ends) {
            if keeps {
                fragments.push(|out| out.extend_from_slice(&self.payload[start..end]));
                kept.push(item);
            } else {
                removed.push(item);
            }
            start = end + 1;
        }
        self.items = kept;
        self.seal(fragments);
        removed
    }
}

impl<T: Clone> Batch<T> {
    /// Returns a batch of the records at these indexes, from the same bytes.
    #[must_use]
    pub fn pick(&self, indexes: impl IntoIterator<Item = usize>) -> Self {
        let indexes: Vec<usize> = indexes.into_iter().collect();
        let mut picked = Self::empty(self.envelope, self.reason);
        picked.seal(self.fragments(indexes.iter().copied()));
        picked.items = indexes.iter().map(|&at| self.items[at].clone()).collect();
        picked
    }
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
    window_opened: Option<Timestamp>,
    /// The largest payload.
    max_bytes: usize,
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
            window_opened: None,
            max_bytes: MAX_PAYLOAD_BYTES,
        }
    }

    /// Leaves room for `bytes` that are added to a payload when it is sent.
    #[must_use]
    pub const fn reserving(mut self, bytes: usize) -> Self {
        self.max_bytes = MAX_PAYLOAD_BYTES - bytes;
        self
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

    /// Tells whether no record waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Changes the limits; they hold from the next record on.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Adds a record, encoding it into the open batch, and returns a batch that this closed.
    ///
    /// The batch closed is the one with the record if it reached the count, and the one before it if
    /// the record would have made the payload too large.
    ///
    /// # Errors
    /// Returns the record if it is too large to be delivered at all.
    pub fn push(
        &mut self,
        now: Timestamp,
        item: T,
        encode: impl FnOnce(&T, &mut Vec<u8>),
    ) -> Result<Option<Batch<T>>, Oversized<T>> {
        let start = self.fragments.push(|out| encode(&item, out));
        let size = self.fragments.bytes.len() + self.envelope.suffix.len();
        let mut closed = None;
        if size > self.max_bytes {
            let alone = self.envelope.prefix.len() + size - start;
            if alone > self.max_bytes {
                self.fragments.pop(self.envelope);
                return Err(Oversized { item, bytes: alone });
            }
            let last = self.fragments.ends.len() - 1;
            let fragment = self.fragments.fragment(last, self.envelope).to_vec();
            self.fragments.pop(self.envelope);
            closed = self.close(CloseReason::Bytes);
            self.fragments.push(|out| out.extend_from_slice(&fragment));
        }
        self.window_opened.get_or_insert(now);
        self.items.push(item);
        if self.items.len() < self.limits.count {
            return Ok(closed);
        }
        debug_assert!(closed.is_none() || self.limits.count == 1);
        Ok(closed.or_else(|| self.close(CloseReason::Count)))
    }

    /// Closes the open batch, whatever is in it; `None` if nothing is.
    pub fn close(&mut self, reason: CloseReason) -> Option<Batch<T>> {
        self.window_opened = None;
        if self.items.is_empty() {
            return None;
        }
        let next = Fragments::new(self.envelope, Some(&self.fragments));
        let mut fragments = std::mem::replace(&mut self.fragments, next);
        fragments.bytes.extend_from_slice(self.envelope.suffix);
        Some(Batch {
            items: std::mem::take(&mut self.items),
            reason,
            payload: fragments.bytes.into(),
            ends: fragments.ends,
            envelope: self.envelope,
        })
    }

    /// Keeps the records of the open batch for which `keep` holds, and returns the others. Without a record
    /// left, the window is forgotten.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let window_opened = self.window_opened;
        let Some(mut batch) = self.close(CloseReason::Available) else {
            return Vec::new();
        };
        let removed = batch.retain(keep);
        if !batch.items.is_empty() {
            self.window_opened = window_opened;
            self.fragments.bytes.clear();
            let without_suffix = batch.payload.len() - self.envelope.suffix.len();
            let bytes = &batch.payload[..without_suffix];
            self.fragments.bytes.extend_from_slice(bytes);
            self.fragments.ends = batch.ends;
            self.items = batch.items;
        }
        removed
    }

    /// Opens a window if none is open: the next window begins when the previous invocation completes
    /// (Lambda developer guide, "Batching behavior").
    pub fn previous_completed(&mut self, now: Timestamp) {
        if !self.limits.window.is_zero() {
            self.window_opened.get_or_insert(now);
        }
    }

    /// Opens a window now, in the place of one that was opened while the previous invocation ran.
    pub fn reopen_window(&mut self, now: Timestamp) {
        self.window_opened = (!self.limits.window.is_zero()).then_some(now);
    }

    /// Returns when the open window ends.
    #[must_use]
    pub fn window_end(&self) -> Option<Timestamp> {
        self.window_opened.map(|opened| opened + self.limits.window)
    }

    /// Forgets a window that ended with nothing in it. An empty window causes no invocation; the next
    /// one begins with the next record.
    pub fn forget_empty_window(&mut self, now: Timestamp) {
        if self.items.is_empty() && self.window_end().is_some_and(|end| end <= now) {
            self.window_opened = None;
        }
    }
}
