//! Plays a case: a topic, its consumer group, a function and a destination around one machine after another.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{DeliveryError, SourceError, SourceErrorKind};
use lambda_esm_core::stream::CallId;
use lambda_esm_core::topic::{
    Action, Assignment, GroupEvent, Input, OwnedPartition, PartitionOffset, TopicFetch,
    TopicMachine, Watermarks,
};

use super::case::{Case, Faults, Settings, Turn};
use super::ledger::Ledger;
use super::topic::{Log, Record, chosen, index, owned};
use crate::mapping::START;
use crate::world::places;

/// The most records of a page.
const PAGE: u64 = 50;

enum Pending {
    Input(Input),
    Committed(CallId, Vec<PartitionOffset>, Result<(), SourceError>),
    Fetch(CallId, TopicFetch, Timestamp),
    Turn(CallId),
    Answer(usize, Input, Answer),
    /// With the records that it was about, and whether somebody has been told of them, or never will be.
    Delivered(Input, Vec<(OwnedPartition, i64)>, bool),
    /// The group waits no longer for a partition that it has asked for.
    Bound(OwnedPartition),
    /// The mapping hears that a partition is somebody else's.
    Tell(OwnedPartition),
}

/// What the function made of a batch.
enum Answer {
    NotReached,
    /// It failed with these, by their place in the batch.
    Failed(BTreeSet<usize>),
}

pub(crate) struct Host {
    now: Timestamp,
    machine: TopicMachine,
    logs: Vec<Log>,
    ledger: Ledger,
    settings: Settings,
    faults: Faults,
    read_ahead: usize,
    dice: Random,
    is_wild: bool,
    epoch: u64,
    calls: usize,
    pending: BTreeMap<(Timestamp, u64), Pending>,
    last: u64,
    turns: BTreeSet<CallId>,
    /// How often each document was not delivered.
    failed_deliveries: BTreeMap<Bytes, u32>,
    /// What happened, in short.
    pub(crate) trace: Vec<String>,
}

impl Host {
    pub(crate) fn new(case: &Case) -> Self {
        let config = case.settings.config(case.read_ahead);
        let mut ledger = Ledger::new(config.batches.limits.count);
        ledger.retries = config.batches.retry.maximum_retries;
        ledger.age = config.batches.retry.maximum_record_age;
        ledger.bisect = config.batches.retry.bisect_on_error;
        ledger.has_destination = config.batches.on_failure.is_some();
        if case.settings.provisioned {
            // Two pollers.
            ledger.most_at_once = 10;
        }
        Self {
            now: START,
            machine: TopicMachine::new(config, case.seed, START),
            logs: (0..case.partitions).map(|_| Log::default()).collect(),
            ledger,
            settings: case.settings.clone(),
            faults: case.faults.clone(),
            read_ahead: case.read_ahead,
            dice: Random::new(case.seed),
            is_wild: true,
            epoch: 0,
            calls: 0,
            pending: BTreeMap::new(),
            last: 0,
            turns: BTreeSet::new(),
            failed_deliveries: BTreeMap::new(),
            trace: Vec::new(),
        }
    }

    pub(crate) fn play(&mut self, case: &Case) {
        for (after, turn) in &case.turns {
            self.run(*after);
            self.turn(*turn);
        }
        self.run(5_000);
    }

    /// Lets the machine process what there is, undisturbed, and checks that nothing is lost.
    pub(crate) fn finish(&mut self) {
        self.is_wild = false;
        for _ in 0..20_000 {
            self.assign(u8::MAX);
            self.run(1_000);
            if self.logs.iter().all(|log| log.begin() == log.end) {
                break;
            }
        }
        self.run(60_000);
        self.drain();
        self.ledger.check_end(&self.logs);
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.dice.next_u64() % below.max(1)
    }

    /// Tells whether something happens that does so in this many of a hundred cases, while the world is wild.
    fn happens(&mut self, share: u64) -> bool {
        self.roll(100) < share && self.is_wild
    }

    fn partition(&self, partition: i32) -> i32 {
        partition % i32::try_from(self.logs.len()).unwrap()
    }

    fn all(&self) -> i32 {
        i32::try_from(self.logs.len()).unwrap()
    }

