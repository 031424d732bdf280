//! The encoded records of a batch, one after another as its event has them.

use crate::event::Envelope;

/// Encoded records, and where each of them ends.
#[derive(Debug)]
pub(super) struct Fragments {
    /// The envelope's prefix, then the fragments with a comma between each two.
    pub(super) bytes: Vec<u8>,
    /// Where each fragment ends.
    pub(super) ends: Vec<End>,
}

/// Where a fragment ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// In what is written.
    pub(super) at: usize,
    /// How many bytes of the fragments up to here are counted and not written.
    pub(super) unwritten: usize,
}

/// One encoded record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) bytes: &'a [u8],
    /// How many bytes of it are counted and not written.
    pub(super) unwritten: usize,
}

impl Fragments {
    /// Returns no fragments, with room for about as much as `like` holds.
    pub(super) fn new(envelope: Envelope, like: Option<&Self>) -> Self {
        let (bytes, ends) = like.map_or((0, 0), |like| (like.bytes.len(), like.ends.len()));
        let mut empty = Vec::with_capacity(bytes.max(envelope.prefix.len()));
        empty.extend_from_slice(envelope.prefix);
        Self {
            bytes: empty,
            ends: Vec::with_capacity(ends),
        }
    }

    /// Appends one fragment and returns where it starts (its comma excluded). `encode` tells how much of it is not written.
    pub(super) fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>) -> usize) -> usize {
        if !self.ends.is_empty() {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        let unwritten = self.unwritten() + encode(&mut self.bytes);
        let at = self.bytes.len();
        self.ends.push(End { at, unwritten });
        start
    }

    /// Appends a fragment that is encoded already.
    pub(super) fn copy(&mut self, fragment: Fragment<'_>) {
        self.push(|out| {
            out.extend_from_slice(fragment.bytes);
            fragment.unwritten
        });
    }

    pub(super) fn pop(&mut self, envelope: Envelope) {
        self.ends.pop();
        let end = self.ends.last().map_or(envelope.prefix.len(), |end| end.at);
        self.bytes.truncate(end);
    }

    /// Returns how many bytes of the fragments are counted and not written.
    pub(super) fn unwritten(&self) -> usize {
        self.ends.last().map_or(0, |end| end.unwritten)
    }

    pub(super) fn fragment(&self, index: usize, envelope: Envelope) -> Fragment<'_> {
        fragment(&self.bytes, &self.ends, index, envelope)
    }
}

/// Returns one of the fragments in `bytes`.
pub(super) fn fragment<'a>(
    bytes: &'a [u8],
    ends: &[End],
    index: usize,
    envelope: Envelope,
) -> Fragment<'a> {
    let (start, before) = match index {
        0 => (envelope.prefix.len(), 0),
        _ => (ends[index - 1].at + 1, ends[index - 1].unwritten),
    };
    let End { at, unwritten } = ends[index];
    Fragment {
        bytes: &bytes[start..at],
        unwritten: unwritten - before,
    }
}
