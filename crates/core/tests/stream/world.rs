//! A world for one stream machine: a stream, a function, a destination and a store, and a clock that
//! jumps from one event to the next. Whatever happens in it, the promises in `check` hold.

pub(crate) mod around;
pub(crate) mod call;
mod check;
pub(crate) mod clock;
mod keeping;
pub(crate) mod line;
pub(crate) mod log;
mod owning;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::fault::{DeliveryError, InvokeError};
use lambda_esm_core::on_failure_record::FailureRecord;
use lambda_esm_core::record::StreamContent;
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::{
    Action, CallId, FetchRequest, Input, KeptCheckpoint, ShardId, Start, StreamConfig,
    StreamMachine,
};

use around::{Happening, Reading, Surroundings, Watched};
use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_core::function_concurrency::Ended;
use line::Line;

use call::{Call, Discard, Label, part, read_discard, read_event};
use log::Stream;

enum Pending {
    Input(Input),
    Listed(CallId),
    Opened(CallId, ShardId, Start),
    Fetched(CallId, FetchRequest),
    Answered(usize, Result<InvokeAnswer, InvokeError>),
    Delivered(CallId, Box<Discard>, Result<(), DeliveryError>),
}

/// What is kept across restarts.
pub(crate) type Store = BTreeMap<ShardId, KeptCheckpoint>;

pub(crate) struct World<S> {
    pub(crate) now: Timestamp,
    pub(crate) machine: StreamMachine,
    pub(crate) stream: Stream,
    pub(crate) store: Store,
    pub(crate) surroundings: S,
    pub(crate) config: StreamConfig,
    /// How many invocations the function can run at a time, if that is known.
    pub(crate) concurrency: Option<usize>,
    pub(crate) line: Line,
    pub(crate) calls: Vec<Call>,
    /// The event of each call, if events are to be kept.
    pub(crate) payloads: Vec<Bytes>,
    pub(crate) keeps_payloads: bool,
    /// Whether `happenings` are kept.
    pub(crate) keeps_happenings: bool,
    pub(crate) happenings: Vec<(Timestamp, Happening)>,
    /// Everything the machine asked for, if it is to be kept.
    pub(crate) trace: Option<Rc<RefCell<Vec<String>>>>,
    /// The shard and the key of each record.
    places: HashMap<Label, (ShardId, Arc<str>)>,
    pending: BTreeMap<(Timestamp, u64), Pending>,
    waiting: Vec<(Timestamp, CallId, FetchRequest)>,
    checks: check::Checks,
    /// Under which epoch the mapping owns each shard, where they are assigned.
    pub(crate) epochs: BTreeMap<ShardId, u64>,
    seed: u64,
    turn: u64,
}

impl<S: Surroundings> World<S> {
    /// Returns a world in which nothing has happened yet; [`start`](Self::start) begins it.
    pub(crate) fn new(
        config: StreamConfig,
        stream: Stream,
        surroundings: S,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        Self {
            now,
            machine: StreamMachine::new(config.clone(), Store::new(), seed, now),
            stream,
            store: Store::new(),
            surroundings,
            checks: check::Checks::new(config.limits.count),
            epochs: BTreeMap::new(),
            config,
            concurrency: None,
            line: Line::default(),
            calls: Vec::new(),
            payloads: Vec::new(),
            keeps_payloads: false,
            keeps_happenings: true,
            happenings: Vec::new(),
            trace: None,
            places: HashMap::new(),
            pending: BTreeMap::new(),
            waiting: Vec::new(),
            seed,
            turn: 0,
        }
    }

    /// Puts a record that arrives at `arrival`, by the world's clock, and returns its sequence number.
    pub(crate) fn put(
        &mut self,
        shard: &ShardId,
        arrival: Timestamp,
        content: StreamContent,
    ) -> Arc<str> {
        let key = match &content {
            StreamContent::Kinesis(kinesis) => kinesis.partition_key.clone(),
            StreamContent::DynamoDb(change) => change.keys.as_str().into(),
            StreamContent::Unreadable(record) => record.json.as_str().into(),
            other => unreachable!("{other:?}"),
        };
        let sequence = self.stream.put(shard, arrival, content);
        self.places.insert(sequence.clone(), (shard.clone(), key));
        sequence
    }

