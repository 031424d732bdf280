//! A stream of one shard that keeps everything.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm::async_trait::async_trait;
use lambda_esm::bytes::Bytes;
use lambda_esm::fault::{SourceError, SourceErrorKind};
use lambda_esm::ports::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts, StreamSource,
};
use lambda_esm::record::{KinesisRecord, StreamContent, StreamRecord};
use lambda_esm::uuid::Uuid;
use lambda_esm::{Clock, Timestamp};

const SHARD: &str = "shardId-000000000000";

pub(crate) struct Stream {
    clock: Clock,
    /// A stream made anew under the same name has another one.
    identity: Uuid,
    records: Mutex<Vec<StreamRecord>>,
}

impl Stream {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            identity: Uuid::new_v4(),
            records: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StreamRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, key: String, data: Bytes) {
        let mut records = self.lock();
        let sequence = format!("{:020}", records.len() + 1);
        let content = StreamContent::Kinesis(KinesisRecord::new(key, data));
        records.push(StreamRecord::new(sequence, self.clock.now(), content));
    }
}

fn fault(kind: SourceErrorKind, text: &str) -> SourceError {
    SourceError::new(kind, text)
}

fn check(shard: &ShardId) -> Result<(), SourceError> {
    if shard.as_str() == SHARD {
        return Ok(());
    }
    Err(fault(SourceErrorKind::NotFound, "the stream has one shard"))
}

/// Returns how long a record has been there: at least a millisecond.
fn age(record: &StreamRecord, now: Timestamp) -> Duration {
    now.since(record.arrival).max(Duration::from_millis(1))
}

#[async_trait]
impl StreamSource for Stream {
    async fn list(&self) -> Result<Listing, SourceError> {
        let shard = Shard::new(ShardId::new(SHARD)).with_hash_keys(Some((0, u128::MAX)));
        let facts = StreamFacts::new(self.identity);
        Ok(Listing::new(facts, vec![shard]).with_server_time(Some(self.clock.now())))
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        check(shard)?;
        let records = self.lock();
        let index = match from {
            Start::TrimHorizon => 0,
            Start::Latest => records.len(),
            Start::Timestamp(time) => records.partition_point(|record| record.arrival < *time),
            // The first record has number 1.
            Start::After(sequence) => {
                let number = sequence
                    .parse()
                    .ok()
                    .filter(|number| *number <= records.len());
                number.ok_or_else(|| fault(SourceErrorKind::Fatal, "no such sequence number"))?
            }
            other => {
                return Err(fault(
                    SourceErrorKind::Fatal,
                    &format!("not supported: {other}"),
                ));
            }
        };
        Ok(Cursor(index.to_string()))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        check(&request.shard)?;
        let records = self.lock();
        let index: Option<usize> = request.cursor.0.parse().ok();
        let index = index.filter(|index| *index <= records.len());
        let index = index.ok_or_else(|| fault(SourceErrorKind::Fatal, "no such cursor"))?;
        let page: Vec<_> = records
            .iter()
            .skip(index)
            .take(request.limit)
            .cloned()
            .collect();
        let next = index + page.len();
        let now = self.clock.now();
        let behind = records
            .get(next)
            .map_or(Duration::ZERO, |record| age(record, now));
        Ok(Page::new(page, Some(Cursor(next.to_string()))).with_behind(Some(behind)))
    }
}
