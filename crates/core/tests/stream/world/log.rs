//! A stream as its service keeps it: shards, each an ordered log, with their lineage.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_core::stream::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts, compare_sequences,
};

use super::clock::SourceClock;

/// The most data in one page (Kinesis API reference, `GetRecords`: 10 MB).
const PAGE_BYTES: usize = 10 * 1024 * 1024;

/// What kind of source the stream plays.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) retention: Option<Duration>,
    pub(crate) fetch_limit: usize,
    pub(crate) base_interval: Duration,
    pub(crate) reads_per_second: Option<NonZeroU32>,
    pub(crate) enforces_quota: bool,
    pub(crate) longest_wait: Duration,
    /// Whether the end of a shard names the shards that follow it, and a page says how far it is behind.
    pub(crate) tells: bool,
    /// Whether a place can be found by time.
    pub(crate) looks_up_time: bool,
    pub(crate) clock: SourceClock,
}

impl Manners {
    pub(crate) const KINESIS: Self = Self {
        retention: None,
        fetch_limit: 10_000,
        base_interval: Duration::from_secs(1),
        reads_per_second: NonZeroU32::new(5),
        enforces_quota: false,
        longest_wait: Duration::ZERO,
        tells: true,
        looks_up_time: true,
        clock: SourceClock::EXACT,
    };

    pub(crate) const DYNAMODB: Self = Self {
        retention: None,
        fetch_limit: 1_000,
        base_interval: Duration::from_millis(250),
        reads_per_second: None,
        enforces_quota: false,
        longest_wait: Duration::ZERO,
        tells: false,
        looks_up_time: false,
        clock: SourceClock::EXACT,
    };
}

/// One shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) parents: Vec<ShardId>,
    pub(crate) closed: bool,
    /// Whether the stream has forgotten it.
    pub(crate) gone: bool,
    pub(crate) records: Vec<StreamRecord>,
    /// The first record that is still there.
    pub(crate) first: usize,
    pub(crate) hash_keys: Option<(u128, u128)>,
}

impl Log {
    fn after(&self, sequence: &str) -> usize {
        self.records
            .partition_point(|record| compare_sequences(&record.sequence, sequence).is_le())
    }
}

/// All shards.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) manners: Manners,
    pub(crate) shards: BTreeMap<ShardId, Log>,
    /// How often it was made anew.
    pub(crate) generation: u32,
    /// The shards ever added: each gets sequence numbers of its own.
    added: u64,
    next_sequence: BTreeMap<ShardId, u64>,
}

impl Stream {
    pub(crate) fn new(manners: Manners) -> Self {
        Self {
            manners,
            shards: BTreeMap::new(),
            generation: 0,
            added: 0,
            next_sequence: BTreeMap::new(),
        }
    }

    pub(crate) fn identity(&self) -> String {
        format!("made-{}", self.generation)
    }

    /// Adds a shard. The sequence numbers of the first begin with 98, so that numbers of different
    /// length follow soon.
    pub(crate) fn add(&mut self, id: ShardId, parents: Vec<ShardId>) {
        self.next_sequence
            .insert(id.clone(), 98 + self.added * 1_000_000);
        self.added += 1;
        let log = Log {
            parents,
            ..Log::default()
        };
        self.shards.insert(id, log);
    }

    pub(crate) fn put(
        &mut self,
        shard: &ShardId,
        arrival: Timestamp,
        content: StreamContent,
    ) -> Arc<str> {
        let next = self
            .next_sequence
            .get_mut(shard)
            .expect("a shard to put to");
        let sequence: Arc<str> = next.to_string().into();
        *next += 1;
        let log = self.shards.get_mut(shard).expect("a shard to put to");
        assert!(!log.closed, "shard {shard} is closed");
        let arrival = self.manners.clock.arrival(arrival);
        let record = StreamRecord::new(sequence.clone(), arrival, content);
        log.records.push(record);
        sequence
    }

    pub(crate) fn log(&mut self, shard: &ShardId) -> &mut Log {
        self.shards.get_mut(shard).expect("a shard of the stream")
    }

    /// Closes shards and lets others follow.
    pub(crate) fn reshard(&mut self, parents: &[ShardId], children: &[ShardId]) {
        for parent in parents {
            self.log(parent).closed = true;
        }
        for child in children {
            self.add(child.clone(), parents.to_vec());
        }
    }

