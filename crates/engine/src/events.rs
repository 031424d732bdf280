//! What mappings decide: told to whoever listens, and remembered for a while.

use std::collections::VecDeque;
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
    events: VecDeque<Event>,
    sequence: u64,
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
        self.lock().events.iter().cloned().collect()
    }

    pub(crate) fn add(&self, time: Timestamp, function: &Arc<str>, decision: Decision) {
        let mut recent = self.lock();
        recent.sequence += 1;
        let event = Event {
            time_ms: time.millis(),
            mapping: self.mapping,
            sequence: recent.sequence,
            function: function.clone(),
            decision,
        };
        if recent.events.len() == REMEMBERED {
            recent.events.pop_front();
        }
        // Sent under the lock, so that listeners see a mapping's events in order.
        if self.events.0.receiver_count() > 0 {
            // An error means that the last listener left in between.
            drop(self.events.0.send(event.clone()));
        }
        recent.events.push_back(event);
    }
}
