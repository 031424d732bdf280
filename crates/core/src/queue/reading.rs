//! Reading: what is asked of the queue, and what becomes of the messages that arrive.

use std::time::Duration;

use super::action::{Action, ReceiveId};
use super::config::explain;
use super::flight::Delivery;
use super::machine::QueueMachine;
use super::port::{ReceiveRequest, Received, SettleVerb, UnreadableMessage};
use crate::backoff::Backoff;
use crate::batching::{CloseReason, Oversized};
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};
use crate::record::{QueueContent, QueueMessage};
use crate::time::Timestamp;

/// An open receive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// How many messages it may bring.
    pub(super) max: usize,
    /// How long it may wait for the first one.
    wait: Duration,
    opened: Timestamp,
    /// How long what it brings stays hidden from others.
    visibility: Duration,
}

impl Reading {
    /// Returns when it ends if it brings nothing.
    pub(super) fn ends(&self) -> Timestamp {
        self.opened + self.wait
    }
}

impl QueueMachine {
    /// Opens as many receives as slots, scaling, quotas and the window allow.
    pub(super) fn read(&mut self, now: Timestamp) {
        if self.drain_until.is_some() {
            return;
        }
        if self.not_before.is_some_and(|time| time > now) {
            return;
        }
        self.not_before = None;
        while self.receives.len() < self.scaler.pollers() {
            let room = self.room();
            let Some(wait) = self.wait(now).filter(|_| room > 0) else {
                return;
            };
            if let Some(pollers) = self.provisioned_pollers()
                && let Err(next) = self.quota.take_call(now, pollers)
            {
                self.not_before = Some(next);
                return;
            }
            let max = room.min(self.config.facts.receive_limit.max(1));
            let id = ReceiveId(self.next_id());
            let visibility_timeout = self.config.visibility_override(self.longest_run);
            let reading = Reading {
                max,
                wait,
                opened: now,
                visibility: visibility_timeout.unwrap_or(self.config.facts.visibility_timeout),
            };
            self.receives.insert(id, reading);
            self.outstanding += max;
            let request = ReceiveRequest {
                max,
                wait,
                visibility_timeout,
            };
            self.actions.push_back(Action::Receive { id, request });
        }
    }

    /// Returns how many more messages the free slots could carry: none while a batch waits for its turn, lest
    /// messages wait out their visibility timeout here.
    fn room(&self) -> usize {
        if self.reserving > 0 {
            return 0;
        }
        let free = self.scaler.concurrency().saturating_sub(self.batches());
        let taken = self.batcher.len() + self.outstanding + self.deleting_filtered;
        free.saturating_mul(self.config.limits.count)
            .saturating_sub(taken)
    }

