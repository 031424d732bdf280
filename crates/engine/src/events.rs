//! What mappings decide: told to whoever listens, and remembered for a while.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use serde::Serialize;
use tokio::sync::broadcast;
use uuid::Uuid;

/// How many events a slow listener may lag behind before it misses some.
const CAPACITY: usize = 4096;

/// How many decisions of each mapping are remembered.
const REMEMBERED: usize = 1000;

/// How many bytes they may have together, as JSON; the latest is remembered whatever its size.
const REMEMBERED_BYTES: usize = 1024 * 1024;

/// One decision of one mapping.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The mapping.
    pub mapping: Uuid,
    /// The place among the mapping's decisions: 1 for the first since the process began.
    pub sequence: u64,
    /// The mapping's function, by name.
    pub function: Arc<str>,
    /// What was decided.
    #[serde(rename = "event")]
    pub decision: Decision,
}

/// Passes the events of all mappings on.
#[derive(Clone, Debug)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

/// The last decisions of one mapping.
#[derive(Debug)]
pub(crate) struct History {
    mapping: Uuid,
    events: Events,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// Each with the bytes of its decision.
    events: VecDeque<(usize, Event)>,
    bytes: usize,
    sequence: u64,
}

/// Counts what is written.
struct Bytes(usize);

impl io::Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the bytes of a decision as JSON, which is about what it takes in memory.
fn bytes(decision: &Decision) -> usize {
    let mut bytes = Bytes(0);
    // Neither counting nor a decision can fail.
    drop(serde_json::to_writer(&mut bytes, decision));
    bytes.0
}

impl History {
    pub(crate) fn new(mapping: Uuid, events: Events) -> Self {
        let recent = Mutex::default();
        Self {
            mapping,
            events,
            recent,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is remembered, the oldest first.
    pub(crate) fn recent(&self) -> Vec<Event> {
        let recent = self.lock();
        recent
            .events
            .iter()
            .map(|(_, event)| event.clone())
            .collect()
    }

    pub(crate) fn add(&self, time: Timestamp, function: &Arc<str>, decision: Decision) {
        let bytes = bytes(&decision);
        let mut recent = self.lock();
        recent.sequence += 1;
        let event = Event {
            time_ms: time.millis(),
            mapping: self.mapping,
            sequence: recent.sequence,
            function: function.clone(),
            decision,
        };
        recent.bytes += bytes;
        while recent.events.len() >= REMEMBERED || recent.bytes > REMEMBERED_BYTES {
            let Some((forgotten, _)) = recent.events.pop_front() else {
                break;
            };
            recent.bytes -= forgotten;
        }
        // Sent under the lock, so that listeners see a mapping's events in order.
        if self.events.0.receiver_count() > 0 {
            // An error means that the last listener left in between.
            drop(self.events.0.send(event.clone()));
        }
        recent.events.push_back((bytes, event));
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::batching::CloseReason;
    use lambda_esm_core::decision::BatchId;

    use super::*;

    #[test]
    fn decisions_in_detail_are_remembered_up_to_a_number_of_bytes() {
        let history = History::new(Uuid::nil(), Events::new());
        let function: Arc<str> = "f".into();
        let closed = |batch, names: usize| Decision::BatchClosed {
            batch: BatchId(batch),
            reason: CloseReason::Count,
            records: names,
            bytes: 0,
            message_ids: vec![Uuid::nil().to_string(); names],
        };
        for batch in 0..100 {
            history.add(Timestamp(0), &function, closed(batch, 10_000));
        }
        let of_each = 10_000 * 36;
        let remembered = history.recent();
        assert!((1..=REMEMBERED_BYTES / of_each).contains(&remembered.len()));
        assert_eq!(remembered.last().map(|event| event.sequence), Some(100));
        history.add(Timestamp(0), &function, closed(101, 100_000));
        assert_eq!(history.recent().len(), 1, "the latest stays");
        for batch in 0..2_000 {
            history.add(Timestamp(0), &function, closed(batch, 0));
        }
        assert_eq!(history.recent().len(), REMEMBERED);
        assert!(history.lock().bytes < REMEMBERED_BYTES);
    }
}
