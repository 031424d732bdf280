//! What was sent and delivered, against which each further delivery is held.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{MessageAttribute, QueueMessage, Receipt, SqsMessage};
use tokio::time::Instant;

use super::message::MessageToSend;
use super::shown::{Brief, Text, attribute, body, sqs};
use crate::contract::promise::{broken, equal, holds};

/// How far a server's clock may be from the contract's, and how much earlier than promised something may be seen.
pub(super) const SKEW: Duration = Duration::from_secs(1);

/// A receive that has begun.
pub(super) struct Call {
    pub(super) begun: Moment,
    /// For how long what comes is hidden.
    pub(super) hidden: Duration,
    /// Whether the receive said so itself.
    pub(super) overridden: bool,
}

/// A moment by tokio's clock and by the server's.
pub(super) type Moment = (Instant, Timestamp);

/// The messages of a queue on trial.
#[derive(Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
}

struct Entry {
    sent: MessageToSend,
    sending: Timestamp,
    /// When `send` had returned.
    sent_by: Option<Timestamp>,
    id: Option<String>,
    receipts: Vec<Receipt>,
    times: Option<Times>,
    state: State,
}

/// `SentTimestamp` and `ApproximateFirstReceiveTimestamp` of the first delivery.
#[derive(Clone, PartialEq, Eq)]
struct Times {
    sent: String,
    received: String,
}

enum State {
    Visible,
    Hidden { until: Instant, overridden: bool },
    Deleted,
}

impl Ledger {
    /// Notes a message before it is sent, since it may be received before `send` returns.
    pub(super) fn sending(&mut self, message: MessageToSend, now: Timestamp) -> usize {
        self.entries.push(Entry {
            sent: message,
            sending: now,
            sent_by: None,
            id: None,
            receipts: Vec::new(),
            times: None,
            state: State::Visible,
        });
        self.entries.len() - 1
    }

    pub(super) fn sent(&mut self, number: usize, now: Timestamp) {
        self.entries[number].sent_by = Some(now);
    }

    /// Looks at one message of a receive that has ended `now`.
    pub(super) fn delivered(&mut self, message: &QueueMessage, call: &Call, now: Moment) {
        let number = self.number(message);
        let entries = self.entries.iter().enumerate();
        for (_, other) in entries.filter(|(each, _)| *each != number) {
            let own = other.id.as_ref() != Some(&message.id);
            holds(
                "each message has an id of its own",
                own,
                "a new id",
                &Brief(message),
            );
            let own = !other.receipts.contains(&message.receipt);
            let promise = "each delivery has a receipt of its own";
            holds(promise, own, "a new receipt", &message.receipt);
        }
        let entry = &mut self.entries[number];
        entry.is_due(message, now.0);
        entry.is_the_same_message(message);
        entry.shows_what_was_sent(message);
        entry.shows_when(message, call, now.1);
        entry.receipts.push(message.receipt.clone());
        entry.state = State::Hidden {
            until: call.begun.0 + call.hidden.saturating_sub(SKEW),
            overridden: call.overridden,
        };
    }

    /// Notes what is about to be released, since it may be received before `settle` returns.
    pub(super) fn releasing(&mut self, message: &QueueMessage) {
        let entry = self.in_its_latest_delivery(message);
        if let Some(entry) = entry.filter(|entry| matches!(entry.state, State::Hidden { .. })) {
            entry.state = State::Visible;
        }
    }

    pub(super) fn deleted(&mut self, message: &QueueMessage) {
        if let Some(entry) = self.in_its_latest_delivery(message) {
            entry.state = State::Deleted;
        }
    }

    fn in_its_latest_delivery(&mut self, message: &QueueMessage) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.receipts.last() == Some(&message.receipt))
    }

    /// Finds what was sent by its body.
    fn number(&self, message: &QueueMessage) -> usize {
        let body = body(message);
        let sent = |entry: &Entry| entry.sent.body == body;
        if let Some(number) = self.entries.iter().position(sent) {
            return number;
        }
        let visible = |entry: &&Entry| matches!(entry.state, State::Visible);
        let expected = self.entries.iter().filter(visible);
        let expected: Vec<_> = expected.map(|entry| Text(&entry.sent.body)).collect();
        broken(
            "a body is delivered as it was sent",
            format_args!("one of {expected:?}"),
            &Text(body),
        )
    }
}

