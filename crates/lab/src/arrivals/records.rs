//! The records that arrive at a source.

use bytes::Bytes;

use super::ahead::Ahead;
use super::keys::{Key, KeyNames};
use super::workload::{Drawer, DrawnKey};
use crate::scenario::{Scenario, Source};

/// A record that arrives.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// When, in milliseconds from the beginning.
    pub(crate) at_ms: u64,
    /// Its number at the source, from 0.
    pub(crate) number: u64,
    /// Its partition key or message group.
    pub(crate) key: Key,
    pub(crate) payload: Bytes,
}

/// The records that arrive at one source, in ascending order of time.
pub(crate) struct Records {
    drawn: Ahead,
    // Kept here, not where they are drawn: what two threads count is slow for both.
    names: KeyNames,
}

impl Records {
    /// Where nobody reads payloads, only their sizes are drawn.
    pub(crate) fn new(scenario: &Scenario, source: &Source, is_read: bool) -> Self {
        Self {
            drawn: Ahead::new(Drawer::new(scenario, source, is_read)),
            names: KeyNames::default(),
        }
    }
}

impl Iterator for Records {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let drawn = self.drawn.next()?;
        Some(Arrival {
            at_ms: drawn.at_ms,
            number: drawn.number,
            key: match drawn.key {
                DrawnKey::Numbered(number) => self.names.get(number),
                DrawnKey::Recorded(name) => Key::new(name),
            },
            payload: drawn.payload,
        })
    }
}