    /// Puts an aggregated record with parts of these keys, and returns their labels.
    pub(crate) fn put_aggregate(
        &mut self,
        shard: &ShardId,
        arrival: Timestamp,
        content: StreamContent,
        keys: &[String],
    ) -> Vec<Label> {
        let sequence = self.stream.put(shard, arrival, content);
        let parts = keys.iter().map(|key| {
            let label = part(&sequence, key);
            self.places
                .insert(label.clone(), (shard.clone(), key.as_str().into()));
            label
        });
        parts.collect()
    }

    /// Builds the machine from what is kept, as after a crash: what was on its way is lost.
    pub(crate) fn start(&mut self) {
        self.pending.clear();
        self.waiting.clear();
        self.checks.died();
        self.line = Line::new(self.concurrency);
        self.tell(&Watched::Died);
        self.seed += 1;
        self.machine =
            StreamMachine::new(self.config.clone(), self.store.clone(), self.seed, self.now);
        self.give(Input::Tick);
    }

    pub(crate) fn reconfigure(&mut self, config: StreamConfig) {
        self.config = config.clone();
        self.checks.most_records = self.checks.most_records.max(config.limits.count);
        self.give(Input::Reconfigure(Box::new(config)));
    }

    /// Sets the mapping's clock forward. That of the stream goes on as before.
    pub(crate) fn set_clock(&mut self, by: Duration) {
        let shows = self.stream.manners.clock.shows(self.now);
        self.now = self.now + by;
        let clock = &mut self.stream.manners.clock;
        clock.ahead += shows.0 - clock.shows(self.now).0;
    }

    /// Deletes the stream and makes another of the same name.
    pub(crate) fn recreate(&mut self) {
        self.stream.recreate();
        self.checks.forget_flights();
    }

    pub(crate) fn drain(&mut self) {
        // As the driver does: waits for records end at once.
        self.checks.end_reads(self.waiting.len());
        self.waiting.clear();
        self.give(Input::Drain);
    }

    /// Lets everything happen that happens before `end`, and what happens at `end` too if `through`.
    pub(crate) fn advance(&mut self, end: Timestamp, through: bool) {
        while let Some(next) = self.next().map(|next| next.max(self.now)) {
            if next > end || (next == end && !through) {
                break;
            }
            self.checks.moved(self.now, next);
            self.now = next;
            self.step();
        }
        self.now = self.now.max(end);
    }

