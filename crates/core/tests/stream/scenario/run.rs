//! Plays a scenario.

use std::collections::HashMap;
use std::sync::Arc;

use lambda_esm_core::stream::{ShardId, StreamConfig};
use serde_json::{Map, Value};

use super::config::{config, manners};
use super::lanes;
use super::model::{Event, Half, Scenario, ShardSpec, Turn};
use super::script::Script;
use super::text::{Span, names};
use crate::content::{self, Shape};
use crate::mapping::{START, Source};
use crate::world::World;
use crate::world::call::{Label, sequence};
use crate::world::log::Stream;

/// How long a scenario lasts after its last event, unless it says when it ends.
const AFTERWARDS: i64 = 300_000;

/// A scenario that was played.
pub(crate) struct Played {
    pub(crate) world: World<Script>,
    /// The label of each record.
    pub(crate) sequences: HashMap<String, Label>,
    /// The records in the order in which they were put.
    pub(crate) order: Vec<String>,
}

enum Incident<'a> {
    Event(&'a Event),
    Turn(&'a Turn),
}

impl Incident<'_> {
    const fn at(&self) -> Span {
        match self {
            Self::Event(event) => event.at,
            Self::Turn(turn) => turn.at,
        }
    }
}

/// Plays a scenario to its end.
pub(crate) fn play(scenario: &Scenario) -> Result<Played, String> {
    let mut parameters = scenario.mapping.clone();
    let config = config(scenario, &parameters)?;
    let script = Script::new(scenario, config.report_batch_item_failures);
    let mut played = Played {
        world: World::new(config, stream(scenario), script, 0, START),
        sequences: HashMap::new(),
        order: Vec::new(),
    };
    played.world.concurrency = scenario.concurrency;
    played.world.keeps_payloads = scenario.expect.events.is_some();
    let mut incidents: Vec<Incident<'_>> =
        scenario.stream.events.iter().map(Incident::Event).collect();
    incidents.extend(scenario.life.iter().map(Incident::Turn));
    incidents.sort_by_key(Incident::at);
    let last = incidents
        .last()
        .map_or(0, |incident| incident.at().0.max(0));
    let mut started = false;
    for incident in incidents {
        let at = incident.at();
        if at.0 > 0 && !started {
            started = true;
            played.world.start();
        }
        played.world.advance(at.at().max(START), false);
        match incident {
            Incident::Event(event) => played.happen(scenario, event)?,
            Incident::Turn(turn) => played.turn(scenario, &mut parameters, turn)?,
        }
    }
    if !started {
        played.world.start();
    }
    let end = scenario.until.unwrap_or(Span(last + AFTERWARDS));
    played.world.advance(end.at(), true);
    Ok(played)
}

fn stream(scenario: &Scenario) -> Stream {
    let mut stream = Stream::new(manners(scenario));
    let one = ShardSpec {
        name: "s0".to_owned(),
        parents: Vec::new(),
        half: None,
    };
    let given = &scenario.stream.shards;
    let shards = if given.is_empty() {
        std::slice::from_ref(&one)
    } else {
        given
    };
    for shard in shards {
        let id = ShardId::new(shard.name.as_str());
        stream.add(id.clone(), ids(&shard.parents));
        let middle = u128::MAX / 2;
        stream.log(&id).hash_keys = shard.half.map(|half| match half {
            Half::Lower => (0, middle),
            Half::Upper => (middle + 1, u128::MAX),
        });
    }
    stream
}

fn ids(names: &[String]) -> Vec<ShardId> {
    names
        .iter()
        .map(|name| ShardId::new(name.as_str()))
        .collect()
}

fn words(text: Option<&String>) -> Vec<ShardId> {
    let words = text.into_iter().flat_map(|text| text.split_whitespace());
    words.map(ShardId::new).collect()
}

impl Played {
    fn happen(&mut self, scenario: &Scenario, event: &Event) -> Result<(), String> {
        let verbs = [
            event.put.is_some(),
            event.split.is_some(),
            event.merge.is_some(),
            event.close.is_some(),
            event.add.is_some(),
            event.trim.is_some(),
            event.forget.is_some(),
            event.recreate,
        ];
        if verbs.iter().filter(|&&given| given).count() != 1 {
            return Err(format!(
                "stream.events at {}: exactly one thing happens",
                event.at
            ));
        }
        match &event.put {
            Some(put) if event.aggregate => {
                self.put_aggregate(scenario, event, put);
                return Ok(());
            }
            Some(put) => return self.put(scenario, event, put),
            None => {}
        }
        let stream = &mut self.world.stream;
        for parents in [&event.split, &event.merge].into_iter().flatten() {
            stream.reshard(&words(Some(parents)), &words(event.into.as_ref()));
        }
        for shard in words(event.add.as_ref()) {
            stream.add(shard, Vec::new());
        }
        for shard in words(event.close.as_ref()) {
            stream.log(&shard).closed = true;
        }
        for shard in words(event.forget.as_ref()) {
            stream.log(&shard).gone = true;
        }
        if let Some(shard) = &event.trim {
            let through = event
                .through
                .as_ref()
                .ok_or("trim: through which record?")?;
            let last = self.sequences.get(through).ok_or("trim: no such record")?;
            let log = self.world.stream.log(&ShardId::new(shard.as_str()));
            let index = log
                .records
                .iter()
                .position(|record| record.sequence == *last);
            log.first = index.ok_or("trim: not in that shard")? + 1;
        }
        if event.recreate {
            self.world.recreate();
        }
        self.world.wake();
        Ok(())
    }

