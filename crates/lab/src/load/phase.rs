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

/// Begins a phase, and figures anew with it, if that has not been done. Returns once it is done, whoever does it: what is
/// told to the recorder before that would be lost.
pub(super) fn enter(recorder: &Recorder, names: &RealNames, calls: &CallBook, phase: u32) {
    let _one_at_a_time = names.entering();
    if names.enter(phase) {
        drop((recorder.finish(|_| None), calls.take()));
    }
}

impl Phases {
    /// Returns the phase of a record that is due so long after the beginning, and whether it comes after the warm-up.
    fn phase(&self, due: Duration) -> (u32, bool) {
        let is_warm = due >= self.warm_up;
        (self.first + u32::from(is_warm), is_warm)
    }
}

impl Arrived for Phases {
    fn sending(&self, due: Duration) {
        let (phase, _) = self.phase(due);
        enter(&self.recorder, &self.names, &self.calls, phase);
    }

    fn arrived(&self, due: Duration, id: Arc<str>, bytes: usize) {
        let (phase, is_warm) = self.phase(due);
        if is_warm {
            self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        // Not while a later phase begins, which would count a record of this one.
        let _phase_goes_on = self.names.entering();
        if let Some(record) = self.names.arrived(self.source, &id, phase) {
            self.recorder
                .arrived(self.source, record, self.begins + due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use lambda_esm_engine::Clock;

    use super::*;
    use crate::recorder::{Roster, SourceSpec, SourceType};

    #[test]
    fn records_that_begin_a_phase_together_are_all_counted() {
        const RECORDS: usize = 4;
        let source = SourceSpec {
            kind: SourceType::Sqs,
            topic: String::new(),
            retention: None,
        };
        let clock = Clock::system();
        let names = Arc::new(RealNames::new([(SourceType::Sqs, "queue".to_owned())]));
        let recorder = Arc::new(Recorder::new(
            clock,
            Arc::new(Roster::new(vec![source], Vec::new())),
            names.clone(),
        ));
        for first in 0..500 {
            let phases = Phases {
                recorder: recorder.clone(),
                names: names.clone(),
                calls: Arc::new(CallBook::new(std::iter::once("queue".to_owned()))),
                source: 0,
                begins: clock.now(),
                warm_up: Duration::ZERO,
                first,
                bytes: AtomicU64::new(0),
            };
            thread::scope(|scope| {
                for record in 0..RECORDS {
                    let (phases, name) = (&phases, format!("{first}-{record}"));
                    scope.spawn(move || {
                        phases.sending(Duration::ZERO);
                        phases.arrived(Duration::ZERO, Arc::from(name), 1);
                    });
                }
            });
            assert_eq!(
                recorder.arrived_at(0),
                RECORDS as u64,
                "phase {}",
                first + 1
            );
        }
    }
}
