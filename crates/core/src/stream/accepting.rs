//! What becomes of the records that were read: passed over, filtered, or gathered in their lane.

use std::cmp::Ordering;
use std::hash::Hasher as _;
use std::sync::Arc;

use lambda_esm_filter::{Mismatch, Record, Scratch};

use super::checkpoint::compare_sequences;
use super::config::{StreamConfig, StreamEncoder};
use super::lane::{Closed, Item};
use super::port::{ShardId, Start};
use super::shard::{Context, Shard};
use super::window;
use crate::batching::{CloseReason, Oversized};
use crate::decision::Decision;
use crate::event::RECORDS;
use crate::kpl;
use crate::on_failure_record::Condition;
use crate::record::{KinesisRecord, StreamContent, StreamRecord, Unreadable};
use crate::time::Timestamp;

/// What the filter and the encoder work with, kept from record to record.
#[derive(Debug, Default)]
pub(super) struct Desk {
    scratch: Scratch,
    metadata: Vec<u8>,
    /// The `dynamodb` object of the record in hand.
    change: Vec<u8>,
    /// How many records of the page were filtered out, and the last of them.
    skipped: usize,
    last_skipped: Option<Arc<str>>,
}

impl Shard {
    /// Takes the records of a page in their order.
    pub(super) fn accept(&mut self, ctx: &mut Context<'_>, records: Vec<StreamRecord>) {
        let Some(last) = records.last() else { return };
        let (last, arrival) = (last.sequence.clone(), last.arrival);
        for record in &records {
            ctx.clock.see(record.arrival);
        }
        let records = self.pass_over(ctx, records);
        self.reader.resume = Start::After(last);
        self.reader.reached = self.reader.reached.max(Some(arrival));
        let mut desk = Desk::default();
        for record in records {
            self.ledger.read(&record.sequence);
            match self.parts(ctx.config, &record) {
                Some(parts) => {
                    for part in parts {
                        self.take(ctx, &mut desk, part);
                    }
                }
                None => self.take(ctx, &mut desk, record),
            }
        }
        if let Some(last) = desk.last_skipped {
            ctx.report(Decision::Skipped {
                shard: self.id.clone(),
                records: desk.skipped,
                sequence_number: last.to_string(),
                because: String::new(),
            });
        }
    }

    /// Returns the records of a page that are to be processed: not those that were read before, nor those that
    /// arrived before the time at which reading was to begin.
    fn pass_over(
        &mut self,
        ctx: &mut Context<'_>,
        mut records: Vec<StreamRecord>,
    ) -> Vec<StreamRecord> {
        if let Some(known) = &self.reader.known {
            let is_new = |record: &StreamRecord| compare_sequences(&record.sequence, known).is_gt();
            let first = records.iter().position(is_new);
            if first.is_some() {
                self.reader.known = None;
            }
            records.drain(..first.unwrap_or(records.len()));
        }
        let Some(since) = self.reader.since else {
            return records;
        };
        let begin = ctx.clock.cut(since);
        let first = records.iter().position(|record| record.arrival >= begin);
        let late = records.split_off(first.unwrap_or(records.len()));
        self.reader.passed += records.len();
        if let Some(last) = records.pop() {
            self.reader.resume = Start::After(last.sequence);
        }
        if first.is_some() {
            // From here on the beginning is a place in the shard, and no longer a time.
            if let Start::After(last) = &self.reader.resume {
                self.ledger.read(last);
            }
            self.tell_passed_over(ctx);
            self.reader.since = None;
        }
        late
    }

    /// Tells of the records that were passed over, once there are no more for now.
    pub(super) fn tell_passed_over(&mut self, ctx: &mut Context<'_>) {
        let records = std::mem::take(&mut self.reader.passed);
        if let (Some(since), Start::After(last)) = (self.reader.since, &self.reader.resume)
            && records > 0
        {
            ctx.report(Decision::PassedOver {
                shard: self.id.clone(),
                records,
                sequence_number: last.to_string(),
                since_ms: ctx.clock.cut(since).millis(),
            });
        }
    }

    /// Returns the user records of an aggregated record. Those whose key does not belong to the shard are
    /// left out (Lambda developer guide, "Using Lambda with Kinesis": they are dropped silently).
    fn parts(&self, config: &StreamConfig, record: &StreamRecord) -> Option<Vec<StreamRecord>> {
        let StreamContent::Kinesis(kinesis) = &record.content else {
            return None;
        };
        if !config.deaggregate {
            return None;
        }
        let users = kpl::deaggregate(&kinesis.data)?;
        let (first, last) = self.hash_keys.unwrap_or((0, u128::MAX));
        let belongs = |user: &kpl::UserRecord| (first..=last).contains(&user.hash_key);
        let records = users.into_iter().filter(belongs).map(|user| StreamRecord {
            sequence: record.sequence.clone(),
            arrival: record.arrival,
            content: StreamContent::Kinesis(KinesisRecord {
                partition_key: user.partition_key,
                data: user.data,
            }),
        });
        Some(records.collect())
    }

