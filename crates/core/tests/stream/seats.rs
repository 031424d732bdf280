//! Streams of many shards: how many call the source at a time, whether each comes to its turn, and what that
//! costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{DeliveryError, SourceError, SourceErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::ShardId;
use serde_json::{Map, json};

use crate::content::{self, Shape};
use crate::mapping::{START, Source, settings};
use crate::world::World;
use crate::world::around::{Answer, Happening, Keeping, Reading, Surroundings};
use crate::world::call::Call;
use crate::world::log::{Manners, Stream};

/// A source that takes its time; everything succeeds, but for iterators that are too old.
struct Slow {
    latency: Duration,
    lifetime: Duration,
    /// When each shard's newest iterator was given out.
    issued: BTreeMap<ShardId, Timestamp>,
}

impl Slow {
    fn new(latency: Duration) -> Self {
        Self {
            latency,
            lifetime: Duration::MAX,
            issued: BTreeMap::new(),
        }
    }
}

impl Surroundings for Slow {
    fn invoke(&mut self, call: &Call) -> Answer {
        Answer {
            after: Some(Duration::ZERO),
            result: Ok(Bytes::from_static(b"null").into()),
            processed: call.records.len(),
            outcome: String::new(),
        }
    }

    fn deliver(&mut self, _: Timestamp) -> (Duration, Result<(), DeliveryError>) {
        (Duration::ZERO, Ok(()))
    }

    fn commit(&mut self, _: Timestamp) -> Keeping {
        Keeping {
            after: Duration::ZERO,
            kept: true,
            result: Ok(()),
        }
    }

    fn read(
        &mut self,
        now: Timestamp,
        reading: Reading<'_>,
    ) -> (Duration, Result<(), SourceError>) {
        let answered = now + self.latency;
        let result = match reading {
            Reading::List => Ok(()),
            Reading::Open(shard) => {
                self.issued.insert(shard.clone(), answered);
                Ok(())
            }
            Reading::Fetch(shard) if now.since(self.issued[shard]) > self.lifetime => {
                Err(SourceError::new(SourceErrorKind::Expired, "too old"))
            }
            Reading::Fetch(shard) => {
                self.issued.insert(shard.clone(), answered);
                Ok(())
            }
        };
        (self.latency, result)
    }
}

fn shard(number: usize) -> ShardId {
    ShardId::new(format!("s{number:05}"))
}

fn world(shards: usize, at_once: usize, slow: Slow, start: &str) -> World<Slow> {
    many(Manners::KINESIS, shards, at_once, slow, start)
}

fn many(manners: Manners, shards: usize, at_once: usize, slow: Slow, start: &str) -> World<Slow> {
    let parameters = Map::from_iter([("StartingPosition".to_owned(), json!(start))]);
    let mut config = settings(Source::Kinesis, Pacing::Aws, &parameters).unwrap();
    config.shards_at_once = at_once;
    let mut stream = Stream::new(manners);
    for number in 0..shards {
        stream.add(shard(number), Vec::new());
    }
    World::new(config, stream, slow, 0, START)
}

fn put(world: &mut World<Slow>, shard: &ShardId, records: usize) {
    for number in 0..records {
        let content = content::of(Source::Kinesis, &number.to_string(), &Shape::named(""));
        world.put(shard, START, content);
    }
}

fn processed(world: &World<Slow>) -> usize {
    world.calls.iter().map(|call| call.processed).sum()
}

/// Returns when each shard was fetched.
fn fetches(world: &World<Slow>) -> BTreeMap<ShardId, Vec<Timestamp>> {
    let mut fetches: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, happening) in &world.happenings {
        if let Happening::Fetch(shard, _) = happening {
            fetches.entry(shard.clone()).or_default().push(*at);
        }
    }
    fetches
}

#[test]
fn sixty_four_shards_call_the_source_at_a_time() {
    let at_once = lambda_esm_core::stream::SHARDS_AT_ONCE;
    let mut world = world(500, at_once, Slow::new(Duration::from_millis(50)), "LATEST");
    world.start();
    world.advance(START + Duration::from_secs(10), true);
    assert_eq!(world.most_reads(), 64);
    assert!(world.machine.has_begun());
    // 500 shards are 8 rounds of 50 ms, so each is read once a second.
    let fetches = fetches(&world);
    let least = fetches.values().map(Vec::len).min();
    assert_eq!(fetches.len(), 500);
    assert!(least >= Some(9), "{least:?}");
}

#[test]
fn five_hundred_and_twelve_shards_wait_for_what_is_pushed() {
    let pushing = Manners {
        longest_wait: Duration::from_secs(5),
        reads_per_second: None,
        base_interval: Duration::from_millis(50),
        ..Manners::KINESIS
    };
    let slow = Slow::new(Duration::from_millis(10));
    let mut world = many(pushing, 1_000, 64, slow, "LATEST");
    world.start();
    world.advance(START + Duration::from_secs(30), true);
    assert_eq!(world.most_reads(), 512);
    // While others wait for a seat nobody keeps it for more than a second.
    for (shard, fetches) in &fetches(&world) {
        let pauses = fetches.windows(2).map(|pair| pair[1].since(pair[0]));
        let longest = pauses.max().unwrap();
        assert!(longest <= Duration::from_secs(7), "{shard}: {longest:?}");
    }
}