    fn turn(&mut self, turn: Turn) {
        self.trace.push(format!("{} {turn:?}", self.now.0));
        match turn {
            Turn::Put { partition, records } => {
                for _ in 0..records {
                    self.put(self.partition(partition));
                }
            }
            Turn::Hole { partition, offsets } => {
                let partition = self.partition(partition);
                self.logs[index(partition)].end += offsets;
            }
            Turn::Assign(bits) => self.assign(bits),
            Turn::Revoke(bits, bound) => self.revoke(bits, bound),
            Turn::Lose(bits, late) => {
                let chosen: Vec<i32> = chosen(self.all(), bits).collect();
                for partition in chosen {
                    self.lose(partition, late);
                }
            }
            Turn::Other { partition, offsets } => self.other(self.partition(partition), offsets),
            Turn::Update { batch_size, window } => {
                self.settings.batch_size = batch_size;
                self.settings.window = window;
                let config = self.settings.config(self.read_ahead);
                let size = &mut self.ledger.batch_size;
                *size = config.batches.limits.count.max(*size);
                self.give(Input::Reconfigure(Box::new(config)));
            }
            Turn::Trim { partition, records } => {
                let partition = self.partition(partition);
                self.logs[index(partition)].trim(records);
            }
            Turn::Drain => self.drain(),
            Turn::Crash => self.restart(),
        }
    }

    fn put(&mut self, partition: i32) {
        let limited = self.ledger.retries.is_some();
        let (poison, undecodable) = (self.faults.poison, self.faults.undecodable);
        let passes = !self.settings.filtered || self.roll(2) == 0;
        let record = Record {
            offset: self.logs[index(partition)].end,
            time: self.now,
            passes,
            poison: limited && self.roll(100) < poison,
            undecodable: self.roll(100) < undecodable,
            trimmed: false,
        };
        let log = &mut self.logs[index(partition)];
        log.records.push(record);
        log.end += 1;
    }

    fn assign(&mut self, bits: u8) {
        let mut assignments = Vec::new();
        for partition in chosen(self.all(), bits) {
            let log = &mut self.logs[index(partition)];
            if log.owner.is_some() || self.ledger.owned.contains_key(&partition) {
                continue;
            }
            for epoch in 0..=self.epoch {
                self.ledger.moves(owned(partition, epoch), log);
            }
            self.epoch += 1;
            log.owner = Some(self.epoch);
            log.position = log.begin();
            let owned = owned(partition, self.epoch);
            self.ledger.assigned(owned, log);
            assignments.push(Assignment::new(owned, log.committed));
        }
        if !assignments.is_empty() {
            self.give(Input::Group(GroupEvent::Assigned(assignments)));
        }
    }

    fn revoke(&mut self, bits: u8, bound: u64) {
        let mut asked = Vec::new();
        for partition in chosen(self.all(), bits) {
            let Some(&(epoch, false)) = self.ledger.owned.get(&partition) else {
                continue;
            };
            if self.logs[index(partition)].owner == Some(epoch) {
                self.ledger.revoking(partition);
                asked.push(owned(partition, epoch));
            }
        }
        for &owned in &asked {
            self.later(bound, Pending::Bound(owned));
        }
        if !asked.is_empty() {
            self.give(Input::Group(GroupEvent::Revoking(asked)));
        }
    }

    /// A partition is somebody else's, and the mapping hears of it later.
    fn lose(&mut self, partition: i32, late: u64) {
        if let Some(epoch) = self.logs[index(partition)].owner.take() {
            self.later(late, Pending::Tell(owned(partition, epoch)));
        }
    }