    /// Returns when the machine hears of something next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let pending = self.pending.keys().next().map(|&(at, _)| at);
        let waits = self.waiting.iter().map(|&(until, ..)| until).min();
        let (turn, deadline) = (self.line.next_deadline(), self.machine.next_deadline());
        [pending, waits, turn, deadline].into_iter().flatten().min()
    }

    /// Answers fetches that wait for what is there now.
    pub(crate) fn wake(&mut self) {
        let (now, stream) = (self.now, &self.stream);
        let (ready, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(until, _, request)| *until <= now || stream.answers(request, now));
        self.waiting = waiting;
        for (_, id, request) in ready {
            self.later(Duration::ZERO, Pending::Fetched(id, request));
        }
    }

    fn step(&mut self) {
        if let Some(entry) = self.pending.first_entry()
            && entry.key().0 <= self.now
        {
            let pending = entry.remove();
            self.happen(pending);
            return;
        }
        self.wake();
        self.take_turns(None);
        let due = |deadline: Timestamp| deadline <= self.now;
        if self.machine.next_deadline().is_some_and(due) {
            self.give(Input::Tick);
            let again = self.machine.next_deadline();
            assert!(
                again.is_none_or(|again| again > self.now),
                "a tick must use up its deadline"
            );
        }
    }

    fn happen(&mut self, pending: Pending) {
        let input = match pending {
            Pending::Input(input) => input,
            Pending::Listed(id) => {
                self.note(Happening::List);
                self.tell(&Watched::Listed);
                let result = Ok(self.stream.listing(self.now));
                Input::Listed { id, result }
            }
            Pending::Opened(id, shard, from) => {
                let result = self.stream.open(&shard, &from);
                if result.is_ok() {
                    self.tell(&Watched::Opened(&shard, &from));
                }
                Input::Opened { id, result }
            }
            Pending::Fetched(id, request) => {
                let result = self.stream.fetch(&request, self.now);
                let records = result.as_ref().map_or(0, |page| page.records.len());
                self.note(Happening::Fetch(request.shard.clone(), records));
                self.checks.fetched(&request.shard);
                Input::Fetched { id, result }
            }
            Pending::Answered(index, result) => {
                let call = &mut self.calls[index];
                call.ended = Some(self.now);
                self.checks.answered(index);
                let (batch, attempt) = (call.batch, call.attempt);
                let ended = match &result {
                    Err(error) if matches!(error.kind, InvokeErrorKind::Throttled { .. }) => {
                        Ended::Throttled
                    }
                    _ => Ended::Answered,
                };
                self.line.ended(self.now, ended);
                self.surroundings.watch(
                    self.now,
                    &self.stream,
                    &Watched::Answered(&self.calls[index]),
                );
                Input::Invoked {
                    batch,
                    attempt,
                    result,
                }
            }
            Pending::Delivered(id, discard, result) => {
                if result.is_ok() {
                    self.tell(&Watched::Delivered(&discard));
                }
                Input::Delivered { id, result }
            }
        };
        self.give(input);
    }

    fn give(&mut self, input: Input) {
        self.take_turns(Some(input));
    }

    /// Hands the machine its turns, after `input` if there is one.
    fn take_turns(&mut self, input: Option<Input>) {
        let mut next = input;
        loop {
            let reserved = |turn| Input::Reserved { turn };
            let Some(input) = next
                .take()
                .or_else(|| self.line.next(self.now).map(reserved))
            else {
                break;
            };
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        if matches!(input, Input::Opened { .. } | Input::Fetched { .. }) {
            self.checks.answers_read();
        }
        self.machine.handle(self.now, input);
        while let Some(action) = self.machine.poll() {
            if let Some(trace) = &self.trace {
                let line = format!("{:?} {action:?}", self.now);
                trace.borrow_mut().push(line);
            }
            self.carry_out(action);
        }
        // Which checks its sums where assertions are on.
        drop(self.machine.status());
    }

    fn note(&mut self, happening: Happening) {
        if self.keeps_happenings {
            self.happenings.push((self.now, happening));
        }
    }

    fn tell(&mut self, watched: &Watched<'_>) {
        self.surroundings.watch(self.now, &self.stream, watched);
    }

    fn later(&mut self, after: Duration, pending: Pending) {
        self.turn += 1;
        self.pending.insert((self.now + after, self.turn), pending);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::List { id } => {
                let (after, result) = self.surroundings.read(self.now, Reading::List);
                let answer = match result {
                    Ok(()) => Pending::Listed(id),
                    Err(error) => Pending::Input(Input::Listed {
                        id,
                        result: Err(error),
                    }),
                };
                self.later(after, answer);
            }
            Action::Open { id, shard, from } => self.open(id, shard, from),
            Action::Fetch { id, request } => self.fetch(id, request),
            Action::Reserve { turn } => self.line.reserve(turn),
            Action::Forgo { turn } => self.line.forgo(self.now, turn),
            Action::Invoke {
                turn,
                batch,
                attempt,
                payload,
                ..
            } => {
                self.line.use_up(turn);
                self.invoke(batch, attempt, &payload);
            }
            Action::Deliver { id, record } => self.deliver(id, &record),
            Action::Commit {
                id,
                identity,
                checkpoints,
            } => self.commit(id, identity, checkpoints),
            Action::Forget { id, shards } => self.forget(id, &shards),
            Action::Report(decision) => {
                self.tell(&Watched::Decided(&decision));
                self.note(Happening::Decided(Box::new(decision)));
            }
        }
    }

    fn open(&mut self, id: CallId, shard: ShardId, from: Start) {
        self.checks.opens(&self.stream, &self.store, &shard);
        self.checks.reads(&self.config, &self.stream);
        self.note(Happening::Open(shard.clone(), from.clone()));
        let (after, result) = self.surroundings.read(self.now, Reading::Open(&shard));
        let answer = match result {
            Ok(()) => Pending::Opened(id, shard, from),
            Err(error) => Pending::Input(Input::Opened {
                id,
                result: Err(error),
            }),
        };
        self.later(after, answer);
    }

    fn fetch(&mut self, id: CallId, request: FetchRequest) {
        self.checks
            .fetches(self.now, &self.config, &self.stream, &request);
        self.checks.reads(&self.config, &self.stream);
        let reading = Reading::Fetch(&request.shard);
        let (after, result) = self.surroundings.read(self.now, reading);
        if let Err(error) = result {
            self.note(Happening::Fetch(request.shard.clone(), 0));
            self.checks.fetched(&request.shard);
            let result = Err(error);
            self.later(after, Pending::Input(Input::Fetched { id, result }));
        } else if request.wait.is_zero() || self.stream.answers(&request, self.now) {
            self.later(after, Pending::Fetched(id, request));
        } else {
            self.waiting.push((self.now + request.wait, id, request));
        }
    }

    fn invoke(&mut self, batch: BatchId, attempt: u32, payload: &[u8]) {
        let seen = read_event(payload, |sequence| self.places.contains_key(sequence));
        let place = |sequence: &Arc<str>| self.places.get(sequence).expect("a record that was put");
        let first = seen.records.first().map(|first| place(first).0.clone());
        let shard = first.or(seen.shard).expect("a shard");
        let mut call = Call {
            number: self.calls.len() + 1,
            at: self.now,
            ended: None,
            batch,
            attempt,
            shard,
            records: seen.records,
            window: seen.window,
            processed: 0,
            outcome: String::new(),
            bytes: payload.len(),
        };
        self.checks
            .invokes(&self.config, &self.places, self.calls.len(), &call);
        self.checks.runs_at_most(self.concurrency);
        self.tell(&Watched::Called(&call));
        let answer = self.surroundings.invoke(&call);
        (call.processed, call.outcome) = (answer.processed, answer.outcome);
        let index = self.calls.len();
        self.calls.push(call);
        if self.keeps_payloads {
            self.payloads.push(Bytes::copy_from_slice(payload));
        }
        self.note(Happening::Invoke(index));
        if let Some(after) = answer.after {
            self.later(after, Pending::Answered(index, answer.result));
        }
    }

    fn deliver(&mut self, id: CallId, record: &FailureRecord) {
        let discard = read_discard(record);
        let (after, result) = self.surroundings.deliver(self.now);
        self.tell(&Watched::Delivering(&discard));
        self.note(Happening::Deliver(
            Box::new(discard.clone()),
            result.is_ok(),
        ));
        self.later(after, Pending::Delivered(id, Box::new(discard), result));
    }

    /// Returns the calls so far after some time.
    pub(crate) fn calls_after(&mut self, time: Duration) -> &[Call] {
        self.advance(self.now + time, true);
        &self.calls
    }

    /// The most shards that called the source at one time.
    pub(crate) const fn most_reads(&self) -> usize {
        self.checks.most_reads
    }

    /// The most calls that ran at one time.
    pub(crate) fn most_at_once(&self) -> usize {
        let runs = |one: &Call| {
            let other = |other: &&Call| {
                other.number == one.number
                    || (other.number < one.number && other.ended.is_none_or(|end| end > one.at))
            };
            self.calls.iter().filter(other).count()
        };
        self.calls.iter().map(runs).max().unwrap_or(0)
    }
}