impl Entry {
    fn is_due(&self, message: &QueueMessage, now: Instant) {
        match self.state {
            State::Visible => {}
            State::Deleted => broken(
                "a message that was deleted does not come back",
                format_args!("no {:?} any more", Text(&self.sent.body)),
                &Brief(message),
            ),
            State::Hidden { until, overridden } => {
                let promise = if overridden {
                    "a received message stays hidden for as long as the receive asks for, not the queue"
                } else {
                    "a received message stays hidden until it is settled or its visibility timeout ends"
                };
                let left = until.saturating_duration_since(now);
                let expected = format_args!("hidden for {left:?} more");
                holds(promise, left.is_zero(), expected, &Brief(message));
            }
        }
    }

    fn is_the_same_message(&mut self, message: &QueueMessage) {
        let named = !message.id.is_empty() && !message.receipt.0.is_empty();
        holds(
            "a message has an id and a receipt",
            named,
            "both",
            &Brief(message),
        );
        let id = self.id.get_or_insert_with(|| message.id.clone());
        let promise = "a message has the same id on each delivery";
        equal(promise, &message.id, id);
        let new = !self.receipts.contains(&message.receipt);
        let promise = "each delivery has a receipt of its own";
        holds(promise, new, "a new receipt", &message.receipt);
        equal(
            "ApproximateReceiveCount is 1 at the first delivery and grows by 1 with each",
            &attribute(message, "ApproximateReceiveCount"),
            &Some((self.receipts.len() + 1).to_string().as_str()),
        );
    }

    fn shows_what_was_sent(&self, message: &QueueMessage) {
        let content = sqs(message);
        let expected = SqsMessage::new(self.sent.body.as_str())
            .with_message_attributes(self.sent.attributes.clone());
        equal(
            "md5_of_body is the lower-case hexadecimal MD5 of the body",
            &content.md5_of_body,
            &expected.md5_of_body,
        );
        let by_name = |attributes: &[(String, MessageAttribute)]| {
            let mut attributes = attributes.to_vec();
            attributes.sort_by(|(left, _), (right, _)| left.cmp(right));
            attributes
        };
        equal(
            "message attributes are delivered with name, type and value as they were sent",
            &by_name(&content.message_attributes),
            &by_name(&self.sent.attributes),
        );
        equal(
            "md5_of_message_attributes is that of the message attributes, and absent if there are none",
            &content.md5_of_message_attributes,
            &expected.md5_of_message_attributes,
        );
        equal(
            "a message of a FIFO queue has the group that it was sent with, and no other has one",
            &message.group,
            &self.sent.group,
        );
        equal(
            "MessageGroupId is the group",
            &attribute(message, "MessageGroupId"),
            &self.sent.group.as_deref(),
        );
        equal(
            "a message of a FIFO queue has a MessageDeduplicationId, and no other has one",
            &attribute(message, "MessageDeduplicationId").is_some(),
            &self.sent.group.is_some(),
        );
        let sender = attribute(message, "SenderId").is_some();
        holds(
            "a message has a SenderId",
            sender,
            "SenderId",
            &content.attributes,
        );
    }

    fn shows_when(&mut self, message: &QueueMessage, call: &Call, now: Timestamp) {
        let time = |promise, name, early: Timestamp, late: Timestamp| {
            let value = attribute(message, name).unwrap_or_default();
            let within = value.parse().is_ok_and(|millis| {
                let time = Timestamp(millis);
                time + SKEW >= early && time <= late + SKEW
            });
            let expected = format_args!("{name} from {} to {}", early.millis(), late.millis());
            holds(promise, within, expected, &value);
            value.to_owned()
        };
        let sent = "SentTimestamp is when the message was sent, in milliseconds since 1970";
        let received = "ApproximateFirstReceiveTimestamp is when the message was first received, \
                        in milliseconds since 1970";
        let Some(first) = &self.times else {
            let sent_by = self.sent_by.unwrap_or(now);
            self.times = Some(Times {
                sent: time(sent, "SentTimestamp", self.sending, sent_by),
                received: time(
                    received,
                    "ApproximateFirstReceiveTimestamp",
                    call.begun.1,
                    now,
                ),
            });
            return;
        };
        for (promise, name, value) in [
            (sent, "SentTimestamp", &first.sent),
            (
                received,
                "ApproximateFirstReceiveTimestamp",
                &first.received,
            ),
        ] {
            let seen = attribute(message, name);
            equal(promise, &seen, &Some(value.as_str()));
        }
    }
}
