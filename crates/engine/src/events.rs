//! What mappings decide: told to whoever listens, and remembered for a while.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use uuid::Uuid;

/// How many events a slow listener may lag behind before it misses some.
const CAPACITY: usize = 4096;

/// How many decisions of each mapping are remembered.
const REMEMBERED: usize = 1000;

/// How many bytes they may have together, as JSON; the latest is remembered whatever its size.
const REMEMBERED_BYTES: usize = 1024 * 1024;

/// One decision of one mapping.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
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

/// What a listener to [`Events`] hears.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Heard {
    /// A decision.
    Event(Event),
    /// So many decisions came and went before they were read: 4,096 are kept for a listener.
    Missed(u64),
}

/// The decisions of all mappings of an engine, from when it was asked for; see
/// [`Engine::events`](crate::Engine::events). Those of one mapping come in their order.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// Waits for the next decision; `None` once the engine and all of its mappings are gone. Cancel safe.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(event) => Some(Heard::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// Returns the next decision, if it is there already.
    pub fn next_now(&mut self) -> Option<Heard> {
        match self.0.try_recv() {
            Ok(event) => Some(Heard::Event(event)),
            Err(TryRecvError::Lagged(missed)) => Some(Heard::Missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

/// Is told of every decision, in the order of each mapping, by the task that made it.
pub(crate) type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Passes the events of all mappings on.
#[derive(Clone)]
pub(crate) struct EventSender {
    listeners: broadcast::Sender<Event>,
    observer: Option<Observer>,
}

impl EventSender {
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self {
            listeners: broadcast::Sender::new(CAPACITY),
            observer,
        }
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events(self.listeners.subscribe())
    }

    fn send(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
        if self.listeners.receiver_count() > 0 {
            // An error means that the last listener left in between.
            drop(self.listeners.send(event.clone()));
        }
    }
}

/// The last decisions of one mapping.
pub(crate) struct History {
    mapping: Uuid,
    events: EventSender,
    recent: Mutex<Recent<Event>>,
}

/// What was told last, up to a number of things and of bytes.
#[derive(Debug)]
struct Recent<T> {
    /// Each with its bytes.
    told: VecDeque<(usize, T)>,
    bytes: usize,
    /// How much was told since the beginning.
    sequence: u64,
}

impl<T> Recent<T> {
    const fn new() -> Self {
        Self {
            told: VecDeque::new(),
            bytes: 0,
            sequence: 0,
        }
    }

    fn push(&mut self, bytes: usize, told: T) {
        self.bytes += bytes;
        while self.told.len() >= REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some((forgotten, _)) = self.told.pop_front() else {
                break;
            };
            self.bytes -= forgotten;
        }
        self.told.push_back((bytes, told));
    }
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

/// More than the JSON of a decision has that names nothing but numbers, or one shard.
const SMALL: usize = 256;

/// Returns the bytes of a decision as JSON, which is about what it takes in memory; of those that come with every batch, no
/// less than that.
fn bytes(decision: &Decision) -> usize {
    match decision {
        Decision::Polled { .. }
        | Decision::Invoked { .. }
        | Decision::Succeeded { .. }
        | Decision::Deleted { .. } => return SMALL,
        Decision::BatchClosed { message_ids, .. } if message_ids.is_empty() => return SMALL,
        Decision::Checkpointed { place, .. } => return SMALL + place.len(),
        _ => {}
    }
    let mut bytes = Bytes(0);
    // Neither counting nor a decision can fail.
    drop(serde_json::to_writer(&mut bytes, decision));
    bytes.0
}

impl History {
    pub(crate) fn new(mapping: Uuid, events: EventSender) -> Self {
        let recent = Mutex::new(Recent::new());
        Self {
            mapping,
            events,
            recent,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recent<Event>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is remembered, the oldest first.
    pub(crate) fn recent(&self) -> Vec<Event> {
        let recent = self.lock();
        recent.told.iter().map(|(_, event)| event.clone()).collect()
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
        // Sent under the lock, so that listeners see a mapping's events in order.
        self.events.send(&event);
        recent.push(bytes, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_decisions_are_remembered_up_to_a_number_of_bytes() {
        let mut recent = Recent::new();
        let large = 360_000;
        for number in 1..=100 {
            recent.push(large, number);
        }
        assert!((1..=REMEMBERED_BYTES / large).contains(&recent.told.len()));
        assert_eq!(recent.told.back(), Some(&(large, 100)));
        recent.push(2 * REMEMBERED_BYTES, 101);
        assert_eq!(recent.told.len(), 1, "the latest stays");
        for number in 102..2_000 {
            recent.push(100, number);
        }
        assert_eq!(recent.told.len(), REMEMBERED);
        assert!(recent.bytes < REMEMBERED_BYTES);
    }
}
