//! Shards that somebody assigns: acquired under an epoch, lost at any moment, and acquired again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::{DeliveryError, InvokeError, InvokeErrorKind, SourceError};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::{Checkpoint, ShardId, Start};
use serde_json::{Map, Value, json};

use crate::content::{self, Shape};
use crate::mapping::{START, Source, settings};
use crate::world::World;
use crate::world::around::{Answer, Happening, Keeping, Reading, Surroundings};
use crate::world::call::Call;
use crate::world::log::{Manners, Stream};

/// Everything takes its time, and the function may fail.
struct Slow {
    random: Random,
    function: Duration,
    others: Duration,
    /// How many of a hundred invocations fail.
    failing: u64,
}

impl Surroundings for Slow {
    fn invoke(&mut self, call: &Call) -> Answer {
        let fails = self.random.next_u64() % 100 < self.failing;
        Answer {
            after: Some(self.function),
            result: if fails {
                Err(InvokeError::new(InvokeErrorKind::Function, "planned"))
            } else {
                Ok(Bytes::from_static(b"null").into())
            },
            processed: if fails { 0 } else { call.records.len() },
            outcome: String::new(),
        }
    }

    fn deliver(&mut self, _: Timestamp) -> (Duration, Result<(), DeliveryError>) {
        (self.others, Ok(()))
    }

    fn commit(&mut self, _: Timestamp) -> Keeping {
        Keeping {
            after: self.others,
            kept: true,
            result: Ok(()),
        }
    }

    fn read(&mut self, _: Timestamp, _: Reading<'_>) -> (Duration, Result<(), SourceError>) {
        (self.others, Ok(()))
    }
}

fn shard() -> ShardId {
    ShardId::new("s1")
}

/// Returns a world of one shard with so many records, in which nothing is assigned yet.
fn world(seed: u64, records: usize, parameters: Value) -> (World<Slow>, Vec<Arc<str>>) {
    let mut map = Map::from_iter([
        ("StartingPosition".to_owned(), json!("TRIM_HORIZON")),
        ("BatchSize".to_owned(), json!(3)),
    ]);
    map.extend(parameters.as_object().cloned().unwrap_or_default());
    let mut config = settings(Source::Kinesis, Pacing::Eager, &map).unwrap();
    config.assigned = true;
    let mut stream = Stream::new(Manners::KINESIS);
    stream.add(shard(), Vec::new());
    let slow = Slow {
        random: Random::new(seed),
        function: Duration::from_millis(1_000),
        others: Duration::from_millis(100),
        failing: 0,
    };
    let mut world = World::new(config, stream, slow, seed, START);
    let put = |number: usize| {
        let content = content::of(
            Source::Kinesis,
            &(number % 5).to_string(),
            &Shape::named(""),
        );
        world.put(&shard(), START, content)
    };
    let sequences = (0..records).map(put).collect();
    world.start();
    (world, sequences)
}

fn run(world: &mut World<Slow>, millis: u64) {
    let end = world.now + Duration::from_millis(millis);
    world.advance(end, true);
}

/// Returns what of the shard was begun after `since`, in words.
fn deeds(world: &World<Slow>, since: usize) -> Vec<String> {
    let happenings = world.happenings[since..].iter();
    let deeds = happenings.filter_map(|(_, happening)| match happening {
        Happening::Open(..) => Some("open".to_owned()),
        Happening::Invoke(_) => Some("invoke".to_owned()),
        Happening::Deliver(..) => Some("deliver".to_owned()),
        Happening::Commit(..) => Some("commit".to_owned()),
        _ => None,
    });
    deeds.collect()
}

fn end(sequence: &Arc<str>) -> Option<Start> {
    Some(Start::After(sequence.clone()))
}

#[test]
fn a_shard_is_not_read_before_it_is_acquired() {
    let (mut world, sequences) = world(1, 3, json!({}));
    run(&mut world, 60_000);
    assert_eq!(deeds(&world, 0), [""; 0], "it is listed, and that is all");
    world.acquire(&shard(), 1);
    run(&mut world, 10_000);
    assert_eq!(deeds(&world, 0), ["open", "invoke", "commit"]);
    let kept = &world.store[&shard()].checkpoint;
    assert_eq!(kept.start, sequences.last().and_then(end));
}

#[test]
fn a_shard_may_be_acquired_before_it_is_listed() {
    let (mut world, _) = world(1, 3, json!({}));
    world.acquire(&shard(), 7);
    run(&mut world, 10_000);
    assert_eq!(deeds(&world, 0), ["open", "invoke", "commit"]);
}

