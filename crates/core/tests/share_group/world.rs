//! A world for one machine: a share group, a function that follows a script, an on-failure destination, and a clock that
//! jumps from one event to the next.

mod group;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Limits, MAX_PAYLOAD_BYTES};
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::event::kafka::KafkaEncoder;
use lambda_esm_core::fault::{
    DeliveryError, InvokeError, InvokeErrorKind, SourceError, SourceErrorKind,
};
use lambda_esm_core::function_concurrency::{Ended, FunctionConcurrency, Ticket};
use lambda_esm_core::mapping::{Arn, AwsDestination, KafkaDestination, RetryPolicy};
use lambda_esm_core::on_failure_record::FailureRecord;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{
    Action, Concurrency, Input, QueueConfig, QueueEncoder, QueueFacts, QueueMachine, ReceiveId,
    ReceiveRequest, Received, SettleVerb, Settlement, ShareGroupConfig, ShareGroupRetries,
};
use serde_json::Value;
use uuid::Uuid;

pub(crate) use group::{Group, Place, State};

pub(crate) const LOCK: Duration = Duration::from_secs(30);

pub(crate) fn queue_destination() -> KafkaDestination {
    let arn = Arn::parse("arn:aws:sqs:us-east-1:000000000000:failed").unwrap();
    KafkaDestination::Aws(AwsDestination::Sqs(arn))
}

pub(crate) fn share_group() -> ShareGroupConfig {
    ShareGroupConfig {
        mapping: Uuid::from_u128(7),
        function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
        executed_version: "$LATEST".to_owned(),
        retry: RetryPolicy::default(),
        retries: ShareGroupRetries::InPoller,
        on_failure: Some(queue_destination()),
    }
}

/// Returns settings in which a batch has one record, locks are renewed, and a record is delivered five times.
pub(crate) fn config(share_group: ShareGroupConfig) -> QueueConfig {
    QueueConfig {
        limits: Limits {
            count: 1,
            window: Duration::ZERO,
        },
        report_batch_item_failures: false,
        fifo: false,
        concurrency: Concurrency::OnDemand { maximum: None },
        pacing: Pacing::Eager,
        filters: None,
        encoder: QueueEncoder::Kafka(KafkaEncoder::self_managed("b:9092", "orders-eu")),
        facts: QueueFacts::new(LOCK)
            .with_receive_limit(100)
            .with_settle_limit(50)
            .with_delivery_limit(Some(5))
            .with_can_renew(true),
        function_timeout: None,
        function_concurrency: None,
        detail: true,
        share_group: Some(Arc::new(share_group)),
    }
}

/// What the script says of one invocation.
pub(crate) struct Fate {
    pub(crate) after: Duration,
    pub(crate) result: Result<Bytes, InvokeError>,
}

impl Fate {
    pub(crate) fn answer(after_ms: u64, response: &str) -> Self {
        Self {
            after: Duration::from_millis(after_ms),
            result: Ok(Bytes::copy_from_slice(response.as_bytes())),
        }
    }

    pub(crate) fn success(after_ms: u64) -> Self {
        Self::answer(after_ms, "null")
    }

    pub(crate) fn error(after_ms: u64) -> Self {
        Self {
            after: Duration::from_millis(after_ms),
            result: Err(InvokeError::function("boom")),
        }
    }
}

/// One invocation, as the function saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) start: Timestamp,
    pub(crate) places: Vec<Place>,
    pub(crate) event: Value,
}

/// What befalls a settle call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hiccup {
    None,
    /// It does not reach the group.
    Lost,
    /// Its answer is lost.
    AnswerLost,
}

type Script = Box<dyn FnMut(usize, &[Place]) -> Fate>;

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) machine: QueueMachine,
    pub(crate) group: Group,
    pub(crate) decisions: Vec<(Timestamp, Decision)>,
    pub(crate) seen: Vec<Seen>,
    /// What the destination was told: the document and when.
    pub(crate) told: Vec<(Timestamp, FailureRecord)>,
    /// Everything that was settled, in its order, and what came of it.
    pub(crate) settled: Vec<(SettleVerb, Place, bool)>,
    pub(crate) hiccup: Box<dyn FnMut() -> Hiccup>,
    pub(crate) destination_fails: Box<dyn FnMut() -> bool>,
    pub(crate) lags: Vec<u64>,
    script: Script,
    config: QueueConfig,
    /// The most records that an event may have: what the function had when the settings changed is tried again whole.
    most_records: usize,
    events: BTreeMap<(Timestamp, u64), Input>,
    polls: Vec<(ReceiveId, ReceiveRequest, Timestamp)>,
    /// Who may call the function; it may have a limit.
    pub(crate) turns: FunctionConcurrency,
    line: BTreeMap<Ticket, BatchId>,
    sequence: u64,
}