#[test]
fn every_shard_comes_to_its_turn_and_those_with_records_are_not_held_up_by_those_without() {
    let latency = Duration::from_millis(100);
    let mut world = world(400, 4, Slow::new(latency), "TRIM_HORIZON");
    world.stream.manners.fetch_limit = 10;
    world.stream.manners.reads_per_second = None;
    let busy: Vec<ShardId> = (200..208).map(shard).collect();
    for shard in &busy {
        put(&mut world, shard, 4_000);
    }
    world.start();
    world.advance(START + Duration::from_secs(120), true);
    let fetches = fetches(&world);
    assert_eq!(fetches.len(), 400);
    for (shard, fetches) in &fetches {
        // From the first page on a busy one needs half of the seats, divided by eight.
        let (from, most) = if busy.contains(shard) {
            (fetches[0], Duration::from_millis(800))
        } else {
            // An opening and a page of all, with the other half of the seats.
            (START, Duration::from_secs(41))
        };
        let mut times = vec![from];
        times.extend(fetches);
        times.push(world.now);
        let pauses = times.windows(2).map(|pair| pair[1].since(pair[0]));
        let longest = pauses.max().unwrap();
        assert!(longest <= most, "{shard}: {longest:?}");
    }
}

#[test]
fn shards_are_read_though_their_iterators_expire_before_their_turn_comes() {
    let mut slow = Slow::new(Duration::from_secs(1));
    slow.lifetime = Duration::from_secs(300);
    let mut world = world(400, 1, slow, "TRIM_HORIZON");
    for number in 0..400 {
        put(&mut world, &shard(number), 1);
    }
    world.start();
    // An opening and a page of each take 800 s; and in the other line, a page after one with a record.
    world.advance(START + Duration::from_secs(1_210), true);
    assert_eq!(processed(&world), 400);
    for number in 0..400 {
        put(&mut world, &shard(number), 1);
    }
    // Now there is a page before them that is refused.
    world.advance(world.now + Duration::from_secs(1_610), true);
    assert_eq!(processed(&world), 800);
}

#[test]
fn a_page_that_names_more_children_than_a_split_makes_is_not_believed() {
    for (children, opened) in [(100, 101), (101, 1)] {
        let mut world = world(1, 64, quick(), "TRIM_HORIZON");
        let names: Vec<ShardId> = (1..=children).map(shard).collect();
        world.stream.reshard(&[shard(0)], &names);
        // No listing has them.
        for name in &names {
            world.stream.log(name).gone = true;
        }
        world.start();
        world.advance(START + Duration::from_secs(5), true);
        let opens = world.happenings.iter().filter_map(|(_, each)| match each {
            Happening::Open(shard, _) => Some(shard),
            _ => None,
        });
        let opens: BTreeSet<&ShardId> = opens.collect();
        assert_eq!(opens.len(), opened, "{children} children");
    }
}

fn quick() -> Slow {
    Slow::new(Duration::from_millis(1))
}

/// Makes a world of so many shards.
type Make = fn(usize) -> World<Slow>;

/// Returns how many shards the machine looked at to settle what a stream of `shards` shards holds.
fn visits(shards: usize, make: Make) -> u64 {
    let mut world = make(shards);
    world.keeps_happenings = false;
    world.start();
    world.advance(START + Duration::from_secs(30), true);
    assert!(world.machine.has_begun(), "{shards} shards");
    world.machine.visits()
}

#[test]
fn twice_as_many_shards_cost_twice_as_much() {
    let worlds: [(&str, Make); 4] = [
        ("open", |shards| world(shards, 64, quick(), "LATEST")),
        ("closed, with a child each", |shards| {
            let mut world = world(shards, 64, quick(), "TRIM_HORIZON");
            for number in 0..shards {
                let child = shard(100_000 + number);
                world.stream.reshard(&[shard(number)], &[child]);
            }
            world
        }),
        ("one with so many children", |shards| {
            let mut world = world(1, 64, quick(), "TRIM_HORIZON");
            let children: Vec<ShardId> = (1..=shards).map(shard).collect();
            world.stream.reshard(&[shard(0)], &children);
            world
        }),
        ("a ring", |shards| {
            let mut world = world(shards, 64, quick(), "TRIM_HORIZON");
            for number in 0..shards {
                let parent = shard((number + 1) % shards);
                world.stream.log(&shard(number)).parents.push(parent);
            }
            world
        }),
    ];
    for (name, make) in worlds {
        let (once, twice) = (visits(250, make), visits(500, make));
        assert!(twice <= 2 * once + 100, "{name}: {once}, then {twice}");
    }
}