    fn put(&mut self, scenario: &Scenario, event: &Event, put: &str) -> Result<(), String> {
        let shard = ShardId::new(event.shard.as_deref().unwrap_or("s0"));
        let arrival = event.arrival.unwrap_or(event.at).at();
        let source = scenario.source;
        for word in names(put) {
            let (name, key) = word.split_once('@').unwrap_or((&word, &word));
            if self.sequences.contains_key(name) {
                return Err(format!("two records are called {name}"));
            }
            let key = lanes::key(&self.world.config, source, key);
            let mut shape = Shape::named(name);
            if let Some(data) = &event.data {
                shape.data.clone_from(data);
            }
            if let Some(bytes) = event.bytes {
                shape.data = content::filler(source, bytes);
            }
            if let Some(event_name) = &event.event_name {
                shape.event_name.clone_from(event_name);
            }
            let content = if event.unreadable {
                content::unreadable(name)
            } else {
                content::of(source, &key, &shape)
            };
            let label = self.world.put(&shard, arrival, content);
            self.call(name, label);
        }
        self.world.wake();
        Ok(())
    }

    /// Puts one aggregated record; its parts have the records' names, and them as keys unless they are given
    /// others.
    fn put_aggregate(&mut self, scenario: &Scenario, event: &Event, put: &str) {
        let shard = ShardId::new(event.shard.as_deref().unwrap_or("s0"));
        let words = names(put);
        let split = |word: &String| {
            let (name, key) = word.split_once('@').unwrap_or((word, word));
            (
                name.to_owned(),
                lanes::key(&self.world.config, Source::Consumer, key),
            )
        };
        let (names, keys): (Vec<String>, Vec<String>) = words.iter().map(split).unzip();
        let content = content::aggregate(&names, &keys);
        let arrival = event.arrival.unwrap_or(event.at).at();
        if scenario.source != Source::Consumer {
            // Nobody takes it apart: it is one record.
            let label = self.world.put(&shard, arrival, content);
            self.call(&names[0], label);
            return;
        }
        let labels = self.world.put_aggregate(&shard, arrival, content, &keys);
        for (name, label) in names.iter().zip(labels) {
            self.call(name, label);
        }
        self.world.wake();
    }

    fn call(&mut self, name: &str, label: Label) {
        let names = &mut self.world.surroundings.names;
        // Checkpoints and failure records name a whole aggregated record: by its last part.
        names.insert(sequence(&label).into(), name.to_owned());
        names.insert(label.clone(), name.to_owned());
        self.sequences.insert(name.to_owned(), label);
        self.order.push(name.to_owned());
    }

    fn turn(
        &mut self,
        scenario: &Scenario,
        parameters: &mut Map<String, Value>,
        turn: &Turn,
    ) -> Result<(), String> {
        let mut changed: Option<StreamConfig> = None;
        if let Some(update) = &turn.update {
            parameters.extend(update.clone());
            changed = Some(config(scenario, parameters)?);
        }
        if let Some(step) = turn.set_clock {
            self.world.set_clock(step.duration());
            return Ok(());
        }
        match (turn.restart, turn.drain, changed) {
            (true, false, changed) => {
                if let Some(changed) = changed {
                    self.world.config = changed;
                }
                self.world.start();
            }
            (false, true, None) => self.world.drain(),
            (false, false, Some(changed)) => self.world.reconfigure(changed),
            _ => return Err(format!("life at {}: exactly one turn", turn.at)),
        }
        Ok(())
    }

    pub(crate) fn name(&self, sequence: &Arc<str>) -> &str {
        self.world
            .surroundings
            .names
            .get(sequence)
            .map_or("?", String::as_str)
    }

    /// Returns the records of a shard from one to another, by name.
    pub(crate) fn between(&self, shard: &ShardId, first: &Arc<str>, last: &Arc<str>) -> Vec<&str> {
        let Some(log) = self.world.stream.shards.get(shard) else {
            return Vec::new();
        };
        let from = log
            .records
            .iter()
            .position(|record| record.sequence == *first);
        let to = log
            .records
            .iter()
            .position(|record| record.sequence == *last);
        match (from, to) {
            (Some(from), Some(to)) if from <= to => log.records[from..=to]
                .iter()
                .map(|record| self.name(&record.sequence))
                .collect(),
            _ => vec!["?"],
        }
    }
}