/// Whatever it was at when it lost the shard (opening, fetching, invoking, waiting for a retry, telling the destination,
/// committing), nothing of it comes after that, though all answers arrive; and the next owner has it all.
#[test]
fn nothing_of_a_lost_shard_is_done_at_any_moment_of_its_life() {
    let destination = json!({
        "BatchSize": 3,
        "MaximumRetryAttempts": 1,
        "DestinationConfig":
            {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:failed"}},
    });
    let mut begun = BTreeSet::new();
    for millis in (0..8_000).step_by(50) {
        let (mut world, sequences) = world(1, 6, destination.clone());
        world.surroundings.failing = 100;
        world.acquire(&shard(), 1);
        run(&mut world, millis);
        begun.extend(deeds(&world, 0));
        world.lose(&shard(), 1);
        let since = world.happenings.len();
        run(&mut world, 60_000);
        assert_eq!(deeds(&world, since), [""; 0], "after {millis} ms");
        assert!(world.machine.is_idle(), "after {millis} ms");
        assert_eq!(world.machine.status().gathering, 0);

        world.surroundings.failing = 0;
        let kept = world.store.get(&shard());
        let settled = kept.and_then(|kept| match &kept.checkpoint.start {
            Some(Start::After(last)) => sequences.iter().position(|each| each == last),
            _ => None,
        });
        let calls = world.calls.len();
        world.acquire(&shard(), 2);
        run(&mut world, 60_000);
        let processed = world.calls[calls..].iter().flat_map(|call| &call.records);
        let expected = &sequences[settled.map_or(0, |index| index + 1)..];
        assert_eq!(
            processed.collect::<Vec<_>>(),
            expected.iter().collect::<Vec<_>>()
        );
        assert_eq!(
            world.store[&shard()].checkpoint.start,
            sequences.last().and_then(end)
        );
    }
    let all: Vec<&str> = begun.iter().map(String::as_str).collect();
    assert_eq!(
        all,
        ["commit", "deliver", "invoke", "open"],
        "lost at each of them"
    );
}

#[test]
fn what_another_owner_has_settled_is_not_read_again() {
    let (mut world, sequences) = world(1, 9, json!({}));
    world.acquire(&shard(), 1);
    run(&mut world, 500);
    world.lose(&shard(), 1);
    world.settle_elsewhere(&shard(), Checkpoint::at(Start::After(sequences[6].clone())));
    let calls = world.calls.len();
    world.acquire(&shard(), 2);
    run(&mut world, 10_000);
    let processed = world.calls[calls..].iter().flat_map(|call| &call.records);
    assert_eq!(
        processed.collect::<Vec<_>>(),
        sequences[7..].iter().collect::<Vec<_>>()
    );
}

#[test]
fn stale_assignments_change_nothing() {
    let (mut world, _) = world(1, 3, json!({}));
    world.acquire(&shard(), 5);
    run(&mut world, 500);
    let since = world.happenings.len();
    for epoch in [0, 4, 6] {
        world.lose(&shard(), epoch);
    }
    world.machine.handle(
        world.now,
        lambda_esm_core::stream::Input::Acquired {
            shard: shard(),
            epoch: 5,
            checkpoint: None,
        },
    );
    assert_eq!(world.machine.poll(), None, "it is owned already");
    run(&mut world, 10_000);
    assert_eq!(
        deeds(&world, since),
        ["commit"],
        "the batch under way goes on"
    );
    world.lose(&shard(), 5);
    world.epochs.insert(shard(), u64::MAX);
    let since = world.happenings.len();
    world.acquire(&shard(), 5);
    world.acquire(&shard(), 4);
    run(&mut world, 10_000);
    assert_eq!(deeds(&world, since), [""; 0], "it takes a new epoch");
}

#[test]
fn a_shard_that_begins_at_latest_has_a_durable_start_before_it_is_read() {
    let (mut world, _) = world(1, 3, json!({"StartingPosition": "LATEST"}));
    run(&mut world, 5_000);
    world.acquire(&shard(), 1);
    run(&mut world, 5_000);
    assert_eq!(
        deeds(&world, 0),
        ["commit", "open"],
        "nothing newer has come"
    );
    let at = |wanted: fn(&Happening) -> bool| {
        let mut happenings = world.happenings.iter();
        let found = happenings.find(|(_, happening)| wanted(happening));
        found.map(|&(at, _)| at).unwrap()
    };
    let commit = at(|happening| matches!(happening, Happening::Commit(..)));
    let open = at(|happening| matches!(happening, Happening::Open(..)));
    let answered = world.surroundings.others;
    assert_eq!(open.since(commit), answered, "once the store has answered");
}

/// Random moves between this process and another: nothing is lost, the order of each key holds, and a move repeats at
/// most one batch of each lane. The world refuses commits under another epoch than the last.
#[test]
fn owners_take_turns_and_nothing_is_lost() {
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let mut draw = |most: u64| random.next_u64() % most;
        let factor = 1 + draw(3);
        let parameters = json!({"ParallelizationFactor": factor});
        let (mut world, sequences) = world(seed, 60, parameters);
        world.surroundings.failing = draw(3) * 15;
        let (mut epoch, mut elsewhere, mut moves) = (0, BTreeSet::new(), 0);
        while moves < 8 {
            moves += 1;
            epoch += 1 + draw(2);
            world.acquire(&shard(), epoch);
            run(&mut world, draw(6_000));
            world.lose(&shard(), epoch);
            run(&mut world, draw(1_500));
            if draw(3) == 0 {
                let kept = world
                    .store
                    .get(&shard())
                    .map(|kept| kept.checkpoint.clone());
                let kept = kept.unwrap_or_else(|| Checkpoint::at(Start::TrimHorizon));
                let settled = match &kept.start {
                    Some(Start::After(last)) => {
                        1 + sequences.iter().position(|each| each == last).unwrap()
                    }
                    _ => 0,
                };
                let more = (settled + draw(4) as usize).min(sequences.len());
                if more > settled {
                    elsewhere.extend(sequences[settled..more].iter().cloned());
                    let start = end(&sequences[more - 1]);
                    // What lanes had settled beyond stays known.
                    world.settle_elsewhere(&shard(), Checkpoint { start, ..kept });
                }
            }
        }
        world.acquire(&shard(), epoch + 1);
        run(&mut world, 600_000);

        let kept = &world.store[&shard()].checkpoint;
        assert_eq!(kept.start, sequences.last().and_then(end), "seed {seed}");
        let calls = world.calls.iter().filter(|call| call.processed > 0);
        let processed: Vec<&Arc<str>> = calls.flat_map(|call| &call.records).collect();
        let known: BTreeSet<&Arc<str>> = processed.iter().copied().chain(&elsewhere).collect();
        assert_eq!(
            known.len(),
            sequences.len(),
            "seed {seed}: records are lost"
        );
        let repeats = processed.len() - processed.iter().collect::<BTreeSet<_>>().len();
        let most = moves * factor as usize * 3;
        assert!(repeats <= most, "seed {seed}: {repeats} repeats of {most}");
        for key in 0..5 {
            let of_key = |sequence: &Arc<str>| {
                sequences.iter().position(|each| each == sequence).unwrap() % 5 == key
            };
            let mut seen = BTreeSet::new();
            let firsts = processed
                .iter()
                .filter(|each| of_key(each) && seen.insert(**each));
            let firsts: Vec<usize> = firsts
                .map(|first| sequences.iter().position(|each| each == *first).unwrap())
                .collect();
            assert!(
                firsts.is_sorted(),
                "seed {seed}: key {key} out of order: {firsts:?}"
            );
        }
    }
}