    fn other(&mut self, partition: i32, offsets: i64) {
        let log = &mut self.logs[index(partition)];
        if log.owner.is_some() || self.ledger.owned.contains_key(&partition) {
            return;
        }
        let (begin, end) = (log.begin(), log.end.min(log.begin() + offsets));
        log.committed = Some(end);
        for offset in begin..end {
            self.ledger.done_by_others((partition, offset));
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
        self.restart();
    }

    /// Another machine goes on; what was on its way is lost.
    fn restart(&mut self) {
        self.pending.clear();
        self.turns.clear();
        for log in &mut self.logs {
            log.owner = None;
        }
        self.ledger.died();
        let config = self.settings.config(self.read_ahead);
        let seed = self.dice.next_u64();
        self.machine = TopicMachine::new(config, seed, self.now);
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

    fn happen(&mut self, pending: Pending) {
        let input = match pending {
            Pending::Input(input) => input,
            Pending::Fetch(id, request, since) => return self.fetch(id, request, since),
            Pending::Turn(turn) => {
                self.turns.insert(turn);
                Input::Reserved { turn }
            }
            Pending::Answer(call, input, answer) => {
                match answer {
                    Answer::NotReached => self.ledger.not_reached(call),
                    Answer::Failed(failed) => {
                        self.ledger.answered(call, |at| failed.contains(&at));
                    }
                }
                input
            }
            Pending::Delivered(input, records, is_over) => {
                if is_over {
                    self.ledger.delivered(&records);
                }
                input
            }
            Pending::Committed(id, offsets, result) => {
                if result.is_ok() {
                    self.ledger.committed(&offsets);
                }
                Input::Committed { id, result }
            }
            Pending::Bound(owned) | Pending::Tell(owned) => {
                if !self.ledger.is_owned(owned) {
                    return;
                }
                let log = &mut self.logs[index(owned.partition)];
                if log.owner == Some(owned.epoch) {
                    log.owner = None;
                }
                self.ledger.lost(owned.partition);
                Input::Group(GroupEvent::Lost(vec![owned]))
            }
        };
        self.give(input);
    }

    fn fetch(&mut self, id: CallId, request: TopicFetch, since: Timestamp) {
        let owned = request.owned;
        let is_owned = self.logs[index(owned.partition)].owner == Some(owned.epoch);
        let result = if !is_owned {
            Err(SourceError::new(SourceErrorKind::Expired, "not owned"))
        } else if self.happens(self.faults.fetches) {
            let kind = SourceErrorKind::Transient;
            Err(SourceError::new(kind, "no broker answers"))
        } else {
            let limit = 1 + self.roll(PAGE.min(request.limit as u64));
            let tells = self.roll(2) == 0;
            let log = &mut self.logs[index(owned.partition)];
            if !log.has_news() && self.now < since + request.wait {
                return self.later(250, Pending::Fetch(id, request, since));
            }
            let page = log.page(usize::try_from(limit).unwrap(), tells);
            let offsets = page.records.iter().map(|record| record.offset);
            self.ledger.read(owned, offsets);
            Ok(page)
        };
        // A page may come late.
        let after = self.roll(2) * self.roll(100);
        self.later(after, Pending::Input(Input::Fetched { id, result }));
    }

    fn give(&mut self, input: Input) {
        self.ledger.now = self.now;
        self.machine.handle(self.now, input);
        let mut actions = 0;
        while let Some(action) = self.machine.poll() {
            actions += 1;
            assert!(actions < 20_000, "the machine acts on and on");
            self.carry_out(action);
        }
        let batches = 2 * self.ledger.batch_size;
        let pages = usize::try_from(PAGE).unwrap();
        let most = self.read_ahead + self.logs.len() * (pages + batches);
        let held = self.machine.status().gathering;
        assert!(held <= most, "{held} records are held");
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Fetch { id, request } => {
                self.ledger.fetches(request.owned);
                let after = self.roll(20);
                self.later(after, Pending::Fetch(id, request, self.now));
            }
            Action::Commit { id, offsets } => {
                self.trace.push(format!("{} {offsets:?}", self.now.0));
                for &offset in &offsets {
                    self.ledger.commits(offset, &self.logs);
                }
                let result = self.keep(&offsets);
                let after = self.roll(100);
                self.later(after, Pending::Committed(id, offsets, result));
            }
            Action::LetGo { owned, offset } => {
                self.trace
                    .push(format!("{} {owned:?} {offset:?}", self.now.0));
                let place = offset.map(|offset| offset.offset);
                self.ledger.lets_go(owned, place, &self.logs);
                let is_told = self.pending.values().any(|pending| {
                    matches!(pending, Pending::Delivered(_, records, _)
                        if records.iter().any(|(of, _)| *of == owned))
                });
                assert!(!is_told, "{owned:?} is let go of, and being told of");
                let result = self.keep(offset.as_slice());
                let log = &mut self.logs[index(owned.partition)];
                if log.owner == Some(owned.epoch) {
                    log.owner = None;
                }
                let after = self.roll(100);
                self.later(after, Pending::Input(Input::LetGo { owned, result }));
            }
            Action::Measure => {
                let marks = (0..).zip(&self.logs).map(|(partition, log)| Watermarks {
                    partition,
                    low: log.low(),
                    high: log.end,
                });
                let result = Ok(marks.collect());
                self.later(5, Pending::Input(Input::Measured { result }));
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
                let places = places(&payload);
                self.trace.push(format!("{} {places:?}", self.now.0));
                self.calls += 1;
                self.ledger.invokes(self.calls, &places, &self.logs);
                let (result, answer) = self.function(&places);
                let input = Input::Invoked {
                    batch,
                    attempt,
                    result: result.map(|text| Bytes::from(text).into()),
                };
                let after = self.roll(3) * self.roll(1_500);
                self.later(after, Pending::Answer(self.calls, input, answer));
            }
            Action::Deliver { id, record } => {
                let records = self.ledger.delivers(&record.body, &self.logs);
                let (mut result, mut is_over) = (Ok(()), true);
                if self.happens(self.faults.deliveries) {
                    result = Err(DeliveryError::new("nobody is there"));
                    let tries = self.failed_deliveries.entry(record.body).or_default();
                    *tries += 1;
                    is_over = *tries == 5;
                }
                let after = self.roll(500);
                let input = Input::Delivered { id, result };
                self.later(after, Pending::Delivered(input, records, is_over));
            }
            Action::Report(_) => {}
        }
    }
}
