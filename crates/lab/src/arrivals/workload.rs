//! All arrivals of a source, merged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::chance::Chance;
use super::content::{BodyDrawer, KeyDrawer};
use super::times::Times;
use crate::scenario::{Arrivals, RecordedArrival, Scenario, Source};

const DAY_MS: i64 = 86_400_000;

/// A record that is to arrive.
#[derive(Debug)]
pub(super) struct Drawn {
    /// When, in milliseconds from the beginning.
    pub(super) at_ms: u64,
    /// Its number at the source, from 0.
    pub(super) number: u64,
    pub(super) key: DrawnKey,
    pub(super) payload: Bytes,
}

/// The key of a record that is to arrive.
#[derive(Debug)]
pub(super) enum DrawnKey {
    Numbered(u64),
    Recorded(Arc<str>),
}

/// Draws the records that arrive at one source, in ascending order of time.
pub(super) struct Drawer {
    streams: Vec<Stream>,
    keys: KeyDrawer,
    bodies: BodyDrawer,
    number: u64,
}

struct Stream {
    times: Times,
    next: Option<u64>,
    recorded: Option<(Arc<[RecordedArrival]>, usize)>,
}

impl Drawer {
    pub(super) fn new(scenario: &Scenario, source: &Source, is_read: bool) -> Self {
        let chance = |what: &str| Chance::new(scenario.seed, &format!("{what} {}", source.name));
        let midnight = scenario.begins.millis().rem_euclid(DAY_MS);
        let midnight = Duration::from_millis(midnight.unsigned_abs());
        let streams = source.workload.arrivals.iter().enumerate();
        let streams = streams.map(|(place, arrivals)| {
            let chance = chance(&format!("times {place}"));
            let mut times = Times::new(arrivals, chance, scenario.duration, midnight);
            Stream {
                next: times.next(),
                times,
                recorded: match arrivals {
                    Arrivals::Recorded(records) => Some((records.clone(), 0)),
                    _ => None,
                },
            }
        });
        Self {
            streams: streams.collect(),
            keys: KeyDrawer::new(source.workload.keys, chance("keys")),
            bodies: BodyDrawer::new(&source.workload, chance("bodies"), is_read),
            number: 0,
        }
    }
}

impl Iterator for Drawer {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        let coming = self.streams.iter_mut();
        let coming = coming.filter(|stream| stream.next.is_some());
        let stream = coming.min_by_key(|stream| stream.next)?;
        let at = stream.next?;
        stream.next = stream.times.next();
        let recorded = stream.recorded.as_mut().and_then(|(records, place)| {
            *place += 1;
            records.get(*place - 1)
        });
        let number = self.number;
        self.number += 1;
        let (key, payload) = match recorded {
            None => (None, self.bodies.draw(number)),
            Some(recorded) => {
                let payload = recorded.payload.clone();
                let filler = || self.bodies.filler(number, recorded.size);
                (recorded.key.clone(), payload.unwrap_or_else(filler))
            }
        };
        let key = key.map_or_else(|| DrawnKey::Numbered(self.keys.draw()), DrawnKey::Recorded);
        Some(Drawn {
            at_ms: at / 1000,
            number,
            key,
            payload,
        })
    }
}
