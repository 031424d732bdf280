//! Receiving: what is asked of the queue, and what becomes of the messages that arrive.

use std::time::Duration;

use super::action::{Action, ReceiveId};
use super::delivery::{Deletion, Delivery, SharedPlace};
use super::filter::explain;
use super::machine::QueueMachine;
use super::polling::{Receive, step};
use super::port::{ReceiveRequest, Received, SettleVerb, UnreadableMessage};
use crate::batching::{CloseReason, Oversized};
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};
use crate::on_failure_record::Condition;
use crate::record::QueueMessage;
use crate::time::Timestamp;

impl QueueMachine {
    /// Opens as many receives as slots, scaling, quotas and the window allow.
    pub(super) fn read(&mut self, now: Timestamp) {
        let waits = self.open_receives(now);
        self.calls.set_receive_waits(waits);
    }

    /// Returns whether there would be one more but for the server, which has calls enough.
    fn open_receives(&mut self, now: Timestamp) -> bool {
        if self.drain_until.is_some() || !self.polling.may_begin(now) {
            return false;
        }
        while self.polling.open() < self.scaler.pollers() {
            let Some((wait, room)) = self.next_receive(now).filter(|&(_, room)| room > 0) else {
                return false;
            };
            let waits = !self.scaler.has_backlog();
            if !self.calls.may_receive(waits) {
                return true;
            }
            if let Some(pollers) = self.provisioned_pollers()
                && !self.polling.take_call(now, pollers)
            {
                return false;
            }
            let max = room.min(self.config.facts.receive_limit.max(1));
            let id = ReceiveId(self.next_id());
            let visibility_timeout = self.config.visibility_override(self.longest_run);
            let receive = Receive {
                max,
                wait,
                opened: now,
                visibility: visibility_timeout.unwrap_or(self.config.facts.visibility_timeout),
            };
            self.polling.begin(id, receive);
            self.calls.receive(id, waits);
            let request = ReceiveRequest {
                max,
                wait,
                visibility_timeout,
            };
            self.actions.push_back(Action::Receive { id, request });
        }
        false
    }

    /// Returns how long the next receive may wait, and how many messages it may bring.
    ///
    /// Where records wait for a window it ends with that. A source may wait in steps longer than what is left of the window
    /// (SQS: whole seconds); then the receive goes on beyond it, so that messages are not left to wait in the queue, if a slot
    /// is free for what it brings after the batch has gone.
    fn next_receive(&self, now: Timestamp) -> Option<(Duration, usize)> {
        let facts = &self.config.facts;
        let end = self.batcher.window_end();
        let Some(end) = end.filter(|_| !self.batcher.is_empty()) else {
            return Some((facts.longest_wait, self.room()));
        };
        let beyond = (self.room() + self.batcher.len()).saturating_sub(self.config.limits.count);
        let step = step(facts);
        if beyond > 0 && (1..step.as_millis()).contains(&end.since(now).as_millis()) {
            return Some((step.min(facts.longest_wait), beyond));
        }
        let wait = self.polling.wait_within(now, end, facts)?;
        Some((wait, self.room()))
    }

    /// Returns how many more messages the free slots could carry: none while a batch waits for its turn, lest
    /// messages wait out their visibility timeout here.
    fn room(&self) -> usize {
        if self.in_flight.is_reserving() {
            return 0;
        }
        let free = self
            .scaler
            .concurrency()
            .saturating_sub(self.in_flight.batches());
        let taken = self.batcher.len()
            + self.polling.outstanding()
            + self.settlements.deleting_filtered()
            + self.share.give_ups.records();
        free.saturating_mul(self.config.limits.count)
            .saturating_sub(taken)
    }

    /// Tells whether less than half of what the slots could carry is left.
    pub(super) fn is_little_room(&self) -> bool {
        let all = self.scaler.concurrency() * self.config.limits.count;
        self.room() < all / 2
    }

    /// A receive ended.
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        id: ReceiveId,
        result: Result<Received, SourceError>,
    ) {
        let Some(receive) = self.polling.end(id) else {
            return;
        };
        self.receive_ended(id, receive.max, &result);
        match result {
            Ok(received) => self.sort(now, receive, received),
            Err(error) => self.poll_failed(now, error),
        }
    }

    /// Sets aside what cannot be read. A receive that brings nothing else has failed, so that a source of such
    /// messages is left alone for a while.
    fn sort(&mut self, now: Timestamp, receive: Receive, received: Received) {
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
                    self.polling.set_unreadable(problem);
                }
                self.accept(now, receive, messages);
            }
        }
    }

    fn poll_failed(&mut self, now: Timestamp, error: SourceError) {
        let failed = self.polling.failed(now, error, &mut self.random);
        self.report(failed);
    }

    fn accept(&mut self, now: Timestamp, receive: Receive, messages: Vec<QueueMessage>) {
        let before = self.scaler.concurrency();
        self.scaler.on_receive(now, receive.max, messages.len());
        self.polling
            .found(now, receive, messages.len(), &mut self.random);
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
        let hidden_until = now + receive.visibility;
        if self.is_late(now) {
            self.send_back(now, messages, hidden_until);
            return;
        }
        self.batcher.forget_empty_window(now);
        let ungrouped = self.config.fifo && messages.iter().any(|one| one.group.is_none());
        self.polling.set_ungrouped(ungrouped);
        let (together, alone) = self.config.encoder.overhead(&messages);
        self.batcher.reserve(together, alone);
        let mut filtered = Vec::new();
        for message in messages {
            if self.provisioned_pollers().is_some() {
                self.polling.spend_bytes(message.content.size());
            }
            if let Some(failure) = undecoded(&message) {
                let delivery = self.delivery(now, &message, hidden_until);
                self.give_up_unseen(now, &message, delivery, failure);
            } else if self.filter.passes(&self.config, &message) {
                self.gather(now, message, hidden_until);
            } else {
                self.report_filtered(&message);
                filtered.push(self.delivery(now, &message, hidden_until));
            }
        }
        if !filtered.is_empty() {
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
        let delivery = self.delivery(now, &message, hidden_until);
        self.note_redelivery(&delivery);
        let encoder = &self.config.encoder;
        let pushed = self.batcher.push(now, delivery, |delivery, out| {
            encoder.write(out, &delivery.id, &delivery.receipt, &message.content);
        });
        match pushed {
            Ok(Some(batch)) => self.enqueue(batch),
            Ok(None) => {}
            Err(Oversized { item, bytes }) if self.config.share_group.is_some() => {
                let because = format!("its event alone is {bytes} bytes");
                let why = (Condition::MaximumPayloadSizeExceeded, because);
                self.give_up_unseen(now, &message, item, why);
            }
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
    pub(super) fn delivery(
        &self,
        now: Timestamp,
        message: &QueueMessage,
        hidden_until: Timestamp,
    ) -> Delivery {
        let group = self.config.fifo.then(|| message.group.clone());
        Delivery {
            id: message.id.clone(),
            receipt: message.receipt.clone(),
            group: group.map(Option::unwrap_or_default),
            hidden_until,
            receives: message.content.receive_count().unwrap_or_default(),
            deletion: Deletion::NotDone,
            place: message
                .content
                .kafka()
                .map(|shared| SharedPlace::of(now, shared)),
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

/// Returns why a record cannot be decoded by its schema, if that is so.
fn undecoded(message: &QueueMessage) -> Option<(Condition, String)> {
    let schemas = message.content.kafka()?.record.schemas.as_ref()?;
    let failure = schemas.failure.as_ref()?;
    Some((failure.condition, failure.because.clone()))
}
