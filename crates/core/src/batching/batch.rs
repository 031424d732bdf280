//! A closed batch: a payload is a concatenation of fragments, and a retry of a part re-slices the same bytes.

use bytes::Bytes;

use super::fragments::{End, Fragment, Fragments, fragment};
use crate::event::{Envelope, RECORDS};

/// Why a batch was closed (Lambda developer guide, "Batching behavior": whichever comes first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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

/// A closed batch: its items, and the event that carries them.
#[derive(Debug)]
pub struct Batch<T> {
    /// What the machine remembers of each record, in event order.
    pub items: Vec<T>,
    /// Why it was closed.
    pub reason: CloseReason,
    payload: Bytes,
    ends: Vec<End>,
    envelope: Envelope,
}

impl<T> Batch<T> {
    /// Closes a batch of these items and their fragments.
    pub(super) fn sealed(
        items: Vec<T>,
        mut fragments: Fragments,
        envelope: Envelope,
        reason: CloseReason,
    ) -> Self {
        fragments.bytes.extend_from_slice(envelope.suffix);
        Self {
            items,
            reason,
            payload: fragments.bytes.into(),
            ends: fragments.ends,
            envelope,
        }
    }

    /// Opens it again: the items, and the payload without the envelope's end with where each fragment ends.
    pub(super) fn into_parts(self) -> (Vec<T>, Bytes, Vec<End>) {
        let without_suffix = self.payload.len() - self.envelope.suffix.len();
        (self.items, self.payload.slice(..without_suffix), self.ends)
    }

    /// Returns the complete event: cheap to clone, the same bytes on every try.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.payload.clone()
    }

    /// Returns how many bytes of the event are counted and [not written](crate::event::EventDetail).
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.ends.last().map_or(0, |end| end.unwritten)
    }

    /// Returns the size of the event in bytes, with what is counted and not written.
    #[must_use]
    pub fn event_bytes(&self) -> usize {
        self.payload.len() + self.unwritten()
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

    /// Returns a batch of one record, which may be larger than any event, closed for whatever reason.
    #[must_use]
    pub fn of_one(item: T, fragment: &[u8], envelope: Envelope) -> Self {
        let mut fragments = Fragments::new(envelope, None);
        fragments.copy(Fragment {
            bytes: fragment,
            unwritten: 0,
        });
        Self::sealed(vec![item], fragments, envelope, CloseReason::Available)
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
                fragments.copy(part.fragment(index));
            }
            joined.items.extend(part.items);
        }
        joined.seal(fragments);
        joined
    }

    /// Returns the records as the event has them, one after another.
    pub fn each_fragment(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.ends.len()).map(|index| self.fragment(index).bytes)
    }

    fn fragment(&self, index: usize) -> Fragment<'_> {
        fragment(&self.payload, &self.ends, index, self.envelope)
    }

    /// Returns the fragments of the records at these indexes.
    fn fragments(&self, indexes: impl IntoIterator<Item = usize>) -> Fragments {
        let mut fragments = Fragments::new(self.envelope, None);
        for index in indexes {
            fragments.copy(self.fragment(index));
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
        for (index, (item, keeps)) in self.items.drain(..).zip(keeps).enumerate() {
            if keeps {
                let (payload, ends) = (&self.payload, &self.ends);
                fragments.copy(fragment(payload, ends, index, self.envelope));
                kept.push(item);
            } else {
                removed.push(item);
            }
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
