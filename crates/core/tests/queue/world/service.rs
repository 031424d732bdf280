//! The queue's side of the world.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::queue::{
    Input, ReceiveRequest, Received, SettleVerb, Settlement, UnreadableMessage,
};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, SqsMessage};

use super::{Message, World, index};

/// The body of a message that nobody can read.
pub(crate) const GARBLED: &str = "garbled";

/// When the machine hears what became of a settle call.
pub(super) const SETTLE_ANSWERS_AFTER: Duration = Duration::from_millis(2);

/// How long the machine's adapter waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a call is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// How much longer than usual it takes.
    pub(crate) longer: Duration,
    /// Whether its answer is lost, which the machine learns after half a minute.
    pub(crate) is_lost: bool,
}

impl Service {
    pub(super) const AT_ONCE: Self = Self {
        longer: Duration::ZERO,
        is_lost: false,
    };

    /// Returns when the machine hears of a call that is answered after `usual` at best.
    pub(super) fn heard_after(self, usual: Duration) -> Duration {
        if self.is_lost {
            PATIENCE
        } else {
            usual + self.longer
        }
    }
}

impl World {
    /// The calls succeed here, when they are made; whether the machine hears of it is another matter.
    pub(super) fn settle(
        &mut self,
        settlements: &[Settlement],
        after: Duration,
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        assert!((1..=10).contains(&settlements.len()));
        let mut results = Vec::new();
        for settlement in settlements {
            let (id, receive) = settlement.receipt.0.split_once('#').unwrap();
            if (self.settle_fails)() {
                let error = SourceError::new(SourceErrorKind::Transient, "unreachable");
                results.push(Err(error));
                // What is visible when the machine hears of it is not tried again: it is nobody's.
                if self.messages[index(id)].visible_at <= self.now + after {
                    self.held.remove(id);
                }
                continue;
            }
            self.held.remove(id);
            let message = &mut self.messages[index(id)];
            let gone = message.deleted;
            if message.receives.to_string() != receive || (gone && self.refuses_what_is_gone) {
                results.push(Err(SourceError::new(
                    SourceErrorKind::Expired,
                    "stale receipt",
                )));
                continue;
            }
            match settlement.verb {
                SettleVerb::Delete => {
                    let done = self.done.contains(id);
                    assert!(done, "{id} is deleted before it was processed");
                    message.deleted = true;
                    self.deletions.push(id.to_owned());
                }
                SettleVerb::Release => {
                    message.visible_at = self.now;
                    self.releases += 1;
                }
                other => unreachable!("{other:?}"),
            }
            results.push(Ok(()));
        }
        if (self.settle_fails)() {
            return Err(SourceError::new(SourceErrorKind::Transient, "answer lost"));
        }
        results.truncate(results.len() - self.forgets_answers.min(results.len()));
        self.forgets_answers = 0;
        Ok(results)
    }

    pub(crate) fn left(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| !message.deleted)
            .count()
    }

    pub(crate) fn group_of(&self, id: &str) -> Option<&str> {
        self.messages[index(id)].group.as_deref()
    }

    /// Returns how often a message was received.
    pub(crate) fn receives_of(&self, id: &str) -> u32 {
        self.messages[index(id)].receives
    }

    /// Answers a call, or lets it find out that nobody does.
    pub(super) fn answer(&mut self, after: Duration, service: Service, input: Input) {
        if !service.is_lost {
            return self.schedule(after, input);
        }
        if let Input::Received {
            result: Ok(received),
            ..
        } = &input
        {
            // They never reach the machine.
            for message in &received.messages {
                self.held.remove(&*message.id);
            }
        }
        let late = SourceError::new(SourceErrorKind::Transient, "no answer in time");
        let input = match input {
            Input::Received { id, .. } => Input::Received {
                id,
                result: Err(late),
            },
            Input::Settled { id, .. } => Input::Settled {
                id,
                result: Err(late),
            },
            other => other,
        };
        self.schedule(after, input);
    }

    /// Deletes a message as its handler may.
    pub(crate) fn delete(&mut self, id: &str) {
        self.messages[index(id)].deleted = true;
    }

    /// Makes a message visible as its handler may, if the receipt is still good.
    pub(super) fn make_visible(&mut self, receipt: &str) {
        let (id, receive) = receipt.split_once('#').unwrap();
        let message = &mut self.messages[index(id)];
        if message.receives.to_string() == receive && !message.deleted {
            message.visible_at = self.now;
        }
    }

    /// Answers every open receive for which there are messages.
    pub(super) fn wake_polls(&mut self) {
        let mut at = 0;
        while at < self.polls.len() {
            let (id, request, _) = self.polls[at];
            let service = (self.serves)(self.settling + self.receiving + 1);
            let received = self.take(&request, self.answers_after + service.longer);
            if received == Received::default() {
                at += 1;
            } else {
                self.polls.remove(at);
                self.receiving += 1;
                let input = Input::Received {
                    id,
                    result: Ok(received),
                };
                self.answer(service.heard_after(self.answers_after), service, input);
            }
        }
    }

    fn take(&mut self, request: &ReceiveRequest, after: Duration) -> Received {
        let now = self.now;
        let hidden = request
            .visibility_timeout
            .unwrap_or(self.config.facts.visibility_timeout);
        let in_flight = |message: &&Message| !message.deleted && message.visible_at > now;
        let locked: BTreeSet<String> = self
            .messages
            .iter()
            .filter(in_flight)
            .filter_map(|m| m.group.clone())
            .collect();
        let mut taken = Vec::new();
        let mut unreadable = Vec::new();
        for (index, message) in self.messages.iter_mut().enumerate() {
            if taken.len() + unreadable.len() == request.max {
                break;
            }
            let blocked = message
                .group
                .as_ref()
                .is_some_and(|group| locked.contains(group));
            if message.deleted || message.visible_at > now || blocked {
                continue;
            }
            message.receives += 1;
            // Some time passes until the machine hears of it.
            message.visible_at = now + hidden + after;
            let id = format!("m{index}");
            if message.body == GARBLED {
                let because = GARBLED.to_owned();
                unreadable.push(UnreadableMessage::new(id, because));
                continue;
            }
            self.held.insert(id.clone());
            let receives = message.receives.to_string();
            let receipt = Receipt(format!("{id}#{receives}"));
            let content = SqsMessage::new(message.body.as_str())
                .with_attribute("ApproximateReceiveCount", receives);
            let message = QueueMessage::new(id, receipt, QueueContent::Sqs(content))
                .with_group(message.group.clone());
            taken.push(message);
        }
        self.most_held = self.most_held.max(self.held.len());
        if self.deliver_twice {
            taken.extend(taken.clone());
        }
        Received::from(taken).with_unreadable(unreadable)
    }
}