    fn take(&mut self, ctx: &mut Context<'_>, desk: &mut Desk, record: StreamRecord) {
        let lane = lane_of(&record.content, self.lanes.len());
        if self.was_settled(lane, &record.sequence) {
            return;
        }
        if let StreamContent::Unreadable(unreadable) = &record.content {
            return self.give_up_unread(ctx, lane, &record, unreadable);
        }
        self.cut_at_window(ctx.config, lane, record.arrival);
        if !passes(ctx.config, desk, &self.id, &record) {
            return self.skipped(ctx, desk, record);
        }
        self.gather(ctx, desk, lane, &record);
    }

    /// Tells of a record that no filter lets pass: at once in detail, else with all of its page.
    fn skipped(&self, ctx: &mut Context<'_>, desk: &mut Desk, record: StreamRecord) {
        if !ctx.config.detail {
            desk.skipped += 1;
            desk.last_skipped = Some(record.sequence);
            return;
        }
        ctx.report(Decision::Skipped {
            shard: self.id.clone(),
            records: 1,
            because: explain(ctx.config, &self.id, &record),
            sequence_number: record.sequence.to_string(),
        });
    }

    /// Tells whether the record was settled before a restart, though others before it were not.
    fn was_settled(&self, lane: usize, sequence: &str) -> bool {
        let settled = self.reader.settled.get(lane).and_then(Option::as_ref);
        settled.is_some_and(|last| compare_sequences(sequence, last) != Ordering::Greater)
    }

    /// Closes the open batch if the next record belongs to another window, though it may be one that no
    /// filter lets pass.
    fn cut_at_window(&mut self, config: &StreamConfig, lane: usize, arrival: Timestamp) {
        let Some(length) = config.tumbling() else {
            return;
        };
        let opens = self.window.gather(window::start_of(arrival, length));
        if opens && let Some(batch) = self.lanes[lane].batcher.close(CloseReason::TumblingWindow) {
            let window = self.window.before;
            self.lanes[lane].ready.push_back(Closed { batch, window });
        }
    }

    /// Gives up a record that its source could not make sense of. A bucket keeps it as it came.
    fn give_up_unread(
        &mut self,
        ctx: &mut Context<'_>,
        lane: usize,
        record: &StreamRecord,
        unreadable: &Unreadable,
    ) {
        let item = self.item(lane, record);
        let event = [RECORDS.prefix, unreadable.json.as_bytes(), RECORDS.suffix].concat();
        let because = format!("it cannot be read: {}", unreadable.because);
        let condition = Condition::RecordUnreadable;
        self.discard_unseen(ctx, lane, item, condition, &event, because);
    }

    /// Takes note of a record that is not to be passed over.
    fn item(&mut self, lane: usize, record: &StreamRecord) -> Item {
        let (sequence, size) = (record.sequence.clone(), size(&record.content));
        Item {
            ordinal: self.ledger.gather(sequence.clone(), size, lane),
            sequence,
            arrival: record.arrival,
        }
    }

    /// Adds a record to the open batch of its lane.
    fn gather(
        &mut self,
        ctx: &mut Context<'_>,
        desk: &mut Desk,
        lane: usize,
        record: &StreamRecord,
    ) {
        let item = self.item(lane, record);
        self.lanes[lane].batcher.forget_empty_window(ctx.now);
        let (encoder, id) = (&ctx.config.encoder, &self.id);
        let change: &[u8] = &desk.change;
        let pushed = self.lanes[lane].batcher.push(ctx.now, item, |_, out| {
            encoder.write(out, id, record, change);
        });
        match pushed {
            Ok(Some(batch)) => {
                let window = self.window.gathering;
                self.lanes[lane].ready.push_back(Closed { batch, window });
            }
            Ok(None) => {}
            Err(Oversized { item, bytes }) => {
                let mut event = RECORDS.prefix.to_vec();
                encoder.write(&mut event, id, record, change);
                event.extend_from_slice(RECORDS.suffix);
                let condition = Condition::MaximumPayloadSizeExceeded;
                let because = format!("its event alone is {bytes} bytes");
                self.discard_unseen(ctx, lane, item, condition, &event, because);
            }
        }
    }
}