/// A child that is here waits for its parent though that is another owner's by now.
#[test]
fn a_child_waits_for_a_parent_that_was_lost() {
    let (mut world, sequences) = world(1, 6, json!({}));
    let child = ShardId::new("s2");
    world
        .stream
        .reshard(&[shard()], std::slice::from_ref(&child));
    world.acquire(&shard(), 1);
    world.acquire(&child, 1);
    run(&mut world, 500);
    world.lose(&shard(), 1);
    let since = world.happenings.len();
    run(&mut world, 60_000);
    assert_eq!(deeds(&world, since), [""; 0], "its next owner is at work");

    let start = sequences.last().and_then(end);
    world.settle_elsewhere(
        &shard(),
        Checkpoint {
            start,
            ..Checkpoint::END
        },
    );
    world.acquire(&shard(), 2);
    world.lose(&shard(), 2);
    run(&mut world, 60_000);
    assert!(!deeds(&world, since).contains(&"commit".to_owned()));
    let opened = |world: &World<Slow>| {
        let mut happenings = world.happenings.iter();
        happenings.any(|(_, each)| matches!(each, Happening::Open(shard, _) if *shard == child))
    };
    assert!(!opened(&world), "its end is not durable");

    world.settle_elsewhere(&shard(), Checkpoint::END);
    world.acquire(&shard(), 3);
    assert!(opened(&world), "its end is durable");
}
