//! A random world at play: what is put into its stream, what befalls its mapping, until all is settled.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, ShardId, Start};
use serde_json::json;

use super::case::{Case, Dice, Turn};
use super::host::{Host, Ring};
use super::keys::{self, KEYS};
use crate::content::{self, Shape};
use crate::mapping::{START, Source};
use crate::world::World;
use crate::world::log::{Log, Stream};

/// How long a world may need to come to rest once it is calm.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

pub(super) struct Play {
    pub(super) world: World<Host>,
    ring: Ring,
    dice: Dice,
    case: Case,
    put: usize,
}

impl Play {
    pub(super) fn new(case: &Case) -> Self {
        let mut ring = Ring::default();
        let mut stream = Stream::new(case.manners());
        let width = KEYS / case.shards as u64;
        for index in 0..case.shards as u64 {
            let id = ring.name();
            stream.add(id.clone(), Vec::new());
            let end = if index + 1 == case.shards as u64 {
                KEYS
            } else {
                (index + 1) * width
            };
            ring.open.push((id, index * width, end));
        }
        let start = Timestamp(START.0 - 40_000);
        let mut world = World::new(case.config(), stream, Host::new(case), case.seed, start);
        world.keeps_happenings = false;
        world.concurrency = case.concurrency;
        Self {
            world,
            ring,
            dice: Dice::new(case.seed ^ 7),
            case: case.clone(),
            put: 0,
        }
    }

    /// Puts records with keys at random, each into the shard of its key.
    fn put(&mut self, count: usize) {
        for _ in 0..count {
            let key = self.dice.within(0..KEYS);
            let shard = self.ring.shard_of(key).clone();
            let stale = self.dice.chance(self.case.stale);
            let age = if stale {
                self.dice.within(1..100_000)
            } else {
                0
            };
            let arrival = Timestamp(self.world.now.0 - i64::try_from(age).unwrap());
            let passes = !self.case.filtered || self.dice.chance(0.6);
            let poison = passes && self.dice.chance(self.case.poison);
            self.put += 1;
            let keep = if passes { "yes" } else { "no" };
            let data = match self.case.source {
                Source::DynamoDb => json!({"keep": {"S": keep}, "n": {"N": self.put.to_string()}}),
                Source::Kinesis | Source::Consumer => json!({"keep": keep, "n": self.put}),
            };
            let shape = Shape {
                data: data.to_string(),
                ..Shape::named("")
            };
            let content = content::of(self.case.source, &keys::name(key), &shape);
            let sequence = self.world.put(&shard, arrival, content);
            let ledger = &mut self.world.surroundings.ledger;
            ledger.put(&shard, sequence, (key, arrival, passes, poison));
        }
        self.world.wake();
    }

    fn split(&mut self) {
        let index = self.dice.within(0..self.ring.open.len() as u64) as usize;
        let (parent, from, to) = self.ring.open[index].clone();
        if to - from < 2 {
            return;
        }
        let middle = from + (to - from) / 2;
        let (left, right) = (self.ring.name(), self.ring.name());
        self.world
            .stream
            .reshard(&[parent], &[left.clone(), right.clone()]);
        self.ring
            .open
            .splice(index..=index, [(left, from, middle), (right, middle, to)]);
        self.world.wake();
    }

    fn merge(&mut self) {
        if self.ring.open.len() < 2 {
            return;
        }
        let index = self.dice.within(0..self.ring.open.len() as u64 - 1) as usize;
        let (left, from, _) = self.ring.open[index].clone();
        let (right, _, to) = self.ring.open[index + 1].clone();
        let child = self.ring.name();
        self.world
            .stream
            .reshard(&[left, right], std::slice::from_ref(&child));
        self.ring
            .open
            .splice(index..=index + 1, [(child, from, to)]);
        self.world.wake();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.world.now + time;
        self.world.advance(end, true);
    }

    fn happen(&mut self, turn: Turn) {
        match turn {
            Turn::Put(count) => self.put(count),
            Turn::Split => self.split(),
            Turn::Merge => self.merge(),
            Turn::Crash => self.world.start(),
            Turn::Drain => self.drain(),
            Turn::SetClock(millis) => self.set_clock(Duration::from_millis(millis)),
            Turn::Update {
                batch_size,
                window,
                retries,
                age,
                bisect,
            } => {
                self.case = Case {
                    batch_size,
                    window,
                    retries: if self.case.retries < 0 { -1 } else { retries },
                    age: if self.case.age < 0 { -1 } else { age.max(60) },
                    bisect,
                    ..self.case.clone()
                };
                self.world.surroundings.ledger.update(&self.case);
                self.world.reconfigure(self.case.config());
            }
        }
    }

    /// Nobody would notice it of a stream that tells no time.
    fn set_clock(&mut self, by: Duration) {
        if self.case.clock.tells {
            self.world.set_clock(by);
            let clock = self.world.stream.manners.clock;
            self.world.surroundings.ledger.set_clock(clock);
        }
    }

    fn drain(&mut self) {
        self.world.drain();
        let reads = self.world.surroundings.reads;
        for _ in 0..60 {
            self.pass(Duration::from_secs(10));
            if self.world.machine.is_idle() {
                break;
            }
        }
        assert!(self.world.machine.is_idle(), "the drain does not end");
        assert_eq!(
            self.world.surroundings.reads, reads,
            "a drain reads nothing new"
        );
        self.world.start();
    }

    /// What is there before the mapping is made.
    fn before(&mut self) {
        let records = self.case.before;
        self.put(records / 2);
        self.world.now = Timestamp(START.0 - 20_000);
        if self.case.resharded_before {
            self.split();
            self.merge();
        }
        self.put(records - records / 2);
        self.world.now = START;
    }

    pub(super) fn run(&mut self) {
        self.before();
        self.world.start();
        for (pause, turn) in self.case.turns.clone() {
            self.pass(Duration::from_millis(pause));
            self.happen(turn);
        }
        self.pass(Duration::from_secs(5));
        self.world.surroundings.wild = false;
        let end = self.world.now + LONGEST;
        while !self.is_done() && self.world.now < end {
            self.pass(Duration::from_secs(5));
        }
    }

    fn is_done(&self) -> bool {
        let ledger = &self.world.surroundings.ledger;
        // Records that need not come, or come once more, may still wait for their turn.
        let is_settled = ledger.is_done() && self.world.line.is_left();
        is_settled && ledger.windows_are_closed() && self.behind().is_empty()
    }

    /// Returns the shards whose checkpoint is not where it should be when all is settled.
    pub(super) fn behind(&self) -> Vec<(ShardId, Option<Checkpoint>)> {
        let (stream, store) = (&self.world.stream, &self.world.store);
        let is_behind = |(shard, log): (&ShardId, &Log)| {
            let checkpoint = store.get(shard).map(|kept| kept.checkpoint.clone());
            let last = self.world.surroundings.ledger.last_of(stream, shard);
            let arrived = match (&checkpoint, last) {
                (Some(Checkpoint { start: None, .. }), _) => true,
                (
                    Some(Checkpoint {
                        start: Some(Start::After(end)),
                        ..
                    }),
                    Some(last),
                ) => !log.closed && *end == last,
                (_, None) => !log.closed,
                _ => false,
            };
            (!arrived).then(|| (shard.clone(), checkpoint))
        };
        stream.shards.iter().filter_map(is_behind).collect()
    }
}
