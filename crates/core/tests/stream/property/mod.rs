//! The whole machine in random worlds.
//!
//! `LAMBDA_ESM_PROPERTY_CASES` says how many, `LAMBDA_ESM_PROPERTY_SEED` which one alone. A failure names the
//! seed, and a simpler world that fails too.

mod case;
mod fold;
mod host;
mod keys;
mod ledger;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Place, ShardId};
use serde_json::json;

use case::{Case, Dice, Turn};
use host::{Host, Ring};
use keys::KEYS;

use crate::content::{self, Shape};
use crate::mapping::{START, Source};
use crate::world::World;
use crate::world::log::Stream;

/// How long a world may need to come to rest once it is calm.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

struct Play {
    world: World<Host>,
    ring: Ring,
    dice: Dice,
    case: Case,
    put: usize,
}

impl Play {
    fn new(case: &Case) -> Self {
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

    fn run(&mut self) {
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
        ledger.is_done() && ledger.windows_are_closed() && self.behind().is_empty()
    }

    /// Returns the shards whose checkpoint is not where it should be when all is settled.
    fn behind(&self) -> Vec<(ShardId, Option<Place>)> {
        let (stream, store) = (&self.world.stream, &self.world.store);
        let is_behind = |(shard, log): (&ShardId, &crate::world::log::Log)| {
            let place = store.get(shard).map(|kept| kept.checkpoint.place.clone());
            let last = self.world.surroundings.ledger.last_of(stream, shard);
            let arrived = match (&place, last) {
                (Some(Place::End), _) => true,
                (Some(Place::After(place)), Some(last)) => !log.closed && *place == last,
                (_, None) => !log.closed,
                _ => false,
            };
            (!arrived).then(|| (shard.clone(), place))
        };
        stream.shards.iter().filter_map(is_behind).collect()
    }
}

/// What a machine asked for.
type Trace = Rc<RefCell<Vec<String>>>;

/// Plays a case and checks what is left to check at the end.
fn check(case: &Case, trace: Option<Trace>) {
    let mut play = Play::new(case);
    play.world.trace = trace;
    play.run();
    let ledger = &play.world.surroundings.ledger;
    let unsettled = ledger.unsettled();
    assert!(unsettled.is_empty(), "never settled: {unsettled:#?}");
    assert!(ledger.windows_are_closed(), "a window is never ended");
    let behind = play.behind();
    assert!(behind.is_empty(), "checkpoints stay behind: {behind:?}");
    assert!(
        play.world.next().is_some(),
        "nothing wakes the mapping any more"
    );
}

/// Returns what goes wrong with a case.
fn fault(case: &Case, trace: Option<Trace>) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| check(case, trace))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default(),
    )
}

/// Looks for a simpler case that fails as well.
fn simplest(mut case: Case, mut text: String) -> (Case, String) {
    let mut tries = 0;
    'simpler: loop {
        for candidate in case.simpler() {
            tries += 1;
            if tries > 2_000 {
                break 'simpler;
            }
            if let Some(found) = fault(&candidate, None) {
                (case, text) = (candidate, found);
                continue 'simpler;
            }
        }
        break;
    }
    (case, text)
}

/// Returns the end of what the machine asked for.
fn last_of(case: &Case) -> String {
    let trace = Trace::default();
    let _ = fault(case, Some(trace.clone()));
    let trace = trace.borrow();
    let told: Vec<&String> = trace
        .iter()
        .filter(|line| !line.contains(" Fetch "))
        .collect();
    let lines = told[told.len().saturating_sub(50)..].iter();
    lines
        .map(|line| line.chars().take(400).chain(['\n']).collect::<String>())
        .collect()
}

thread_local! {
    /// Whether a panic of this thread is expected, and not to be printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Lets threads choose to panic without a word.
fn quietly_here() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !QUIET.get() {
            hook(panic);
        }
    }));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_record_is_settled_in_order_and_for_a_reason() {
    let only = number("LAMBDA_ESM_PROPERTY_SEED");
    let cases = number("LAMBDA_ESM_PROPERTY_CASES").unwrap_or(3_000);
    let (first, end) = only.map_or((0, cases), |seed| (seed, seed + 1));
    let next = AtomicU64::new(first);
    let failing = AtomicU64::new(u64::MAX);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    quietly_here();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                QUIET.set(true);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.min(failing.load(Ordering::Relaxed)) {
                        return;
                    }
                    if fault(&Case::draw(seed), None).is_some() {
                        failing.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let seed = failing.into_inner();
    let failure = (seed < u64::MAX).then(|| {
        QUIET.set(true);
        let case = Case::draw(seed);
        let text = fault(&case, None).unwrap_or_else(|| "nothing, the second time".to_owned());
        (text.clone(), simplest(case, text))
    });
    QUIET.set(false);
    if let Some((text, (case, simpler_text))) = failure {
        panic!(
            "{text}\nreplay with LAMBDA_ESM_PROPERTY_SEED={seed}\n\na simpler world: {case:#?}\n{}\n{simpler_text}",
            last_of(&case)
        );
    }
}

#[test]
fn the_same_world_twice_does_the_same() {
    for seed in 0..40 {
        let run = || {
            let mut play = Play::new(&Case::draw(seed));
            let trace = Trace::default();
            play.world.trace = Some(trace.clone());
            play.run();
            trace
        };
        assert!(run() == run(), "seed {seed}");
    }
}
