//! Sessions with the broker: one at a time. When one cannot begin or ends, the next is tried with back-off.

use super::action::Action;
use super::link::{Link, Session, Stop};
use super::machine::PushQueueMachine;
use super::port::ConsumeRequest;
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::stream::CallId;
use crate::time::{self, Timestamp};

impl PushQueueMachine {
    /// Begins a session, if it is time.
    pub(super) fn connect(&mut self, now: Timestamp) {
        if let Link::Waiting(time) = self.link
            && time <= now
            && !self.draining
        {
            let id = self.shared.next_call();
            self.link = Link::Connecting(id);
            let request = ConsumeRequest::new(self.config.prefetch());
            self.actions.push_back(Action::Connect { id, request });
        }
    }

    /// A session has begun, or could not.
    pub(super) fn connected(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<(), SourceError>,
    ) {
        if self.link != Link::Connecting(id) {
            return;
        }
        match result {
            Ok(()) => {
                self.begun = true;
                self.problem = None;
                self.link = Link::Open(Session {
                    id,
                    since: now,
                    reading: false,
                    stop: Stop::No,
                });
            }
            Err(error) => {
                let retry = self.failed(now, error);
                self.link = Link::Waiting(retry);
            }
        }
    }

    /// The session is over: what was delivered in it is no longer ours.
    pub(super) fn lose_session(&mut self, now: Timestamp, error: SourceError) {
        let Some(session) = self.link.session() else {
            return;
        };
        // One that lasted was no failed try to begin one.
        if now.since(session.since) >= Backoff::SOURCE.cap {
            self.failures = 0;
        }
        self.retry_at = self.failed(now, error);
        self.close();
        self.deliveries.clear();
        self.settlements.clear();
        self.buffer.clear();
        self.buffered = 0;
        for lane in 0..self.lanes.len() {
            self.strip(lane);
        }
    }

    /// Ends the session.
    pub(super) fn close(&mut self) {
        if let Link::Open(session) = self.link {
            let id = self.shared.next_call();
            self.link = Link::Closing(id);
            let session = session.id;
            self.actions.push_back(Action::Close { id, session });
        }
    }

    /// A session has ended.
    pub(super) fn closed(&mut self, id: CallId) {
        if self.link == Link::Closing(id) {
            self.link = Link::Waiting(self.retry_at);
        }
    }

    /// Takes note of a failure. Returns when a session is tried next.
    fn failed(&mut self, now: Timestamp, error: SourceError) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.failures, &mut self.shared.random);
        self.shared.report(Decision::PollFailed {
            error: error.message.clone(),
            retry_ms: time::millis(wait),
        });
        self.problem = Some(error);
        now + wait
    }
}
