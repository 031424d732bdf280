//! Partition keys by lane. Which lane a key belongs to is the machine's own choice; scenarios only say
//! which records share one. So keys are found by trying them out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lambda_esm_core::record::StreamContent;
use lambda_esm_core::stream::{ShardId, StreamConfig};

use super::model::{Scenario, StreamSpec};
use super::script::Script;
use super::text::Span;
use crate::content;
use crate::mapping::{START, Source};
use crate::world::World;
use crate::world::log::{Manners, Stream};

/// How many keys of each lane scenarios can name.
const KEYS_PER_LANE: usize = 3;

type Found = HashMap<(usize, bool), Vec<Vec<String>>>;
static FOUND: Mutex<Option<Found>> = Mutex::new(None);

/// Returns the key that a scenario calls `name`: `2` for the first of the second lane, `2b` and `2c` for
/// others of the same lane. Other names are keys themselves.
pub(crate) fn key(config: &StreamConfig, source: Source, name: &str) -> String {
    if config.factor() == 1 {
        return name.to_owned();
    }
    let digits = name.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let other = match &name[digits.len()..] {
        "" => 0,
        "b" => 1,
        "c" => 2,
        _ => return name.to_owned(),
    };
    let Some(lane) = digits.parse::<usize>().ok().filter(|&lane| lane > 0) else {
        return name.to_owned();
    };
    assert!(
        lane <= config.factor(),
        "lane {lane} of {}",
        config.factor()
    );
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let index = (config.factor(), source == Source::DynamoDb);
    let found = found.get_or_insert_default();
    let lanes = found.entry(index).or_insert_with(|| find(config, source));
    lanes[lane - 1][other].clone()
}

/// Sorts candidate keys by lane.
fn find(config: &StreamConfig, source: Source) -> Vec<Vec<String>> {
    let candidates: Vec<String> = (0..400).map(|n| format!("key-{n}")).collect();
    // With every call left unanswered, the first key of each lane is on its way, and no other.
    let mut lanes: Vec<Vec<String>> = begun(config, source, &candidates)
        .into_iter()
        .map(|key| vec![key])
        .collect();
    assert_eq!(lanes.len(), config.factor(), "too few keys for every lane");
    for candidate in candidates {
        if lanes.iter().all(|lane| lane.len() >= KEYS_PER_LANE) {
            break;
        }
        if lanes.iter().any(|lane| lane[0] == candidate) {
            continue;
        }
        let blocked = |lane: &&mut Vec<String>| {
            lane.len() < KEYS_PER_LANE
                && begun(config, source, &[lane[0].clone(), candidate.clone()]).len() == 1
        };
        if let Some(lane) = lanes.iter_mut().find(blocked) {
            lane.push(candidate);
        }
    }
    lanes
}

/// Returns the keys of the calls that begin when one record per key is put and no call is answered.
fn begun(config: &StreamConfig, source: Source, keys: &[String]) -> Vec<String> {
    let mut config = config.clone();
    config.limits.count = 1;
    config.limits.window = std::time::Duration::ZERO;
    config.filters = None;
    let manners = match source {
        Source::DynamoDb => Manners::DYNAMODB,
        Source::Kinesis | Source::Consumer => Manners::KINESIS,
    };
    let mut stream = Stream::new(manners);
    let shard = ShardId::new("s0");
    stream.add(shard.clone(), Vec::new());
    let scenario = Scenario::silent(source, StreamSpec::default());
    let mut world = World::new(config, stream, Script::new(&scenario, false), 0, START);
    for key in keys {
        let content: StreamContent = content::of(source, key, &content::Shape::named(key));
        let sequence: Arc<str> = world.put(&shard, START, content);
        world.surroundings.names.insert(sequence, key.clone());
    }
    world.start();
    world.advance(Span(5_000).at(), true);
    let firsts = world
        .calls
        .iter()
        .map(|call| world.surroundings.names[&call.records[0]].clone());
    firsts.collect()
}
