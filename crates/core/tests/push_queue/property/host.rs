//! The world around a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::push_queue::{Action, DeliveryOutcome, Input, Outcome, PushQueueMachine};
use lambda_esm_core::stream::CallId;
use serde_json::Value;

use super::broker::{Broker, Message};
use super::case::{Case, Faults, Settings, Turn};
use super::ledger::Ledger;
use crate::mapping::START;
use crate::world::bodies;

/// Something that happens later.
#[derive(Debug)]
enum Pending {
    Turn(CallId),
    Connect(CallId, usize),
    Read(CallId),
    Settle(CallId, CallId, Vec<DeliveryOutcome>),
    Stop(CallId, CallId),
    Closed(CallId),
    Answer(usize, Input, bool, bool),
}

pub(crate) struct Host {
    now: Timestamp,
    machine: PushQueueMachine,
    broker: Broker,
    ledger: Ledger,
    settings: Settings,
    faults: Faults,
    read_ahead: usize,
    dice: Random,
    is_wild: bool,
    pending: BTreeMap<(Timestamp, u64), Pending>,
    last: u64,
    turns: BTreeSet<CallId>,
    /// The session whose messages are waited for.
    reading: Option<CallId>,
    prefetch: usize,
    calls: usize,
    /// Sessions that ended with something unsettled, by how much.
    returned: usize,
    pub(crate) trace: Vec<String>,
}

fn broken() -> SourceError {
    SourceError::new(SourceErrorKind::Transient, "broken")
}

impl Host {
    pub(crate) fn new(case: &Case) -> Self {
        let config = case.settings.config(case.read_ahead);
        let engine = case.settings.engine;
        Self {
            now: START,
            broker: Broker::new(engine),
            ledger: Ledger::new(engine, config.batches.limits.count),
            prefetch: config.prefetch(),
            machine: PushQueueMachine::new(config, case.seed, START),
            settings: case.settings.clone(),
            faults: case.faults.clone(),
            read_ahead: case.read_ahead,
            dice: Random::new(case.seed),
            is_wild: true,
            pending: BTreeMap::new(),
            last: 0,
            turns: BTreeSet::new(),
            reading: None,
            calls: 0,
            returned: 0,
            trace: Vec::new(),
        }
    }

    pub(crate) fn play(&mut self, case: &Case) {
        self.give(Input::Tick);
        for (wait, turn) in &case.turns {
            self.run(*wait);
            self.turn(*turn);
        }
    }

    /// Lets the world be calm, until nothing is left to do.
    pub(crate) fn finish(&mut self) {
        self.is_wild = false;
        let is_done = |host: &Self| {
            let unsettled = host.broker.session.as_ref();
            let unsettled = unsettled.is_some_and(|session| !session.unsettled.is_empty());
            host.broker.ready.is_empty() && !unsettled && host.ledger.is_calm()
        };
        for _ in 0..3_000 {
            if is_done(self) {
                break;
            }
            self.run(1_000);
        }
        for (number, message) in self.broker.messages.iter().enumerate() {
            assert!(
                message.accepted || message.rejected,
                "{number} is left: {message:?}"
            );
        }
        assert!(is_done(self), "the queue is not empty");
        let status = self.machine.status();
        assert_eq!(
            (status.gathering, status.running, status.waiting),
            (0, 0, 0)
        );
        let (repeats, returned) = (self.ledger.repeats, self.returned);
        assert!(
            repeats <= returned,
            "{repeats} repeats of {returned} that went back"
        );
        self.drain();
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.dice.next_u64() % below.max(1)
    }

    /// Tells whether something happens that does so in this many of a hundred cases, while the world is wild.
    fn happens(&mut self, share: u64) -> bool {
        self.roll(100) < share && self.is_wild
    }

    fn turn(&mut self, turn: Turn) {
        self.trace.push(format!("{} {turn:?}", self.now.0));
        match turn {
            Turn::Publish(number) => {
                for _ in 0..number {
                    self.publish();
                }
                self.wake_reader();
            }
            Turn::Break => {
                self.count_returned();
                self.broker.break_session();
                self.wake_reader();
            }
            Turn::Update { batch_size, window } => {
                self.settings.batch_size = batch_size;
                self.settings.window = window;
                let config = self.settings.config(self.read_ahead);
                let size = &mut self.ledger.batch_size;
                *size = config.batches.limits.count.max(*size);
                self.prefetch = self.prefetch.max(config.prefetch());
                self.give(Input::Reconfigure(Box::new(config)));
            }
            Turn::Drain => self.drain(),
            Turn::Crash => self.restart(),
        }
    }

