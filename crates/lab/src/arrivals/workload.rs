//! All arrivals of a source, merged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::chance::Chance;
use super::content::{BodyDrawer, Key, KeyDrawer};
use super::times::Times;
use crate::scenario::{Arrivals, RecordedArrival, Scenario, Source};

const DAY_MS: i64 = 86_400_000;

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

impl Records {
    pub(crate) fn new(scenario: &Scenario, source: &Source) -> Self {
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
            bodies: BodyDrawer::new(&source.workload, chance("bodies")),
            number: 0,
        }
    }
}

impl Iterator for Records {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
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
            None => (self.keys.draw(), self.bodies.draw(number)),
            Some(recorded) => {
                let key = recorded.key.clone().map(Key::new);
                let payload = recorded.payload.clone();
                (
                    key.unwrap_or_else(|| self.keys.draw()),
                    payload.unwrap_or_else(|| self.bodies.filler(number, recorded.size)),
                )
            }
        };
        Some(Arrival {
            at_ms: at / 1000,
            number,
            key,
            payload,
        })
    }
}
