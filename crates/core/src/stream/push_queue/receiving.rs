//! Messages as they come: filtered at once, and kept until a lane draws them.

use super::action::Action;
use super::filter::FilteredMessage;
use super::link::Stop;
use super::machine::{Delivery, PushQueueMachine, Pushed};
use super::port::Outcome;
use super::redelivery::is_exhausted;
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::on_failure_record::Condition;
use crate::record::{PushedContent, PushedMessage};
use crate::stream::CallId;
use crate::stream::data_filter::{DataFilter, explain};
use crate::stream::item::{Item, Place};
use crate::time::Timestamp;

impl PushQueueMachine {
    /// Waits for messages, unless too much waits for the function.
    pub(super) fn read(&mut self) {
        let is_full = self.buffered >= self.config.batches.read_ahead;
        if let Some(session) = self.link.session()
            && !session.reading
            && !is_full
        {
            session.reading = true;
            let session = session.id;
            self.actions.push_back(Action::Read { session });
        }
    }

    /// A read ended.
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        session: CallId,
        result: Result<Vec<PushedMessage>, SourceError>,
    ) {
        let Some(session) = self.link.session_named(session) else {
            return;
        };
        session.reading = false;
        let messages = match result {
            Ok(messages) => messages,
            Err(error) => return self.lose_session(now, error),
        };
        self.failures = 0;
        self.shared.report(Decision::Polled {
            messages: messages.len(),
        });
        let mut filter = DataFilter::default();
        let (mut skipped, mut last_skipped) = (0, String::new());
        for message in messages {
            if let Some(tag) = self.take(now, message, &mut filter) {
                skipped += 1;
                last_skipped = tag;
            }
        }
        if skipped > 0 && !self.config.batches.detail {
            self.skipped(skipped, last_skipped, String::new());
        }
    }

    /// Takes a message. Returns its tag if no filter lets it pass.
    fn take(
        &mut self,
        now: Timestamp,
        message: PushedMessage,
        filter: &mut DataFilter,
    ) -> Option<String> {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        let delivery = Delivery {
            tag: message.tag,
            failures_before: message.failed_deliveries,
            failures: 0,
            expires: message.time_to_live.map(|left| now + left),
        };
        self.deliveries.insert(ordinal, delivery);
        let item = Item {
            ordinal,
            place: Place::Delivery(message.tag),
            arrival: now,
        };
        let content = message.content;
        if let PushedContent::Unreadable(unreadable) = content {
            let batch = self.shared.next_batch();
            let because = unreadable.because.clone();
            self.give_up(batch, &[item], Condition::RecordUnreadable, because);
            return None;
        }
        let filters = self.config.batches.filters.clone();
        let seen = FilteredMessage {
            encoder: &self.config.encoder,
            content: &content,
        };
        if let Some(filters) = filters
            && !filter.passes(&filters, &seen)
        {
            let tag = item.place.to_string();
            if self.config.batches.detail {
                let because = explain(&filters, &seen);
                self.skipped(1, tag.clone(), because);
            }
            // Acknowledged when it is filtered (Lambda developer guide, "Control which events Lambda sends to your
            // function").
            self.settle(&item, Outcome::Accepted);
            return Some(tag);
        }
        if is_exhausted(self.config.engine, delivery) {
            let batch = self.shared.next_batch();
            self.reject_exhausted(batch, &[item]);
            return None;
        }
        let size = content.size();
        self.buffered += size;
        self.buffer.push_back(Pushed {
            item,
            content,
            size,
        });
        None
    }

    fn skipped(&mut self, records: usize, last: String, because: String) {
        self.shared.report(Decision::Skipped {
            shard: self.name.clone(),
            records,
            sequence_number: last,
            because,
        });
    }

    /// The broker delivers no more, or cannot be told.
    pub(super) fn stopped(&mut self, now: Timestamp, id: CallId, result: Result<(), SourceError>) {
        let Some(session) = self.link.session() else {
            return;
        };
        if session.stop != Stop::Asked(id) {
            return;
        }
        match result {
            Ok(()) => session.stop = Stop::Done,
            Err(error) => self.lose_session(now, error),
        }
    }
}
