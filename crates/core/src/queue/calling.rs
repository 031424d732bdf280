//! Calling the queue's server: which settle calls begin, and what is learned from calls that end.

use super::action::{ReceiveId, SettleId};
use super::call_limit::{End, Moved};
use super::calls::Waiting;
use super::machine::QueueMachine;
use super::port::Received;
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};

impl QueueMachine {
    /// Puts a settle call in line.
    pub(super) fn line_up(&mut self, waiting: Waiting) {
        self.calls.line_up(waiting);
        self.settle_waiting();
    }

    /// Begins the settle calls that may begin.
    pub(super) fn settle_waiting(&mut self) {
        while let Some(next) = self.calls.next_to_settle() {
            let (id, call) = match next {
                Waiting::Line(settling) => {
                    let limit = self.config.facts.settle_limit.max(1);
                    let id = SettleId(self.next_id());
                    (id, Some(self.settlements.call(id, settling, limit)))
                }
                Waiting::Again(at, id) => (id, self.settlements.retry(at, id)),
            };
            if let Some(call) = call {
                self.calls.settle(id);
                self.actions.push_back(call);
            }
        }
    }

    /// A receive that might have brought `most` messages ended. One that brought fewer may have waited for them.
    pub(super) fn receive_ended(
        &mut self,
        id: ReceiveId,
        most: usize,
        result: &Result<Received, SourceError>,
    ) {
        let end = match result {
            Ok(received) if received.messages.len() + received.unreadable.len() >= most => {
                End::Served
            }
            Ok(_) => End::Aside,
            Err(error) => failed(error),
        };
        self.call_ended(id.0, end);
    }

    /// A settle call ended.
    pub(super) fn settle_ended(
        &mut self,
        id: SettleId,
        result: &Result<Vec<Result<(), SourceError>>, SourceError>,
    ) {
        let end = match result {
            Ok(answers) => {
                let throttled =
                    |error: &&SourceError| matches!(error.kind, SourceErrorKind::Throttled);
                let mut errors = answers.iter().filter_map(|answer| answer.as_ref().err());
                errors.find(throttled).map_or(End::Served, failed)
            }
            Err(error) => failed(error),
        };
        self.call_ended(id.0, end);
    }

    fn call_ended(&mut self, id: u64, end: End) {
        if let Some(Moved { from, to, because }) = self.calls.end(id, end) {
            self.report(Decision::CallsLimited { from, to, because });
        }
    }
}

/// An overloaded server does not answer in time, or says so; what else it refuses has nothing to do with that.
const fn failed(error: &SourceError) -> End {
    match error.kind {
        SourceErrorKind::Transient | SourceErrorKind::Throttled => End::Overloaded,
        _ => End::Aside,
    }
}
