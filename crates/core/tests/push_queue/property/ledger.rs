//! What must hold, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::push_queue::{DeliveryOutcome, Outcome};
use lambda_esm_core::stream::CallId;

use super::broker::Message;

/// A delivery that the machine was given.
#[derive(Clone, Debug)]
struct Delivered {
    number: u64,
    /// Deliveries of the message that had failed before.
    failures_before: u32,
    /// Tries of this delivery that have failed.
    failures: u32,
    /// Whether no event can have it.
    unseen: bool,
    /// Whether no filter lets it pass.
    unwanted: bool,
    /// The function has processed it.
    succeeded: bool,
}

/// An invocation that is under way.
#[derive(Debug)]
struct Running {
    session: Option<CallId>,
    tags: Vec<u64>,
    numbers: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    engine: MqEngine,
    pub(crate) batch_size: usize,
    pub(crate) draining: bool,
    session: Option<CallId>,
    /// Of the session, by tag: what is not settled.
    delivered: BTreeMap<u64, Delivered>,
    running: BTreeMap<usize, Running>,
    /// How often the function has processed a message again.
    pub(crate) repeats: usize,
    succeeded: BTreeSet<u64>,
}

impl Ledger {
    pub(crate) fn new(engine: MqEngine, batch_size: usize) -> Self {
        Self {
            engine,
            batch_size,
            draining: false,
            session: None,
            delivered: BTreeMap::new(),
            running: BTreeMap::new(),
            repeats: 0,
            succeeded: BTreeSet::new(),
        }
    }

    pub(crate) fn begins(&mut self, session: CallId) {
        assert_eq!(self.session, None, "two sessions at a time");
        self.session = Some(session);
    }

    pub(crate) fn delivers(&mut self, tag: u64, number: u64, message: &Message, filtered: bool) {
        let counts = self.engine == MqEngine::ActiveMq;
        let delivered = Delivered {
            number,
            failures_before: if counts { message.failures } else { 0 },
            failures: 0,
            unseen: message.unreadable,
            unwanted: filtered && !message.wanted && !message.unreadable,
            succeeded: false,
        };
        self.delivered.insert(tag, delivered);
    }

    /// The machine takes its session for over.
    pub(crate) fn ends(&mut self) {
        self.session = None;
        self.delivered.clear();
    }

    pub(crate) fn invokes(&mut self, call: usize, numbers: &[u64]) {
        assert!(!self.draining, "a batch begins after the end");
        assert!(!numbers.is_empty() && numbers.len() <= self.batch_size);
        let most = match self.engine {
            MqEngine::ActiveMq => 5,
            _ => 1,
        };
        assert!(
            self.running.len() < most,
            "{most} invocations run at a time"
        );
        let in_hand = |delivered: &Delivered| {
            !delivered.unseen && !delivered.unwanted && !delivered.succeeded
        };
        let mut tags = Vec::new();
        for number in numbers {
            let of_it = self.delivered.iter().find(|(tag, delivered)| {
                delivered.number == *number && in_hand(delivered) && !tags.contains(*tag)
            });
            let (tag, _) = of_it.unwrap_or_else(|| panic!("{number} is not in hand"));
            let runs = self
                .running
                .values()
                .any(|running| running.session == self.session && running.tags.contains(tag));
            assert!(!runs, "{number} is with the function twice");
            tags.push(*tag);
        }
        assert!(tags.is_sorted(), "{tags:?}");
        if self.engine == MqEngine::RabbitMq {
            let first = self.delivered.iter();
            let first = first.filter(|(_, delivered)| in_hand(delivered));
            let first: Vec<u64> = first.map(|(tag, _)| *tag).take(tags.len()).collect();
            assert_eq!(tags, first, "messages keep their order");
        }
        let session = self.session;
        let numbers = numbers.to_vec();
        let running = Running {
            session,
            tags,
            numbers,
        };
        self.running.insert(call, running);
    }

    /// An invocation ended; `failed` says whether the function had the batch and did not process it.
    pub(crate) fn answered(&mut self, call: usize, succeeded: bool, failed: bool) {
        let running = self.running.remove(&call).unwrap();
        for number in &running.numbers {
            if succeeded && !self.succeeded.insert(*number) {
                self.repeats += 1;
            }
        }
        if running.session != self.session || self.session.is_none() {
            return;
        }
        for tag in running.tags {
            let delivered = self.delivered.get_mut(&tag).unwrap();
            delivered.succeeded |= succeeded;
            delivered.failures += u32::from(failed);
            let failures = delivered.failures_before + delivered.failures;
            let is_limited = self.engine == MqEngine::ActiveMq;
            assert!(
                !is_limited || failures <= 7,
                "{delivered:?} is tried on and on"
            );
        }
    }

    pub(crate) fn settles(&mut self, session: CallId, outcomes: &[DeliveryOutcome]) {
        assert_eq!(self.session, Some(session), "a session that is over");
        assert!(!outcomes.is_empty());
        for DeliveryOutcome { tag, outcome } in outcomes {
            let runs = |running: &Running| {
                running.session == Some(session) && running.tags.contains(&tag.0)
            };
            assert!(
                !self.running.values().any(runs),
                "{tag:?} is with the function"
            );
            let delivered = self.delivered.remove(&tag.0);
            let delivered = delivered.unwrap_or_else(|| panic!("{tag:?} is not held"));
            let failures = delivered.failures_before + delivered.failures;
            match outcome {
                Outcome::Accepted => assert!(
                    delivered.succeeded || delivered.unwanted,
                    "{delivered:?} is accepted and not processed"
                ),
                Outcome::Rejected => {
                    let exhausted = self.engine == MqEngine::ActiveMq && failures == 7;
                    assert!(delivered.unseen || exhausted, "{delivered:?} is rejected");
                }
                Outcome::Released { failed } => {
                    assert!(self.draining, "{delivered:?} is released");
                    assert!(
                        !delivered.succeeded,
                        "{delivered:?} is released and processed"
                    );
                    assert_eq!(*failed, delivered.failures > 0, "{delivered:?}");
                }
            }
        }
    }

    /// The machine is gone.
    pub(crate) fn died(&mut self) {
        self.ends();
        self.running.clear();
        self.draining = false;
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.running.is_empty()
    }
}
