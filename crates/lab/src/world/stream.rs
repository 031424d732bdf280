//! A stream of Kinesis, of a table of DynamoDB, or of the changes of a database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{DynamoDbRecord, KinesisRecord, StreamContent};
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};

use super::intake::Intake;
use super::names::lane_of;
use super::shard_time::ShardTime;
use crate::arrivals::Arrival;
use crate::recorder::{RecordId, SourceType};

/// A stream, and what arrives in it.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(super) intake: Arc<Intake>,
    pub(super) stream: MemoryStream,
    kind: StreamKind,
    shards: Arc<Mutex<Shards>>,
}

/// The shards that records were put into, by number.
#[derive(Debug, Default)]
struct Shards {
    /// How many records each has had.
    lengths: Vec<u64>,
    time: ShardTime,
}

impl Stream {
    pub(super) fn new(intake: Arc<Intake>, options: MemoryStreamOptions) -> Self {
        Self {
            kind: options.kind,
            stream: MemoryStream::new(intake.clock, options),
            intake,
            shards: Arc::default(),
        }
    }

    pub(super) fn fill(&self) {
        self.intake.fill(|due| {
            let mut places = Vec::with_capacity(due.likely());
            let mut shards = self.lock();
            let lengths = &mut shards.lengths;
            let records = due.map(|(time, arrival)| {
                let hash_key = (self.kind == StreamKind::Kinesis).then_some(arrival.key.hash);
                (time, hash_key, content(self.kind, arrival))
            });
            let put = self.stream.put_many_at(records, |shard, time| {
                let lane = u32::try_from(shard).unwrap_or_default();
                let at = lane as usize;
                if lengths.len() <= at {
                    lengths.resize(at + 1, 0);
                }
                let index = lengths[at];
                places.push((RecordId { lane, index }, time));
                lengths[at] += 1;
            });
            // All of them are of the stream's kind.
            drop(put);
            places
        });
    }

    const fn kind(&self) -> SourceType {
        match self.kind {
            StreamKind::DynamoDb => SourceType::DynamoDb,
            StreamKind::DocumentDb => SourceType::DocumentDb,
            _ => SourceType::Kinesis,
        }
    }

    /// The number of open shards may have changed.
    pub(super) fn count_shards(&self) {
        let now = self.intake.clock.now();
        let open = self.stream.shards();
        let open = open.iter().filter(|shard| !shard.closed).count();
        self.lock().time.set(now, open);
    }

    /// Returns how many shards were open for how long since they were counted first: shards times hours.
    pub(super) fn shard_hours(&self) -> f64 {
        self.lock().time.hours(self.intake.clock.now())
    }

    fn lock(&self) -> MutexGuard<'_, Shards> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what was settled the time before that this was called: a mapping may still have to look up the place.
    pub(super) fn forget_settled(&self) {
        let settled: BTreeMap<u32, u64> = self.intake.settled_before().into_iter().collect();
        if settled.is_empty() {
            return;
        }
        for shard in self.stream.shards() {
            let lane = lane_of(self.kind(), shard.id.as_str());
            if let Some(index) = lane.and_then(|lane| settled.get(&lane)) {
                self.stream.drop_before(&shard.id, *index);
            }
        }
    }
}

fn content(kind: StreamKind, arrival: Arrival) -> StreamContent {
    let text = || String::from_utf8_lossy(&arrival.payload).into_owned();
    match kind {
        StreamKind::DynamoDb => {
            let keys = format!("{{\"id\":{{\"S\":{}}}}}", quoted(&arrival.key.name));
            let record = DynamoDbRecord::new("", "INSERT", keys)
                .with_new_image(Some(image(&arrival, text())))
                .with_size_bytes(arrival.payload.len() as u64)
                .with_stream_view_type("NEW_AND_OLD_IMAGES".into());
            StreamContent::DynamoDb(Box::new(record))
        }
        StreamKind::DocumentDb => {
            let number = arrival.number;
            let key = quoted(&arrival.key.name);
            StreamContent::Change(format!(
                "{{\"_id\":{{\"_data\":\"8200000000{number:020}\"}},\"operationType\":\"insert\",\
                 \"documentKey\":{{\"_id\":{key}}},\"fullDocument\":{}}}",
                object(text())
            ))
        }
        _ => StreamContent::Kinesis(KinesisRecord::new(arrival.key.name, arrival.payload)),
    }
}

/// Returns the new image of an item: the payload, where that is one.
fn image(arrival: &Arrival, text: String) -> String {
    if is_filler(&text) {
        let (number, filler) = (arrival.number, "x".repeat(text.len()));
        let key = quoted(&arrival.key.name);
        return format!(
            "{{\"id\":{{\"S\":{key}}},\"n\":{{\"N\":\"{number}\"}},\"filler\":{{\"S\":\"{filler}\"}}}}"
        );
    }
    object(text)
}

fn is_filler(text: &str) -> bool {
    text.starts_with("{\"n\":")
}

/// Returns what is no object as the member of one.
fn object(text: String) -> String {
    if text.starts_with('{') {
        return text;
    }
    format!("{{\"payload\":{{\"S\":{}}}}}", quoted(&text))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[async_trait]
impl StreamSource for Stream {
    async fn list(&self) -> Result<Listing, SourceError> {
        self.intake.call("list")?;
        self.fill();
        self.stream.list().await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        self.intake.call("open")?;
        self.fill();
        self.stream.open(shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        self.intake.call("fetch")?;
        self.intake.take_call_time().await;
        self.fill();
        let page = self.stream.fetch(request).await?;
        if page.records.is_empty() {
            self.intake.found_nothing();
        }
        Ok(page)
    }
}