    /// Returns how long the next receive may wait: not past the end of the open window. `None` when the
    /// window's rest is shorter than the source can wait, and the last receive found nothing.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let facts = &self.config.facts;
        let end = match self.batcher.window_end() {
            Some(end) if !self.batcher.is_empty() => end,
            _ => return Some(facts.longest_wait),
        };
        let rest = end.since(now);
        let step = facts.wait_step.max(Duration::from_millis(1));
        let steps = rest.as_millis() / step.as_millis();
        if steps == 0 && (self.quiet || rest.is_zero()) {
            return None;
        }
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        Some(step.saturating_mul(steps).min(facts.longest_wait))
    }

    /// A receive ended.
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        id: ReceiveId,
        result: Result<Received, SourceError>,
    ) {
        let Some(reading) = self.receives.remove(&id) else {
            return;
        };
        self.outstanding -= reading.max;
        match result {
            Ok(received) => self.sort(now, reading, received),
            Err(error) => self.poll_failed(now, error),
        }
    }

    /// Sets aside what cannot be read. A receive that brings nothing else has failed, so that a source of such
    /// messages is left alone for a while.
    fn sort(&mut self, now: Timestamp, reading: Reading, received: Received) {
        let Received {
            messages,
            unreadable,
        } = received;
        let problem = unreadable.first().map(|first| {
            let (lost, all) = (unreadable.len(), unreadable.len() + messages.len());
            format!(
                "{lost} of {all} received messages cannot be read: {}",
                first.because
            )
        });
        for UnreadableMessage { id, because } in unreadable {
            self.report(Decision::Unreadable {
                message_id: id,
                because,
            });
        }
        match problem {
            Some(problem) if messages.is_empty() => {
                self.poll_failed(now, SourceError::new(SourceErrorKind::Fatal, problem));
            }
            problem => {
                if !messages.is_empty() {
                    self.unread = problem;
                }
                self.accept(now, reading, messages);
            }
        }
    }

    /// Receives that fail together count as one failure: those that end while the source is left alone
    /// say nothing new.
    fn poll_failed(&mut self, now: Timestamp, error: SourceError) {
        let retry_at = match self.source_retry_at.filter(|&time| time > now) {
            Some(retry_at) => retry_at,
            None => {
                self.source_failures = self.source_failures.saturating_add(1);
                now + Backoff::SOURCE.wait(self.source_failures, &mut self.random)
            }
        };
        self.source_retry_at = Some(retry_at);
        self.not_before = self.not_before.max(Some(retry_at));
        self.source_problem = Some(error.message.clone());
        let retry_ms = u64::try_from(retry_at.since(now).as_millis()).unwrap_or(u64::MAX);
        self.report(Decision::PollFailed {
            error: error.message,
            retry_ms,
        });
    }

    /// A source that finds nothing and does not wait for it is asked again after a pause.
    fn pause_if_hasty(&mut self, now: Timestamp, reading: Reading, found: usize) {
        if found > 0 || now.since(reading.opened) > reading.wait / 2 {
            self.hasty_receives = 0;
            return;
        }
        self.hasty_receives = self.hasty_receives.saturating_add(1);
        let pause = Backoff::IDLE.wait(self.hasty_receives, &mut self.random);
        self.not_before = self.not_before.max(Some(now + pause));
    }

    fn accept(&mut self, now: Timestamp, reading: Reading, messages: Vec<QueueMessage>) {
        self.source_failures = 0;
        self.source_problem = None;
        self.quiet = messages.is_empty();
        let before = self.scaler.concurrency();
        self.scaler.on_receive(now, reading.max, messages.len());
        self.pause_if_hasty(now, reading, messages.len());
        self.report_scaling(
            before,
            if messages.is_empty() {
                "idle"
            } else {
                "backlog"
            },
        );
        if messages.is_empty() {
            return;
        }
        self.report(Decision::Polled {
            messages: messages.len(),
        });
        let hidden_until = now + reading.visibility;
        if self.is_late(now) {
            self.send_back(messages, hidden_until);
            return;
        }
        self.batcher.forget_empty_window(now);
        self.ungrouped = self.config.fifo && messages.iter().any(|one| one.group.is_none());
        let mut filtered = Vec::new();
        for message in messages {
            if self.provisioned_pollers().is_some() {
                let QueueContent::Sqs(sqs) = &message.content;
                self.quota.spend_bytes(sqs.body.len());
            }
            if self.sieve.passes(&self.config, &message) {
                self.gather(now, message, hidden_until);
            } else {
                self.report_filtered(&message);
                filtered.push(self.delivery(&message, hidden_until));
            }
        }
        if !filtered.is_empty() {
            self.deleting_filtered += filtered.len();
            self.settle(None, SettleVerb::Delete, filtered);
        }
        let goes = match self.drain_until {
            Some(_) => Some(CloseReason::Draining),
            None if self.config.limits.window.is_zero() => Some(CloseReason::Available),
            None => None,
        };
        if let Some(batch) = goes.and_then(|reason| self.batcher.close(reason)) {
            self.enqueue(batch);
        }
    }

    fn gather(&mut self, now: Timestamp, message: QueueMessage, hidden_until: Timestamp) {
        let delivery = self.delivery(&message, hidden_until);
        self.note_again(&delivery);
        let (encoder, content) = (&self.config.encoder, message.content);
        let pushed = self.batcher.push(now, delivery, |delivery, out| {
            encoder.write(out, &delivery.id, &delivery.receipt, &content);
        });
        match pushed {
            Ok(Some(batch)) => self.enqueue(batch),
            Ok(None) => {}
            Err(Oversized { item, bytes }) => {
                self.report(Decision::Oversized {
                    message_id: item.id,
                    bytes,
                });
            }
        }
    }

    /// Returns what is remembered of a message. Of a FIFO queue, those without a group share one: whatever
    /// their groups are, their order holds.
    pub(super) fn delivery(&self, message: &QueueMessage, hidden_until: Timestamp) -> Delivery {
        let group = self.config.fifo.then(|| message.group.clone());
        Delivery {
            id: message.id.clone(),
            receipt: message.receipt.clone(),
            group: group.map(Option::unwrap_or_default),
            hidden_until,
            receives: message.content.receive_count().unwrap_or_default(),
        }
    }

    fn report_filtered(&mut self, message: &QueueMessage) {
        let because = if self.config.detail {
            explain(&self.config, message)
        } else {
            String::new()
        };
        self.report(Decision::Filtered {
            message_id: message.id.clone(),
            because,
        });
    }

    pub(super) fn report_scaling(&mut self, before: usize, because: &'static str) {
        let to = self.scaler.concurrency();
        if to != before {
            self.report(Decision::Scaled {
                from: before,
                to,
                because,
            });
        }
    }
}
