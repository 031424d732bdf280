//! A broker with one queue, and at most one session.

use std::collections::{BTreeMap, VecDeque};

use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::push_queue::{DeliveryOutcome, Outcome};
use lambda_esm_core::record::{DeliveryTag, PushedContent, PushedMessage, Unreadable};
use lambda_esm_core::stream::CallId;

use crate::world::message;

/// A message. Its number says where it stands in the queue.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) wanted: bool,
    pub(crate) poison: bool,
    pub(crate) unreadable: bool,
    /// Deliveries that have failed.
    pub(crate) failures: u32,
    pub(crate) accepted: bool,
    pub(crate) rejected: bool,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: CallId,
    pub(crate) prefetch: usize,
    pub(crate) unsettled: BTreeMap<u64, u64>,
    outbox: VecDeque<u64>,
    last_tag: u64,
    pub(crate) stopped: bool,
    pub(crate) broken: bool,
}

#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) engine: MqEngine,
    pub(crate) messages: Vec<Message>,
    /// What waits, in order.
    pub(crate) ready: BTreeMap<u64, ()>,
    pub(crate) session: Option<Session>,
}

impl Broker {
    pub(crate) fn new(engine: MqEngine) -> Self {
        Self {
            engine,
            messages: Vec::new(),
            ready: BTreeMap::new(),
            session: None,
        }
    }

    pub(crate) fn publish(&mut self, message: Message) {
        self.ready.insert(self.messages.len() as u64, ());
        self.messages.push(message);
        self.dispatch();
    }

    pub(crate) fn begin(&mut self, id: CallId, prefetch: usize) {
        assert!(self.session.is_none(), "two sessions at a time");
        self.session = Some(Session {
            id,
            prefetch,
            unsettled: BTreeMap::new(),
            outbox: VecDeque::new(),
            last_tag: 0,
            stopped: false,
            broken: false,
        });
        self.dispatch();
    }

    fn dispatch(&mut self) {
        let Some(session) = self.session.as_mut() else {
            return;
        };
        while !session.stopped
            && !session.broken
            && session.unsettled.len() < session.prefetch
            && let Some((number, ())) = self.ready.pop_first()
        {
            session.last_tag += 1;
            session.unsettled.insert(session.last_tag, number);
            session.outbox.push_back(session.last_tag);
        }
    }

    /// Returns up to so many messages that were sent, with their numbers.
    pub(crate) fn read(&mut self, most: usize) -> Vec<(u64, PushedMessage)> {
        let Some(session) = &mut self.session else {
            return Vec::new();
        };
        let number = most.min(session.outbox.len());
        let tags: Vec<u64> = session.outbox.drain(..number).collect();
        let engine = self.engine;
        let deliver = |tag: u64| {
            let number = session.unsettled[&tag];
            let known = &self.messages[usize::try_from(number).unwrap()];
            let body = format!("{{\"number\":{number},\"wanted\":{}}}", known.wanted);
            let mut sent = message(engine, tag, body);
            if known.unreadable {
                let unreadable = Unreadable::new("a map message", "{}");
                let content = PushedContent::Unreadable(Box::new(unreadable));
                sent = PushedMessage::new(DeliveryTag(tag), content);
            }
            let counts = engine == MqEngine::ActiveMq;
            let failures = if counts { known.failures } else { 0 };
            (number, sent.with_failed_deliveries(failures))
        };
        tags.into_iter().map(deliver).collect()
    }

    /// Settles deliveries of the session.
    pub(crate) fn settle(&mut self, outcomes: &[DeliveryOutcome]) {
        let session = self.session.as_mut().unwrap();
        for outcome in outcomes {
            let number = session.unsettled.remove(&outcome.tag.0).unwrap();
            let message = &mut self.messages[usize::try_from(number).unwrap()];
            match outcome.outcome {
                Outcome::Accepted => message.accepted = true,
                Outcome::Rejected => message.rejected = true,
                Outcome::Released { failed } => {
                    message.failures += u32::from(failed);
                    self.ready.insert(number, ());
                }
            }
        }
        self.dispatch();
    }

    /// The connection breaks: what is not settled goes back.
    pub(crate) fn break_session(&mut self) {
        if let Some(session) = &mut self.session {
            session.broken = true;
            let back = std::mem::take(&mut session.unsettled);
            session.outbox.clear();
            self.ready.extend(back.values().map(|number| (*number, ())));
        }
    }

    pub(crate) fn end_session(&mut self) {
        self.break_session();
        self.session = None;
    }
}
