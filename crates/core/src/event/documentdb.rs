//! The DocumentDB event (Lambda developer guide, "Using Lambda with Amazon DocumentDB"; member order as in its sample).

use bytes::Bytes;

use crate::json::write_string;

/// Writes the event fragments of one change stream, and the events made of them.
#[derive(Clone, Debug)]
pub struct DocumentDbEncoder {
    /// Everything before the first change.
    prefix: Vec<u8>,
}

/// Everything after the last change.
const SUFFIX: &[u8] = b"],\"eventSource\":\"aws:docdb\"}";

impl DocumentDbEncoder {
    /// Returns the encoder of a change stream of the cluster `arn`.
    #[must_use]
    pub fn new(arn: &str) -> Self {
        let mut prefix = b"{\"eventSourceArn\":".to_vec();
        write_string(&mut prefix, arn);
        prefix.extend_from_slice(b",\"events\":[");
        Self { prefix }
    }

    /// Returns how many bytes of an event stand around its fragments.
    #[must_use]
    pub const fn envelope_bytes(&self) -> usize {
        self.prefix.len() + SUFFIX.len()
    }

    /// Appends the fragment of one change. It is taken as it is: one JSON object.
    pub fn write(&self, out: &mut Vec<u8>, change: &str) {
        out.reserve(change.len() + 16);
        out.extend_from_slice(b"{\"event\":");
        out.extend_from_slice(change.as_bytes());
        out.push(b'}');
    }

    /// Returns the event of these fragments.
    #[must_use]
    pub fn event<'a>(&self, fragments: impl Iterator<Item = &'a [u8]> + Clone) -> Bytes {
        let size: usize = fragments.clone().map(|fragment| fragment.len() + 1).sum();
        let mut event = Vec::with_capacity(self.envelope_bytes() + size);
        event.extend_from_slice(&self.prefix);
        for (index, fragment) in fragments.enumerate() {
            if index > 0 {
                event.push(b',');
            }
            event.extend_from_slice(fragment);
        }
        event.extend_from_slice(SUFFIX);
        event.into()
    }
}