    fn publish(&mut self) {
        let (poison, unreadable) = (self.faults.poison, self.faults.unreadable);
        let ends = self.settings.engine == MqEngine::ActiveMq;
        let message = Message {
            wanted: !self.settings.filtered || self.roll(2) == 0,
            poison: ends && self.roll(100) < poison,
            unreadable: self.roll(100) < unreadable,
            failures: 0,
            accepted: false,
            rejected: false,
        };
        self.broker.publish(message);
    }

    fn count_returned(&mut self) {
        if let Some(session) = &self.broker.session {
            assert!(session.unsettled.len() <= session.prefetch);
            self.returned += session.unsettled.len();
        }
    }

    /// Whoever waits for messages hears of what there is.
    fn wake_reader(&mut self) {
        if let Some(session) = self.reading.take() {
            let after = self.roll(20);
            self.later(after, Pending::Read(session));
        }
    }

    fn drain(&mut self) {
        self.ledger.draining = true;
        self.give(Input::Drain);
        for _ in 0..600 {
            if self.machine.is_idle() {
                break;
            }
            self.run(1_000);
        }
        assert!(self.machine.is_idle(), "drained, and never idle");
        let waits = |pending: &Pending| matches!(pending, Pending::Turn(_));
        let no_turn = self.turns.is_empty() && !self.pending.values().any(waits);
        assert!(no_turn, "a turn is kept");
        assert!(self.broker.session.is_none(), "a session is kept");
        assert!(self.ledger.is_calm());
        self.restart();
    }

    /// Another machine goes on; what was on its way is lost.
    fn restart(&mut self) {
        self.pending.clear();
        self.turns.clear();
        self.reading = None;
        self.count_returned();
        self.broker.end_session();
        self.ledger.died();
        let config = self.settings.config(self.read_ahead);
        self.prefetch = config.prefetch();
        let seed = self.dice.next_u64();
        self.machine = PushQueueMachine::new(config, seed, self.now);
        self.give(Input::Tick);
    }