impl World {
    pub(crate) fn new(
        config: QueueConfig,
        script: impl FnMut(usize, &[Place]) -> Fate + 'static,
    ) -> Self {
        let now = Timestamp(1_000_000);
        let facts = config.facts;
        let mut world = Self {
            now,
            machine: QueueMachine::new(config.clone(), 7, now),
            group: Group {
                records: BTreeMap::new(),
                limit: facts.delivery_limit.unwrap_or(5),
                lock: facts.visibility_timeout,
                can_renew: facts.can_renew,
                renewals: 0,
            },
            decisions: Vec::new(),
            seen: Vec::new(),
            told: Vec::new(),
            settled: Vec::new(),
            hiccup: Box::new(|| Hiccup::None),
            destination_fails: Box::new(|| false),
            lags: Vec::new(),
            script: Box::new(script),
            turns: FunctionConcurrency::new(),
            most_records: config.limits.count.max(1),
            config,
            events: BTreeMap::new(),
            polls: Vec::new(),
            line: BTreeMap::new(),
            sequence: 0,
        };
        world.turns.set_known(world.config.function_concurrency);
        world.give(Input::Tick);
        world
    }

    /// Puts records into partition 0.
    pub(crate) fn send(&mut self, count: usize) {
        for _ in 0..count {
            self.group.put_value(self.now, 0, "{}");
        }
        self.wake_polls();
    }

    /// Runs until nothing more happens before `end`, and leaves the clock there.
    pub(crate) fn run_until(&mut self, end: Timestamp) {
        self.wake_polls();
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    pub(crate) fn run_for(&mut self, seconds: u64) {
        self.run_until(self.now + Duration::from_secs(seconds));
    }

    /// Runs until nobody will get any record any more and the machine has nothing to do, for `seconds` at most.
    pub(crate) fn run_to_the_end(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end && !(self.group.is_done() && self.machine.status().running == 0) {
            self.run_for(1);
        }
    }

    /// Starts anew with nothing but the group, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.machine = QueueMachine::new(self.config.clone(), 8, self.now);
        self.events.clear();
        self.polls.clear();
        self.line.clear();
        self.turns = FunctionConcurrency::new();
        self.turns.set_known(self.config.function_concurrency);
        self.give(Input::Tick);
    }

    /// Stops the mapping in order, within half a minute.
    pub(crate) fn drain(&mut self) {
        let until = self.now + Duration::from_secs(27);
        self.give(Input::Drain { until });
    }

    pub(crate) fn reconfigure(&mut self, config: QueueConfig) {
        self.most_records = self.most_records.max(config.limits.count);
        self.config = config.clone();
        self.turns.set_known(config.function_concurrency);
        self.give(Input::Reconfigure(Box::new(config)));
    }

    pub(crate) fn give(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next {
            self.machine.handle(self.now, input);
            while let Some(action) = self.machine.poll() {
                self.carry_out(action);
            }
            next = self.turns.next(self.now).map(|ticket| Input::Reserved {
                batch: self.line.remove(&ticket).unwrap(),
            });
        }
        self.wake_polls();
    }

    pub(crate) fn decisions_of<T>(&self, pick: impl Fn(&Decision) -> Option<T>) -> Vec<T> {
        let decisions = self.decisions.iter();
        decisions.filter_map(|(_, one)| pick(one)).collect()
    }

    /// Returns how often a record was sent to the function.
    pub(crate) fn invocations_of(&self, place: Place) -> usize {
        let seen = self.seen.iter();
        seen.filter(|one| one.places.contains(&place)).count()
    }

    /// Returns the verbs that were tried with a record, in their order, but for renewals.
    pub(crate) fn ends_of(&self, place: Place) -> Vec<SettleVerb> {
        let ends = self.settled.iter();
        let ends = ends.filter(|(verb, of, _)| *of == place && *verb != SettleVerb::Renew);
        ends.map(|(verb, ..)| *verb).collect()
    }

