//! The stream itself: what producers, readers and tests do with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord, StreamContent};

use super::faults::{Fault, Faults, StreamCall};
use super::iterator::ShardIterator;
use super::options::{MemoryStreamOptions, StreamKind};
use super::shard::ShardLog;
use super::shards::{Placed, Shards, hash, unknown};
use crate::clock::Clock;
use crate::ports::{Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamSource};

/// A stream in memory with the behaviour of Kinesis, DynamoDB Streams or a change stream of DocumentDB: shards that are
/// split, merged and rolled over, sequence numbers, retention, positions that expire. Clones share the stream.
#[derive(Clone, Debug)]
pub struct MemoryStream {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    options: MemoryStreamOptions,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    shards: Shards,
    faults: Faults,
}

impl MemoryStream {
    /// Returns a stream without records. `clock` is its own: the one of arrival times and retention. It need
    /// not be the engine's.
    #[must_use]
    pub fn new(clock: Clock, options: MemoryStreamOptions) -> Self {
        let inner = Mutex::new(Inner {
            shards: Shards::new(&options, 0, clock.now()),
            faults: Faults::default(),
        });
        Self {
            shared: Arc::new(Shared {
                clock,
                options,
                inner,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on the shards, with the time.
    fn with<T>(&self, act: impl FnOnce(&mut Shards, &MemoryStreamOptions, Timestamp) -> T) -> T {
        let mut inner = self.lock();
        // The time is asked for under the lock, so that arrival times never run backwards.
        let now = self.shared.clock.now();
        act(&mut inner.shards, &self.shared.options, now)
    }

    /// Puts a record into the shard that takes the MD5 digest of its partition key.
    ///
    /// # Errors
    /// Fails if this is no Kinesis stream.
    pub fn put(
        &self,
        partition_key: impl Into<Arc<str>>,
        data: impl Into<Bytes>,
    ) -> Result<Placed, SourceError> {
        self.put_record(kinesis(partition_key, data))
    }

    /// Puts a record into the shard that takes `hash_key` (Kinesis API reference, `ExplicitHashKey`).
    ///
    /// # Errors
    /// Fails if this is no Kinesis stream.
    pub fn put_at(
        &self,
        hash_key: u128,
        partition_key: impl Into<Arc<str>>,
        data: impl Into<Bytes>,
    ) -> Result<Placed, SourceError> {
        let record = kinesis(partition_key, data);
        self.put_one(record, Some(hash_key))
    }

    /// Puts the record of a change into the shard that has the item. An empty event ID is replaced by one
    /// that is unique.
    ///
    /// # Errors
    /// Fails if this is no DynamoDB stream.
    pub fn put_change(&self, change: DynamoDbRecord) -> Result<Placed, SourceError> {
        self.put_record(StreamContent::DynamoDb(Box::new(change)))
    }

    /// Puts a change of a database, as Extended JSON: one object, which is not looked at.
    ///
    /// # Errors
    /// Fails if this is no change stream.
    pub fn put_document_change(&self, change: impl Into<String>) -> Result<Placed, SourceError> {
        self.put_record(StreamContent::Change(change.into()))
    }

    /// Puts a record into the shard that its key belongs to.
    ///
    /// # Errors
    /// Fails if the record is not of the stream's kind.
    pub fn put_record(&self, record: StreamContent) -> Result<Placed, SourceError> {
        self.put_one(record, None)
    }

    fn put_one(
        &self,
        record: StreamContent,
        hash_key: Option<u128>,
    ) -> Result<Placed, SourceError> {
        self.with(|shards, options, now| {
            let (log, index) = shards.put(record, hash_key, options, now)?;
            Ok(Placed {
                shard: log.id.clone(),
                sequence: log.lineage.sequence(options.kind, index),
            })
        })
    }

    /// Puts many records at one time, in their order.
    ///
    /// # Errors
    /// Fails at the first record that is not of the stream's kind; those before it are in the stream.
    pub fn put_many(
        &self,
        records: impl IntoIterator<Item = StreamContent>,
    ) -> Result<(), SourceError> {
        self.with(|shards, options, now| {
            records
                .into_iter()
                .try_for_each(|record| shards.put(record, None, options, now).map(drop))
        })
    }

    /// Puts records as of the time that stands before each, in ascending order and none after now: for records that were not
    /// put into the stream when they came. A hash key beside it decides about the shard in place of the record's own key;
    /// `placed` is told which shard takes each, by its number, which is how many were made before it, and the record's time.
    ///
    /// # Errors
    /// Fails at the first record that is not of the stream's kind; those before it are in the stream.
    pub fn put_many_at(
        &self,
        records: impl IntoIterator<Item = (Timestamp, Option<u128>, StreamContent)>,
        mut placed: impl FnMut(u64, Timestamp),
    ) -> Result<(), SourceError> {
        self.with(|shards, options, now| {
            records
                .into_iter()
                .try_for_each(|(time, hash_key, record)| {
                    let time = time.min(now);
                    let (log, _) = shards.put(record, hash_key, options, time)?;
                    placed(log.lineage.number, time);
                    Ok(())
                })
        })
    }

    /// Returns the hash key of a partition key: its MD5 digest as a number (Kinesis API reference, `PutRecord`).
    #[must_use]
    pub fn hash_key(partition_key: &str) -> u128 {
        hash(partition_key)
    }

    /// Drops the records of a shard before its `index`-th, 0 being its first, as if their retention had ended.
    pub fn drop_before(&self, shard: &ShardId, index: u64) {
        self.with(|shards, _, _| shards.drop_before(shard, index));
    }

    /// Splits an open shard in two. `at` is the first hash key of the second child; without it, each
    /// takes half.
    ///
    /// # Errors
    /// Fails if the shard is not open, or `at` leaves one of the children without hash keys.
    pub fn split(&self, shard: &ShardId, at: Option<u128>) -> Result<[ShardId; 2], SourceError> {
        self.with(|shards, _, now| shards.split(shard, at, now))
    }

    /// Merges two open shards with adjacent hash keys into one.
    ///
    /// # Errors
    /// Fails if they are not, or if this is no Kinesis stream.
    pub fn merge(&self, one: &ShardId, other: &ShardId) -> Result<ShardId, SourceError> {
        self.with(|shards, _, now| shards.merge(one, other, now))
    }

    /// Closes an open shard, and has one child go on in its place, as DynamoDB does every few hours.
    ///
    /// # Errors
    /// Fails if the shard is not open, or if this is no DynamoDB stream.
    pub fn roll(&self, shard: &ShardId) -> Result<ShardId, SourceError> {
        self.with(|shards, _, now| shards.roll(shard, now))
    }

    /// Deletes the stream and creates it anew under the same name: another identity, new shards, no
    /// records.
    pub fn recreate(&self) {
        self.with(|shards, options, now| *shards = shards.recreated(options, now));
    }

    /// Returns all shards that [`list`](StreamSource::list) would show, the oldest first.
    #[must_use]
    pub fn shards(&self) -> Vec<Shard> {
        self.with(Shards::list)
    }

    /// Has the next `times` calls of a kind fail, after those that are to fail already.
    pub fn fail_next(&self, call: StreamCall, times: usize, kind: SourceErrorKind) {
        let fault = Fault::Error(kind);
        self.lock().faults.add(call, times, fault);
    }

    /// Has the next `times` fetches find nothing, although there may be records: Kinesis does so now and
    /// then (developer guide, "`GetRecords` returns an empty records array").
    pub fn answer_empty(&self, times: usize) {
        let fault = Fault::EmptyPage;
        self.lock().faults.add(StreamCall::Fetch, times, fault);
    }

    /// Returns how often the stream was called, failed calls included.
    #[must_use]
    pub fn calls(&self, call: StreamCall) -> u64 {
        self.lock().faults.made(call)
    }
}

fn kinesis(partition_key: impl Into<Arc<str>>, data: impl Into<Bytes>) -> StreamContent {
    StreamContent::Kinesis(KinesisRecord::new(partition_key, data))
}

#[async_trait]
impl StreamSource for MemoryStream {
    async fn list(&self) -> Result<Listing, SourceError> {
        let mut inner = self.lock();
        inner.faults.meet(StreamCall::List)?;
        let (options, now) = (&self.shared.options, self.shared.clock.now());
        let shards = inner.shards.list(options, now);
        let facts = options.facts(inner.shards.identity());
        drop(inner);
        let server_time = options.tells_time.then_some(now);
        Ok(Listing::new(facts, shards).with_server_time(server_time))
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let mut inner = self.lock();
        inner.faults.meet(StreamCall::Open)?;
        let (options, now) = (&self.shared.options, self.shared.clock.now());
        let log = inner.shards.shard(shard, options, now);
        let log = log.ok_or_else(|| unknown(shard))?;
        let iterator = ShardIterator {
            lineage: log.lineage,
            index: start(log, from, options.kind)?,
            issued: now,
        };
        drop(inner);
        Ok(iterator.cursor())
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let mut inner = self.lock();
        let empty = inner.faults.meet(StreamCall::Fetch)?;
        let (options, now) = (&self.shared.options, self.shared.clock.now());
        let iterator = ShardIterator::parse(&request.cursor).ok_or_else(|| {
            let text = format!("cursor {:?} is not one of this stream", request.cursor.0);
            SourceError::new(SourceErrorKind::Fatal, text)
        })?;
        let log = inner.shards.shard(&request.shard, options, now);
        let log = log.ok_or_else(|| unknown(&request.shard))?;
        check(&iterator, log, options, now)?;
        let limit = request.limit.min(options.fetch_limit);
        let records = if empty {
            Vec::new()
        } else {
            log.read(options.kind, iterator.index, limit, options.fetch_bytes)
        };
        let index = iterator.index + records.len() as u64;
        let ended = log.closed.is_some() && index == log.end();
        let behind = (options.kind == StreamKind::Kinesis).then(|| behind(log, index, now));
        let children = inner.shards.get(&request.shard).filter(|_| ended);
        let children = children.map_or_else(Vec::new, |log| inner.shards.children(log));
        drop(inner);
        let next = ShardIterator {
            index,
            issued: now,
            ..iterator
        };
        let next = (!ended).then(|| next.cursor());
        Ok(Page::new(records, next)
            .with_behind(behind)
            .with_children(children))
    }
}

/// Returns the index of the first record to read.
fn start(log: &ShardLog, from: &Start, kind: StreamKind) -> Result<u64, SourceError> {
    match from {
        Start::TrimHorizon => Ok(log.first()),
        Start::Latest => Ok(log.end()),
        Start::Timestamp(time) if kind != StreamKind::DynamoDb => Ok(log.since(*time)),
        // DynamoDB looks up no times.
        Start::Timestamp(_) => Ok(log.first()),
        Start::After(sequence) => {
            let index = log.lineage.index(kind, sequence);
            let index = index.filter(|index| *index < log.end()).ok_or_else(|| {
                let text = format!("sequence number {sequence} is not one of {}", log.id);
                SourceError::new(SourceErrorKind::Fatal, text)
            })?;
            if index + 1 < log.first() {
                return Err(trimmed(log));
            }
            Ok(index + 1)
        }
        other => {
            let text = format!("a stream in memory cannot begin with {other}");
            Err(SourceError::new(SourceErrorKind::Fatal, text))
        }
    }
}

/// Checks that a cursor is still good.
fn check(
    iterator: &ShardIterator,
    log: &ShardLog,
    options: &MemoryStreamOptions,
    now: Timestamp,
) -> Result<(), SourceError> {
    if iterator.lineage.generation != log.lineage.generation {
        let text = "the cursor is one of the stream that was here before";
        return Err(SourceError::new(SourceErrorKind::Expired, text));
    }
    if iterator.lineage != log.lineage {
        let text = format!("the cursor is not one of {}", log.id);
        return Err(SourceError::new(SourceErrorKind::Fatal, text));
    }
    if now.since(iterator.issued) >= options.iterator_lifetime {
        let text = format!(
            "the cursor is older than {} s",
            options.iterator_lifetime.as_secs()
        );
        return Err(SourceError::new(SourceErrorKind::Expired, text));
    }
    if iterator.index < log.first() {
        return Err(trimmed(log));
    }
    Ok(())
}

fn trimmed(log: &ShardLog) -> SourceError {
    let text = format!("the records asked for are no longer in {}", log.id);
    SourceError::new(SourceErrorKind::Trimmed, text)
}

/// Returns how long the record at `index` has waited: zero only if there is none.
fn behind(log: &ShardLog, index: u64, now: Timestamp) -> Duration {
    log.arrival(index).map_or(Duration::ZERO, |arrival| {
        now.since(arrival).max(Duration::from_millis(1))
    })
}
