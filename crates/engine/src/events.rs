//! What mappings decide, told to whoever listens.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use serde::Serialize;
use tokio::sync::broadcast;
use uuid::Uuid;

/// How many events a slow listener may lag behind before it misses some.
const CAPACITY: usize = 4096;

/// One decision of one mapping.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The mapping.
    pub mapping: Uuid,
    /// The mapping's function, by name.
    pub function: Arc<str>,
    /// What was decided.
    #[serde(rename = "event")]
    pub decision: Decision,
}

/// Passes events on. Costs next to nothing while nobody listens.
#[derive(Clone, Debug)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    pub(crate) fn send(
        &self,
        time: Timestamp,
        mapping: Uuid,
        function: &Arc<str>,
        decision: Decision,
    ) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let event = Event {
            time_ms: time.millis(),
            mapping,
            function: function.clone(),
            decision,
        };
        // An error means that the last listener left in between.
        drop(self.0.send(event));
    }
}
