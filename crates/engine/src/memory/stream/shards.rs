//! All shards of a stream: which takes what, and how they follow one another.

use std::collections::BTreeMap;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamContent;
use md5::{Digest as _, Md5};

use super::iterator::Lineage;
use super::options::{MemoryStreamOptions, StreamKind};
use super::shard::{HashKeys, ShardLog};
use crate::ports::{Shard, ShardId};

/// Where a record was put.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// The shard.
    pub shard: ShardId,
    /// The record's place in it.
    pub sequence: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Shards {
    kind: StreamKind,
    generation: u64,
    created: Timestamp,
    /// How many shards were made in this generation.
    made: u64,
    /// By number, which is the order of their names.
    logs: BTreeMap<u64, ShardLog>,
    numbers: BTreeMap<ShardId, u64>,
    /// The open shards with their first hash keys, in ascending order.
    routes: Vec<(u128, u64)>,
}

impl Shards {
    /// Makes the shards of a new stream: they share the hash keys evenly.
    pub(super) fn new(options: &MemoryStreamOptions, generation: u64, now: Timestamp) -> Self {
        let mut shards = Self {
            kind: options.kind,
            generation,
            created: now,
            made: 0,
            logs: BTreeMap::new(),
            numbers: BTreeMap::new(),
            routes: Vec::new(),
        };
        let number = match options.kind {
            StreamKind::DocumentDb => 1,
            _ => options.shards.max(1) as u128,
        };
        // 2^128 / number, which is 0 for one shard: its width is not needed.
        let whole = u128::MAX % number == number - 1;
        let width = (u128::MAX / number).wrapping_add(u128::from(whole));
        for n in 0..number {
            let last = if n + 1 == number {
                u128::MAX
            } else {
                (n + 1) * width - 1
            };
            shards.add((n * width, last), Vec::new(), now);
        }
        shards
    }

    /// Returns the successor of this stream under the same name.
    pub(super) fn recreated(&self, options: &MemoryStreamOptions, now: Timestamp) -> Self {
        Self::new(options, self.generation + 1, now)
    }

    pub(super) fn identity(&self) -> String {
        match self.generation {
            0 => self.created.millis().to_string(),
            generation => format!("{}-{generation}", self.created.millis()),
        }
    }

    /// Returns a shard without what is too old; `None` if there is no such shard.
    pub(super) fn shard(
        &mut self,
        id: &ShardId,
        options: &MemoryStreamOptions,
        now: Timestamp,
    ) -> Option<&ShardLog> {
        let log = self.log(id)?;
        log.trim(now, options.retention);
        (!log.is_over(now, options.retention)).then_some(log)
    }

    pub(super) fn list(&mut self, options: &MemoryStreamOptions, now: Timestamp) -> Vec<Shard> {
        let numbers = &mut self.numbers;
        self.logs.retain(|_, log| {
            let is_over = log.is_over(now, options.retention);
            if is_over {
                numbers.remove(&log.id);
            }
            !is_over
        });
        for log in self.logs.values_mut() {
            log.trim(now, options.retention);
        }
        self.logs
            .values()
            .map(|log| log.listed(self.kind))
            .collect()
    }

    /// Returns the shards that follow `log`, where the service names them.
    pub(super) fn children(&self, log: &ShardLog) -> Vec<Shard> {
        if self.kind != StreamKind::Kinesis {
            return Vec::new();
        }
        let children = log.children.iter();
        let children = children.filter_map(|id| self.get(id));
        children.map(|child| child.listed(self.kind)).collect()
    }

    pub(super) fn drop_before(&mut self, id: &ShardId, index: u64) {
        if let Some(log) = self.log(id) {
            log.drop_before(index);
        }
    }

    /// Returns a shard as it is.
    pub(super) fn get(&self, id: &ShardId) -> Option<&ShardLog> {
        self.logs.get(self.numbers.get(id)?)
    }

    fn log(&mut self, id: &ShardId) -> Option<&mut ShardLog> {
        self.logs.get_mut(self.numbers.get(id)?)
    }