/// Returns the lane of a record: the same one for the same key.
fn lane_of(content: &StreamContent, lanes: usize) -> usize {
    if lanes <= 1 {
        return 0;
    }
    let key = match content {
        StreamContent::Kinesis(record) => record.partition_key.as_bytes(),
        StreamContent::DynamoDb(record) => record.keys.as_bytes(),
        StreamContent::Unreadable(_) => return 0,
    };
    // Not the standard library's random hash: the lane is part of what a restart relies on.
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(key);
    (hasher.finish() % lanes as u64) as usize
}

/// The FNV-1a hash.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The low bits of FNV are weak for short keys that differ at the end only.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

pub(super) fn size(content: &StreamContent) -> usize {
    match content {
        StreamContent::Kinesis(record) => record.data.len() + record.partition_key.len(),
        StreamContent::DynamoDb(record) => {
            let images = [&record.new_image, &record.old_image];
            let images = images.into_iter().flatten().map(String::len);
            record.keys.len() + images.sum::<usize>()
        }
        StreamContent::Unreadable(record) => record.json.len(),
    }
}

impl StreamEncoder {
    const fn data_key(&self) -> &'static str {
        match self {
            Self::Kinesis(_) => "data",
            Self::DynamoDb(_) => "dynamodb",
        }
    }

    /// Appends the event fragment of a record. `change` is its `dynamodb` object, if it has one.
    fn write(&self, out: &mut Vec<u8>, shard: &ShardId, record: &StreamRecord, change: &[u8]) {
        match (self, &record.content) {
            (Self::Kinesis(encoder), StreamContent::Kinesis(kinesis)) => {
                encoder.write(out, shard, &record.sequence, record.arrival, kinesis);
            }
            (Self::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) => {
                encoder.write(out, dynamodb, change);
            }
            // A source that yields another kind of record than its mapping says.
            _ => out.extend_from_slice(b"null"),
        }
    }

    fn write_metadata(&self, out: &mut Vec<u8>, shard: &ShardId, record: &StreamRecord) {
        match (self, &record.content) {
            (Self::Kinesis(encoder), StreamContent::Kinesis(kinesis)) => {
                encoder.write_metadata(out, shard, &record.sequence, record.arrival, kinesis);
            }
            (Self::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) => {
                encoder.write_metadata(out, dynamodb);
            }
            _ => out.extend_from_slice(b"{}"),
        }
    }
}

/// Writes the record's `dynamodb` object, if it has one, and returns whether the filters let it pass.
fn passes(config: &StreamConfig, desk: &mut Desk, shard: &ShardId, record: &StreamRecord) -> bool {
    desk.change.clear();
    if let (StreamEncoder::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) =
        (&config.encoder, &record.content)
    {
        encoder.write_change(&mut desk.change, &record.sequence, record.arrival, dynamodb);
    }
    let Some(filters) = &config.filters else {
        return true;
    };
    let needed = filters.needs_metadata(config.encoder.data_key());
    desk.metadata.clear();
    if needed {
        config
            .encoder
            .write_metadata(&mut desk.metadata, shard, record);
    }
    let metadata: &[&[u8]] = if needed { &[&desk.metadata] } else { &[] };
    let seen = Record {
        data_key: config.encoder.data_key(),
        data: data(record, &desk.change),
        metadata,
        on_mismatch: Mismatch::Drop,
    };
    filters.matches_record(&seen, &mut desk.scratch).is_some()
}

fn data<'a>(record: &'a StreamRecord, change: &'a [u8]) -> &'a [u8] {
    match &record.content {
        StreamContent::Kinesis(kinesis) => &kinesis.data,
        StreamContent::DynamoDb(_) | StreamContent::Unreadable(_) => change,
    }
}

/// Returns why a record passes no filter, in words.
fn explain(config: &StreamConfig, shard: &ShardId, record: &StreamRecord) -> String {
    let Some(filters) = &config.filters else {
        return String::new();
    };
    let (mut metadata, mut change) = (Vec::new(), Vec::new());
    config.encoder.write_metadata(&mut metadata, shard, record);
    if let (StreamEncoder::DynamoDb(encoder), StreamContent::DynamoDb(dynamodb)) =
        (&config.encoder, &record.content)
    {
        encoder.write_change(&mut change, &record.sequence, record.arrival, dynamodb);
    }
    let explanation = filters.explain_record(&Record {
        data_key: config.encoder.data_key(),
        data: data(record, &change),
        metadata: &[&metadata],
        on_mismatch: Mismatch::Drop,
    });
    let explanation = explanation.to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}
