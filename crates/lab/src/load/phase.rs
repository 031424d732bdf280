//! Records as they arrive, in the phase that they belong to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_esm_core::Timestamp;

use super::calls::CallBook;
use super::identity::RealNames;
use super::open_loop::Arrived;
use crate::recorder::Recorder;

/// Tells recorder and names of the records of one source. Those that are due before the warm-up ends belong to one phase,
/// later ones to the next, which the first of them begins.
pub(super) struct Phases {
    pub(super) recorder: Arc<Recorder>,
    pub(super) names: Arc<RealNames>,
    pub(super) calls: Arc<CallBook>,
    pub(super) source: usize,
    pub(super) begins: Timestamp,
    pub(super) warm_up: Duration,
    /// The phase of the warm-up.
    pub(super) first: u32,
    /// Bytes of payloads after the warm-up.
    pub(super) bytes: AtomicU64,
}

/// Begins a phase, and figures anew with it, if that has not been done.
pub(super) fn enter(recorder: &Recorder, names: &RealNames, calls: &CallBook, phase: u32) {
    if names.enter(phase) {
        drop((recorder.finish(|_| None), calls.take()));
    }
}

impl Arrived for Phases {
    fn arrived(&self, due: Duration, id: Arc<str>, bytes: usize) {
        let is_warm = due >= self.warm_up;
        let phase = self.first + u32::from(is_warm);
        if is_warm {
            enter(&self.recorder, &self.names, &self.calls, phase);
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        if let Some(record) = self.names.arrived(self.source, &id, phase) {
            self.recorder
                .arrived(self.source, record, self.begins + due);
        }
    }
}
