//! How much is read ahead of a function that does not answer.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{DeliveryError, SourceError};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::ShardId;

use crate::content::{self, Shape};
use crate::mapping::{START, Source, settings};
use crate::world::World;
use crate::world::around::{Answer, Keeping, Reading, Surroundings};
use crate::world::call::Call;
use crate::world::log::{Manners, Stream};

/// Lets everything succeed; the function answers if it `answers`.
struct Calm {
    answers: bool,
}

impl Surroundings for Calm {
    fn invoke(&mut self, call: &Call) -> Answer {
        Answer {
            after: self.answers.then_some(Duration::from_millis(10)),
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

    fn read(&mut self, _: Timestamp, _: Reading<'_>) -> (Duration, Result<(), SourceError>) {
        (Duration::from_millis(1), Ok(()))
    }
}

const SHARDS: usize = 50;
const RECORDS: usize = 100;
const BYTES: usize = 10_000;

fn world(answers: bool) -> World<Calm> {
    let mut config = settings(Source::Kinesis, Pacing::Aws, &Default::default()).unwrap();
    config.read_ahead = 2_000_000;
    let mut stream = Stream::new(Manners::KINESIS);
    let names = (0..SHARDS).map(|number| ShardId::new(format!("s{number}")));
    for shard in names.clone() {
        stream.add(shard, Vec::new());
    }
    let mut world = World::new(config, stream, Calm { answers }, 0, START);
    world.keeps_happenings = false;
    for shard in names {
        for number in 0..RECORDS {
            let shape = Shape {
                data: content::filler(Source::Kinesis, BYTES),
                ..Shape::named("")
            };
            let content = content::of(Source::Kinesis, &number.to_string(), &shape);
            world.put(&shard, START, content);
        }
    }
    world.start();
    world
}

#[test]
fn what_all_shards_read_ahead_together_is_bounded() {
    let mut world = world(false);
    let mut most = 0;
    for _ in 0..100 {
        world.advance(world.now + Duration::from_millis(100), true);
        most = most.max(world.machine.status().gathering * BYTES);
    }
    // The first page of each is one record, since their size is not known before; then what is left of its share.
    assert!(most > 1_000_000, "{most} bytes were read ahead");
    assert!(
        most <= 2_000_000 + SHARDS * BYTES,
        "{most} bytes were read ahead"
    );
}

#[test]
fn a_bound_on_reading_ahead_holds_nothing_back_for_ever() {
    let mut world = world(true);
    world.advance(START + Duration::from_secs(120), true);
    let processed: usize = world.calls.iter().map(|call| call.processed).sum();
    assert_eq!(processed, SHARDS * RECORDS);
}
