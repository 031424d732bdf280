//! The keys of random worlds, and which of them share a lane: found by trying it out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{DeliveryError, SourceError};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::ShardId;
use serde_json::{Map, json};
use std::time::Duration;

use crate::content::{self, Shape};
use crate::mapping::{START, Source, settings};
use crate::world::World;
use crate::world::around::{Answer, Keeping, Reading, Surroundings};
use crate::world::call::Call;
use crate::world::log::{Manners, Stream};

/// How many keys there are.
pub(crate) const KEYS: u64 = 16;

pub(crate) fn name(key: u64) -> String {
    format!("key-{key}")
}

type Lanes = Arc<HashMap<String, usize>>;
static FOUND: Mutex<Option<HashMap<(u64, bool), Lanes>>> = Mutex::new(None);

/// Returns a number for each key; keys with the same one share a lane.
pub(crate) fn lanes(factor: u64, source: Source) -> Lanes {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let index = (factor, source == Source::DynamoDb);
    let found = found.get_or_insert_default();
    found
        .entry(index)
        .or_insert_with(|| Arc::new(find(factor, source)))
        .clone()
}

/// A function that never answers.
struct Silence;

impl Surroundings for Silence {
    fn invoke(&mut self, call: &Call) -> Answer {
        Answer {
            after: None,
            result: Ok(bytes::Bytes::new().into()),
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
        (Duration::ZERO, Ok(()))
    }
}

/// Puts one record per key at once: each lane takes its own as one batch.
fn find(factor: u64, source: Source) -> HashMap<String, usize> {
    let mut parameters = Map::new();
    parameters.insert("ParallelizationFactor".to_owned(), json!(factor));
    let config = settings(source, Pacing::Aws, &parameters).unwrap();
    let mut stream = Stream::new(Manners::KINESIS);
    let shard = ShardId::new("s0");
    stream.add(shard.clone(), Vec::new());
    let mut world = World::new(config, stream, Silence, 0, START);
    let mut names = HashMap::new();
    for key in (0..KEYS).map(name) {
        let content = content::of(source, &key, &Shape::named(&key));
        names.insert(world.put(&shard, START, content), key);
    }
    world.start();
    let mut lanes = HashMap::new();
    for (lane, call) in world.calls_after(Duration::from_secs(3)).iter().enumerate() {
        lanes.extend(
            call.records
                .iter()
                .map(|record| (names[record].clone(), lane)),
        );
    }
    assert_eq!(lanes.len(), names.len(), "every key has a lane");
    lanes
}
