//! The encoded records of a batch, one after another as its event has them.

use crate::event::Envelope;

/// Encoded records, and where each of them ends.
#[derive(Debug)]
pub(super) struct Fragments {
    /// The envelope's prefix, then the fragments with a comma between each two.
    pub(super) bytes: Vec<u8>,
    /// Where each fragment ends.
    pub(super) ends: Vec<usize>,
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

    /// Appends one fragment and returns where it starts (its comma excluded).
    pub(super) fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> usize {
        if !self.ends.is_empty() {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
        start
    }

    pub(super) fn pop(&mut self, envelope: Envelope) {
        self.ends.pop();
        let end = self.ends.last().copied().unwrap_or(envelope.prefix.len());
        self.bytes.truncate(end);
    }

    pub(super) fn fragment(&self, index: usize, envelope: Envelope) -> &[u8] {
        fragment(&self.bytes, &self.ends, index, envelope)
    }
}

/// Returns one of the fragments in `bytes`.
pub(super) fn fragment<'a>(
    bytes: &'a [u8],
    ends: &[usize],
    index: usize,
    envelope: Envelope,
) -> &'a [u8] {
    let start = match index {
        0 => envelope.prefix.len(),
        _ => ends[index - 1] + 1,
    };
    &bytes[start..ends[index]]
}