    /// Lets so much time pass.
    fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        let mut at_once = 0;
        loop {
            let pending = self.pending.keys().next().map(|&(at, _)| at);
            let deadline = self.machine.next_deadline();
            let Some(next) = pending.into_iter().chain(deadline).min() else {
                break;
            };
            if next > end {
                break;
            }
            at_once = if next > self.now { 0 } else { at_once + 1 };
            assert!(at_once < 5_000, "no time passes any more");
            self.now = self.now.max(next);
            match self.pending.first_entry() {
                Some(entry) if entry.key().0 <= self.now => {
                    let pending = entry.remove();
                    self.happen(pending);
                }
                _ => self.give(Input::Tick),
            }
        }
        self.now = end;
    }

    fn later(&mut self, millis: u64, pending: Pending) {
        self.last += 1;
        let at = self.now + Duration::from_millis(millis);
        self.pending.insert((at, self.last), pending);
    }

    /// Tells whether a session lasts, for the broker.
    fn lasts(&self, session: CallId) -> bool {
        let known = self.broker.session.as_ref();
        known.is_some_and(|known| known.id == session && !known.broken)
    }

    fn happen(&mut self, pending: Pending) {
        let input = match pending {
            Pending::Turn(turn) => {
                self.turns.insert(turn);
                Input::Reserved { turn }
            }
            Pending::Connect(id, prefetch) => {
                let result = if self.happens(self.faults.connects) {
                    Err(broken())
                } else {
                    self.broker.begin(id, prefetch);
                    self.ledger.begins(id);
                    Ok(())
                };
                Input::Connected { id, result }
            }
            Pending::Read(session) => match self.read(session) {
                Some(result) => Input::Received { session, result },
                None => return,
            },
            Pending::Settle(id, session, outcomes) => {
                let fails = self.happens(self.faults.settles);
                let mut result = Ok(());
                if !self.lasts(session) {
                    result = Err(broken());
                } else {
                    // One that fails may have settled all the same.
                    if !fails || self.roll(2) == 0 {
                        self.broker.settle(&outcomes);
                        self.wake_reader();
                    }
                    if fails {
                        self.count_returned();
                        self.broker.break_session();
                        result = Err(broken());
                    }
                }
                Input::Settled { id, result }
            }
            Pending::Stop(id, session) => {
                let lasts = self.lasts(session);
                if let Some(session) = self.broker.session.as_mut().filter(|_| lasts) {
                    session.stopped = true;
                }
                let result = if lasts { Ok(()) } else { Err(broken()) };
                Input::Stopped { id, result }
            }
            Pending::Closed(id) => {
                self.count_returned();
                self.broker.end_session();
                Input::Closed { id }
            }
            Pending::Answer(call, input, succeeded, failed) => {
                self.ledger.answered(call, succeeded, failed);
                input
            }
        };
        self.give(input);
    }

    fn read(
        &mut self,
        session: CallId,
    ) -> Option<Result<Vec<lambda_esm_core::record::PushedMessage>, SourceError>> {
        if !self.lasts(session) {
            return Some(Err(broken()));
        }
        let most = 1 + usize::try_from(self.roll(30)).unwrap();
        let sent = self.broker.read(most);
        if sent.is_empty() {
            self.reading = Some(session);
            return None;
        }
        let filtered = self.settings.filtered;
        for (number, message) in &sent {
            let known = &self.broker.messages[usize::try_from(*number).unwrap()];
            self.ledger
                .delivers(message.tag.0, *number, known, filtered);
        }
        Some(Ok(sent.into_iter().map(|(_, message)| message).collect()))
    }

    /// Returns what the function answers, and whether it has processed the batch, or failed with it.
    fn function(&mut self, numbers: &[u64]) -> (Result<Bytes, InvokeError>, bool, bool) {
        if self.happens(self.faults.throttles) {
            let kind = InvokeErrorKind::throttled(None);
            return (Err(InvokeError::new(kind, "busy")), false, false);
        }
        let messages = &self.broker.messages;
        let is_poison = |number: &u64| messages[usize::try_from(*number).unwrap()].poison;
        if numbers.iter().any(is_poison) || self.happens(self.faults.errors) {
            return (Err(InvokeError::function("it broke")), false, true);
        }
        (Ok(Bytes::from_static(b"null")), true, false)
    }

    fn give(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        let mut actions = 0;
        while let Some(action) = self.machine.poll() {
            actions += 1;
            assert!(actions < 20_000, "the machine acts on and on");
            self.carry_out(action);
        }
        let gathering = self.machine.status().gathering;
        let most = self.prefetch;
        assert!(gathering <= most, "{gathering} of {most} are held");
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Connect { id, request } => {
                assert!(!self.ledger.draining, "a session begins after the end");
                assert!(self.broker.session.is_none(), "two sessions at a time");
                let after = self.roll(300);
                self.later(after, Pending::Connect(id, request.prefetch));
            }
            Action::Read { session } => {
                assert!(self.reading.is_none(), "two reads at a time");
                let after = self.roll(20);
                self.later(after, Pending::Read(session));
            }
            Action::Settle {
                id,
                session,
                outcomes,
            } => {
                self.trace.push(format!("{} {outcomes:?}", self.now.0));
                self.ledger.settles(session, &outcomes);
                let gives_back =
                    |each: &DeliveryOutcome| matches!(each.outcome, Outcome::Released { .. });
                if outcomes.iter().any(gives_back) {
                    let known = self.broker.session.as_ref();
                    let stopped = known.is_some_and(|known| known.stopped || known.broken);
                    assert!(stopped, "the broker would deliver it again");
                }
                let after = self.roll(2) * self.roll(200);
                self.later(after, Pending::Settle(id, session, outcomes));
            }
            Action::Stop { id, session } => {
                let after = self.roll(100);
                self.later(after, Pending::Stop(id, session));
            }
            Action::Close { id, .. } => {
                self.ledger.ends();
                self.reading = None;
                self.pending
                    .retain(|_, pending| !matches!(pending, Pending::Read(_)));
                let after = self.roll(2) * self.roll(400);
                self.later(after, Pending::Closed(id));
            }
            Action::Reserve { turn } => {
                let after = self.roll(2) * self.roll(300);
                self.later(after, Pending::Turn(turn));
            }
            Action::Forgo { turn } => {
                let before = self.pending.len();
                let is_it = |pending: &Pending| matches!(pending, Pending::Turn(it) if *it == turn);
                self.pending.retain(|_, pending| !is_it(pending));
                let waited = self.pending.len() < before;
                assert!(waited || self.turns.remove(&turn), "nobody has this turn");
            }
            Action::Invoke {
                turn,
                batch,
                attempt,
                payload,
            } => {
                assert!(self.turns.remove(&turn), "it is not its turn");
                let number = |body: String| {
                    let body: Value = serde_json::from_str(&body).unwrap();
                    body["number"].as_u64().unwrap()
                };
                let numbers: Vec<u64> = bodies(&payload).into_iter().map(number).collect();
                self.trace.push(format!("{} {numbers:?}", self.now.0));
                self.calls += 1;
                self.ledger.invokes(self.calls, &numbers);
                let (result, succeeded, failed) = self.function(&numbers);
                let input = Input::Invoked {
                    batch,
                    attempt,
                    result: result.map(Into::into),
                };
                let after = self.roll(3) * self.roll(1_500);
                self.later(after, Pending::Answer(self.calls, input, succeeded, failed));
            }
            Action::Report(_) => {}
        }
    }
}
