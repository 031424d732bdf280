//! What the broker knows: the messages that wait, and who has which.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{DeliveryTag, PushedContent, PushedMessage};

use super::faults::Faults;
use super::message::{Place, Stored, priority};
use super::options::MemoryPushQueueOptions;
use crate::ports::{ConsumeRequest, DeliveryOutcome, Outcome};

/// Names a consumer of the queue.
pub(super) type ConsumerId = u64;

#[derive(Debug)]
pub(super) struct Broker {
    pub(super) options: MemoryPushQueueOptions,
    pub(super) ready: BTreeMap<Place, Stored>,
    pub(super) consumers: BTreeMap<ConsumerId, Consumer>,
    pub(super) dead: Vec<PushedContent>,
    pub(super) faults: Faults,
    /// Why the queue cannot be consumed, while that is so.
    pub(super) problem: Option<SourceError>,
    published: u64,
    last_consumer: ConsumerId,
    /// The consumer that was given a message last.
    served: ConsumerId,
}

#[derive(Debug)]
pub(super) struct Consumer {
    prefetch: usize,
    stopped: bool,
    last_tag: u64,
    pub(super) unsettled: BTreeMap<DeliveryTag, (Place, Stored)>,
    /// What was sent, and not read yet.
    sent: VecDeque<DeliveryTag>,
    /// Why its session is over.
    ended: Option<SourceError>,
}

impl Broker {
    pub(super) fn new(options: MemoryPushQueueOptions) -> Self {
        Self {
            options,
            ready: BTreeMap::new(),
            consumers: BTreeMap::new(),
            dead: Vec::new(),
            faults: Faults::default(),
            problem: None,
            published: 0,
            last_consumer: 0,
            served: 0,
        }
    }

    pub(super) fn publish(
        &mut self,
        now: Timestamp,
        content: PushedContent,
    ) -> Result<(), SourceError> {
        let fits = match (&content, self.options.engine) {
            (PushedContent::RabbitMq(_), engine) => engine == MqEngine::RabbitMq,
            (PushedContent::ActiveMq(_), engine) => engine == MqEngine::ActiveMq,
            _ => true,
        };
        if !fits {
            let text = "the message is of another broker than the queue";
            return Err(SourceError::new(SourceErrorKind::Fatal, text));
        }
        self.published += 1;
        let prioritised = self.options.prioritised;
        let priority = if prioritised { priority(&content) } else { 0 };
        let place = Place {
            priority: Reverse(priority),
            number: self.published,
        };
        self.ready.insert(place, Stored::new(now, content));
        Ok(())
    }

    pub(super) fn consume(&mut self, request: ConsumeRequest) -> Result<ConsumerId, SourceError> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.last_consumer += 1;
        let consumer = Consumer {
            prefetch: request.prefetch.max(1),
            stopped: false,
            last_tag: 0,
            unsettled: BTreeMap::new(),
            sent: VecDeque::new(),
            ended: None,
        };
        self.consumers.insert(self.last_consumer, consumer);
        Ok(self.last_consumer)
    }

    /// Sends what waits to those who may have more, each in turn.
    pub(super) fn dispatch(&mut self, now: Timestamp) {
        while let Some(entry) = self.ready.first_entry() {
            if entry.get().has_expired(now) {
                self.dead.push(entry.remove().content);
                continue;
            }
            let may_have = |(_, consumer): &(&ConsumerId, &Consumer)| consumer.may_have_more();
            let after = self.consumers.range(self.served + 1..).find(may_have);
            let next = after.or_else(|| self.consumers.iter().find(may_have));
            let Some(id) = next.map(|(id, _)| *id) else {
                return;
            };
            let (place, stored) = entry.remove_entry();
            self.served = id;
            if let Some(consumer) = self.consumers.get_mut(&id) {
                consumer.send(place, stored);
            }
        }
    }

    /// Returns what was sent to a consumer and not read yet.
    pub(super) fn read(
        &mut self,
        now: Timestamp,
        id: ConsumerId,
    ) -> Result<Vec<PushedMessage>, SourceError> {
        let engine = self.options.engine;
        let consumer = self.consumer(id)?;
        let sent = std::mem::take(&mut consumer.sent).into_iter();
        let messages = sent.filter_map(|tag| {
            let (_, stored) = consumer.unsettled.get(&tag)?;
            Some(stored.delivered(now, tag, engine))
        });
        Ok(messages.collect())
    }

    pub(super) fn settle(
        &mut self,
        id: ConsumerId,
        outcomes: &[DeliveryOutcome],
    ) -> Result<(), SourceError> {
        for outcome in outcomes {
            let consumer = self.consumer(id)?;
            let Some((place, mut stored)) = consumer.unsettled.remove(&outcome.tag) else {
                let text = format!("there is no unsettled delivery {}", outcome.tag.0);
                let error = SourceError::new(SourceErrorKind::Fatal, text);
                self.end(id, &error);
                return Err(error);
            };
            match outcome.outcome {
                Outcome::Accepted => {}
                Outcome::Released { failed } => {
                    stored.failures += u32::from(failed);
                    stored.was_delivered = true;
                    self.ready.insert(place, stored);
                }
                Outcome::Rejected => self.dead.push(stored.content),
            }
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, id: ConsumerId) -> Result<(), SourceError> {
        self.consumer(id)?.stopped = true;
        Ok(())
    }

    /// Ends a session: what it has not settled goes back.
    pub(super) fn end(&mut self, id: ConsumerId, because: &SourceError) {
        if let Some(consumer) = self.consumers.get_mut(&id) {
            consumer.ended.get_or_insert_with(|| because.clone());
            consumer.sent.clear();
            for (place, mut stored) in std::mem::take(&mut consumer.unsettled).into_values() {
                stored.was_delivered = true;
                self.ready.insert(place, stored);
            }
        }
    }

    pub(super) fn end_all(&mut self, because: &SourceError) {
        let all: Vec<ConsumerId> = self.consumers.keys().copied().collect();
        for id in all {
            self.end(id, because);
        }
    }

    /// Forgets a consumer, whose session is over.
    pub(super) fn forget(&mut self, id: ConsumerId) {
        self.end(id, &over());
        self.consumers.remove(&id);
    }

    /// Returns a consumer whose session lasts.
    fn consumer(&mut self, id: ConsumerId) -> Result<&mut Consumer, SourceError> {
        let consumer = self.consumers.get_mut(&id).ok_or_else(over)?;
        match &consumer.ended {
            Some(because) => Err(because.clone()),
            None => Ok(consumer),
        }
    }
}

fn over() -> SourceError {
    SourceError::new(SourceErrorKind::Expired, "the session is over")
}

impl Consumer {
    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    fn may_have_more(&self) -> bool {
        !self.stopped && self.ended.is_none() && self.unsettled.len() < self.prefetch
    }

    fn send(&mut self, place: Place, stored: Stored) {
        self.last_tag += 1;
        let tag = DeliveryTag(self.last_tag);
        self.unsettled.insert(tag, (place, stored));
        self.sent.push_back(tag);
    }
}