    /// Returns the documents that the destination has got.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let told = self.told.iter();
        let read = |(_, record): &(Timestamp, FailureRecord)| {
            serde_json::from_slice(&record.body).unwrap()
        };
        told.map(read).collect()
    }

    fn next_event(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|&(at, _)| at);
        let deadline = self.machine.next_deadline();
        let turn = self.turns.next_deadline();
        let polls = self.polls.iter().map(|&(_, _, until)| until).min();
        let lapse = self.group.next_lapse().filter(|_| !self.polls.is_empty());
        let all = [event, deadline, turn, polls, lapse];
        all.into_iter().flatten().min()
    }

    fn step(&mut self) {
        self.group.lapse(self.now);
        if let Some(entry) = self.events.first_entry()
            && entry.key().0 <= self.now
        {
            let input = entry.remove();
            if let Input::Invoked { result, .. } = &input {
                self.turn_ended(result.as_ref().err());
            }
            return self.give(input);
        }
        if self.turns.next_deadline().is_some_and(|at| at <= self.now) {
            return self.give(Input::Tick);
        }
        let due = |machine: &QueueMachine, now| machine.next_deadline().is_some_and(|at| at <= now);
        if due(&self.machine, self.now) {
            self.give(Input::Tick);
            assert!(
                !due(&self.machine, self.now),
                "a tick must use up its deadline"
            );
            return;
        }
        self.wake_polls();
        let now = self.now;
        if let Some(at) = self.polls.iter().position(|&(_, _, until)| until <= now) {
            let (id, ..) = self.polls.remove(at);
            let result = Ok(Received::default());
            self.give(Input::Received { id, result });
        }
    }

    fn turn_ended(&mut self, error: Option<&InvokeError>) {
        let ended = match error.map(|error| error.kind) {
            Some(InvokeErrorKind::Throttled { .. }) => Ended::Throttled,
            _ => Ended::Answered,
        };
        self.turns.ended(self.now, ended);
    }

    fn schedule(&mut self, after: Duration, input: Input) {
        self.sequence += 1;
        self.events.insert((self.now + after, self.sequence), input);
    }

    fn wake_polls(&mut self) {
        let mut waiting = Vec::new();
        for (id, request, until) in std::mem::take(&mut self.polls) {
            let messages = self.group.acquire(self.now, request.max);
            if messages.is_empty() {
                waiting.push((id, request, until));
            } else {
                let result = Ok(messages.into());
                self.schedule(Duration::from_millis(1), Input::Received { id, result });
            }
        }
        self.polls = waiting;
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Receive { id, request } => {
                assert!((1..=100).contains(&request.max), "{request:?}");
                assert_eq!(request.visibility_timeout, None, "the lock is the group's");
                self.polls.push((id, request, self.now + request.wait));
            }
            Action::Reserve { batch } => {
                let ticket = self.turns.line_up();
                self.line.insert(ticket, batch);
            }
            Action::Forgo { batch } => {
                let place = self.line.iter().find(|(_, of)| **of == batch);
                if let Some((&ticket, _)) = place {
                    self.line.remove(&ticket);
                    self.turns.leave(ticket);
                } else {
                    self.turns.ended(self.now, Ended::Unused);
                }
            }
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => self.invoke(batch, attempt, &payload),
            Action::Settle { id, settlements } => {
                assert!((1..=50).contains(&settlements.len()));
                let result = self.settle(&settlements);
                self.schedule(Duration::from_millis(2), Input::Settled { id, result });
            }
            Action::Deliver { id, record } => {
                let result = if (self.destination_fails)() {
                    Err(DeliveryError::new("away"))
                } else {
                    self.told.push((self.now, record));
                    Ok(())
                };
                self.schedule(Duration::from_millis(2), Input::Delivered { id, result });
            }
            Action::Measure => {
                let result = Ok(self.lags.clone());
                self.schedule(Duration::from_millis(2), Input::Measured { result });
            }
            Action::Report(decision) => self.decisions.push((self.now, decision)),
        }
    }

    fn settle(
        &mut self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let hiccup = (self.hiccup)();
        let lost = Err(SourceError::new(SourceErrorKind::Transient, "answer lost"));
        if hiccup == Hiccup::Lost {
            return lost;
        }
        let mut results = Vec::new();
        for settlement in settlements {
            let result = self.group.settle(self.now, settlement);
            let mut numbers = settlement.receipt.0.split(':');
            let mut number = || numbers.next().unwrap();
            let place = (number().parse().unwrap(), number().parse().unwrap());
            self.settled.push((settlement.verb, place, result.is_ok()));
            results.push(result.map(drop));
        }
        if hiccup == Hiccup::AnswerLost {
            return lost;
        }
        Ok(results)
    }

    fn invoke(&mut self, batch: BatchId, attempt: u32, payload: &[u8]) {
        assert!(payload.len() <= MAX_PAYLOAD_BYTES);
        let event: Value = serde_json::from_slice(payload).unwrap();
        let places = places(&event);
        assert!(!places.is_empty() && places.len() <= self.most_records);
        let fate = (self.script)(self.seen.len(), &places);
        self.seen.push(Seen {
            start: self.now,
            places,
            event,
        });
        let result = fate.result.map(Into::into);
        let input = Input::Invoked {
            batch,
            attempt,
            result,
        };
        self.schedule(fate.after, input);
    }
}

/// Returns the places of an event's records.
pub(crate) fn places(event: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    for (name, records) in event["records"].as_object().unwrap() {
        for record in records.as_array().unwrap() {
            let partition = record["partition"].as_i64().unwrap();
            assert_eq!(*name, format!("orders-eu-{partition}"));
            let partition = i32::try_from(partition).unwrap();
            places.push((partition, record["offset"].as_i64().unwrap()));
        }
    }
    places
}