    /// Puts a record into the shard that takes `hash_key`, or else the digest of its key. Returns the shard, and the record's
    /// index in it.
    pub(super) fn put(
        &mut self,
        mut content: StreamContent,
        hash_key: Option<u128>,
        options: &MemoryStreamOptions,
        now: Timestamp,
    ) -> Result<(&ShardLog, u64), SourceError> {
        let key = match (&content, self.kind) {
            (StreamContent::Kinesis(record), StreamKind::Kinesis) => &*record.partition_key,
            (StreamContent::DynamoDb(record), StreamKind::DynamoDb) => &*record.keys,
            (StreamContent::Change(_), StreamKind::DocumentDb) => "",
            _ => return Err(refuse("the record is not of the stream's kind")),
        };
        let hash_key = hash_key.unwrap_or_else(|| hash(key));
        let after = self.routes.partition_point(|(first, _)| *first <= hash_key);
        let route = after.checked_sub(1).and_then(|at| self.routes.get(at));
        let log = route.and_then(|(_, number)| self.logs.get_mut(number));
        let log = log.ok_or_else(|| refuse("no open shard takes the record"))?;
        log.trim(now, options.retention);
        if let StreamContent::DynamoDb(record) = &mut content
            && record.event_id.is_empty()
        {
            let sequence = log.lineage.sequence(self.kind, log.end());
            record.event_id = format!("{:032x}", hash(&sequence));
        }
        let index = log.push(options.arrival(now), content);
        Ok((log, index))
    }

    /// Closes a shard; `at` is the first hash key of the second of its two children, by default the
    /// middle.
    pub(super) fn split(
        &mut self,
        id: &ShardId,
        at: Option<u128>,
        now: Timestamp,
    ) -> Result<[ShardId; 2], SourceError> {
        if self.kind == StreamKind::DocumentDb {
            return Err(refuse("a change stream is not split"));
        }
        let (first, last) = self.open(id)?;
        let at = at.unwrap_or_else(|| first + (last - first).div_ceil(2));
        if at <= first || at > last {
            let text = format!("hash key {at} does not split {id}, which takes {first} to {last}");
            return Err(refuse(text));
        }
        self.close(id, now);
        let lower = self.add((first, at - 1), vec![id.clone()], now);
        let upper = self.add((at, last), vec![id.clone()], now);
        Ok([lower, upper])
    }

    /// Closes two adjacent shards; one child follows both.
    pub(super) fn merge(
        &mut self,
        one: &ShardId,
        other: &ShardId,
        now: Timestamp,
    ) -> Result<ShardId, SourceError> {
        if self.kind != StreamKind::Kinesis {
            return Err(refuse("only shards of a Kinesis stream are merged"));
        }
        let keys = [self.open(one)?, self.open(other)?];
        let (lower, upper) = (keys[0].min(keys[1]), keys[0].max(keys[1]));
        if lower.1.checked_add(1) != Some(upper.0) {
            return Err(refuse(format!("{one} and {other} are not adjacent")));
        }
        self.close(one, now);
        self.close(other, now);
        let parents = vec![one.clone(), other.clone()];
        Ok(self.add((lower.0, upper.1), parents, now))
    }

    /// Closes a shard; one child takes what it took.
    pub(super) fn roll(&mut self, id: &ShardId, now: Timestamp) -> Result<ShardId, SourceError> {
        if self.kind != StreamKind::DynamoDb {
            return Err(refuse("only shards of a DynamoDB stream roll over"));
        }
        let keys = self.open(id)?;
        self.close(id, now);
        Ok(self.add(keys, vec![id.clone()], now))
    }

    /// Returns the hash keys of a shard, if it is open.
    fn open(&self, id: &ShardId) -> Result<HashKeys, SourceError> {
        let log = self.get(id).ok_or_else(|| unknown(id))?;
        if log.closed.is_some() {
            return Err(refuse(format!("{id} is closed already")));
        }
        Ok(log.hash_keys)
    }

    fn close(&mut self, id: &ShardId, now: Timestamp) {
        if let Some(log) = self.log(id) {
            log.closed = Some(now);
            let number = log.lineage.number;
            self.routes.retain(|(_, open)| *open != number);
        }
    }

    fn add(&mut self, keys: HashKeys, parents: Vec<ShardId>, now: Timestamp) -> ShardId {
        let lineage = Lineage {
            generation: self.generation,
            number: self.made,
        };
        self.made += 1;
        let id = lineage.shard(self.kind, now);
        for parent in &parents {
            if let Some(log) = self.log(parent) {
                log.children.push(id.clone());
            }
        }
        let at = self.routes.partition_point(|(first, _)| *first < keys.0);
        self.routes.insert(at, (keys.0, lineage.number));
        self.numbers.insert(id.clone(), lineage.number);
        let log = ShardLog::new(id.clone(), lineage, parents, keys);
        self.logs.insert(lineage.number, log);
        id
    }
}

/// Returns the hash key of a key: its MD5 digest as a number (Kinesis API reference, `PutRecord`).
pub(super) fn hash(key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(key.as_bytes()).into())
}

fn refuse(text: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::Fatal, text)
}

pub(super) fn unknown(id: &ShardId) -> SourceError {
    let text = format!("the stream has no shard {id}");
    SourceError::new(SourceErrorKind::NotFound, text)
}