    /// Deletes the stream and makes another of the same name, with the same shards in name only.
    pub(crate) fn recreate(&mut self) {
        self.generation += 1;
        let roots: Vec<ShardId> = self
            .shards
            .iter()
            .filter(|(_, log)| log.parents.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        self.shards.clear();
        for root in roots {
            self.add(root, Vec::new());
        }
    }

    fn shard(&self, id: &ShardId, log: &Log) -> Shard {
        Shard::new(id.clone())
            .with_parents(log.parents.clone())
            .with_closed(log.closed)
            .with_hash_keys(log.hash_keys)
    }

    pub(crate) fn listing(&self, now: Timestamp) -> Listing {
        let manners = &self.manners;
        let facts = StreamFacts::new(self.identity())
            .with_retention(manners.retention)
            .with_fetch_limit(manners.fetch_limit)
            .with_base_interval(manners.base_interval)
            .with_reads_per_second(manners.reads_per_second)
            .with_enforced_quota(manners.enforces_quota)
            .with_longest_wait(manners.longest_wait)
            .with_arrival_grain(manners.clock.claimed);
        let there = self.shards.iter().filter(|(_, log)| !log.gone);
        let shards = there.map(|(id, log)| self.shard(id, log)).collect();
        Listing::new(facts, shards).with_server_time(manners.clock.told(now))
    }

    fn known(&self, shard: &ShardId) -> Result<&Log, SourceError> {
        let log = self.shards.get(shard).filter(|log| !log.gone);
        log.ok_or_else(|| SourceError::new(SourceErrorKind::NotFound, "no such shard"))
    }

    pub(crate) fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let log = self.known(shard)?;
        let index = match from {
            Start::TrimHorizon => log.first,
            Start::Latest => log.records.len(),
            Start::Timestamp(_) if !self.manners.looks_up_time => log.first,
            Start::Timestamp(time) => {
                let found = log
                    .records
                    .iter()
                    .position(|record| record.arrival >= *time);
                found.unwrap_or(log.records.len()).max(log.first)
            }
            Start::After(sequence) => {
                let next = log.after(sequence);
                if log.first > 0 && next <= log.first {
                    return Err(trimmed());
                }
                next
            }
            other => unreachable!("{other}"),
        };
        Ok(self.position(shard, index))
    }

    fn position(&self, shard: &ShardId, index: usize) -> Cursor {
        Cursor(format!("{}|{shard}|{index}", self.generation))
    }

    /// Returns what a fetch at this moment finds.
    pub(crate) fn fetch(
        &self,
        request: &FetchRequest,
        now: Timestamp,
    ) -> Result<Page, SourceError> {
        let mut parts = request.cursor.0.split('|');
        if parts.next() != Some(&self.generation.to_string()) {
            return Err(SourceError::new(
                SourceErrorKind::NotFound,
                "of a deleted stream",
            ));
        }
        assert_eq!(
            parts.next(),
            Some(request.shard.as_str()),
            "the shard of a cursor"
        );
        let start: usize = parts
            .next()
            .and_then(|index| index.parse().ok())
            .expect("an index");
        let log = self.known(&request.shard)?;
        if start < log.first {
            return Err(trimmed());
        }
        let mut bytes = 0;
        let records: Vec<StreamRecord> = log.records[start..]
            .iter()
            .take(request.limit)
            .take_while(|record| {
                let first = bytes == 0;
                bytes += record.content.size();
                first || bytes <= PAGE_BYTES
            })
            .cloned()
            .collect();
        let end = start + records.len();
        let unread = log.records.get(end);
        let over = log.closed && unread.is_none();
        let named = over && self.manners.tells;
        let behind = || unread.map_or(Duration::ZERO, |record| self.behind(record, now));
        let page = Page::new(records, (!over).then(|| self.position(&request.shard, end)));
        Ok(page
            .with_behind(self.manners.tells.then(behind))
            .with_children(if named {
                self.children(&request.shard)
            } else {
                Vec::new()
            }))
    }

    fn children(&self, parent: &ShardId) -> Vec<Shard> {
        let children = self.shards.iter();
        let children = children.filter(|(_, log)| log.parents.contains(parent));
        children.map(|(id, log)| self.shard(id, log)).collect()
    }

    /// Returns how far a page is behind that ends before `record`: zero only if there is none.
    fn behind(&self, record: &StreamRecord, now: Timestamp) -> Duration {
        let age = self.manners.clock.shows(now).since(record.arrival);
        age.max(Duration::from_millis(1))
    }

    /// Tells whether a fetch would return something other than an empty page of an open shard.
    pub(crate) fn answers(&self, request: &FetchRequest, now: Timestamp) -> bool {
        self.fetch(request, now)
            .map_or(true, |page| !page.records.is_empty() || page.next.is_none())
    }
}

fn trimmed() -> SourceError {
    SourceError::new(SourceErrorKind::Trimmed, "older than the trim horizon")
}
