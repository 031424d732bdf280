//! What the function and the destination get to see, read from the bytes that they are sent.

use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::on_failure_record::FailureRecord;
use lambda_esm_core::stream::ShardId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Tells records apart: a record's sequence number, and for a part of an aggregated one, which share theirs,
/// the partition key after a slash.
pub(crate) type Label = Arc<str>;

/// Returns the label of a part of an aggregated record.
pub(crate) fn part(sequence: &str, key: &str) -> Label {
    format!("{sequence}/{key}").into()
}

/// Returns the sequence number of a labelled record.
pub(crate) fn sequence(label: &str) -> &str {
    label.split('/').next().unwrap_or(label)
}

/// One call of the function.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// 1 for the first call in this world.
    pub(crate) number: usize,
    pub(crate) at: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) batch: BatchId,
    pub(crate) attempt: u32,
    pub(crate) shard: ShardId,
    /// The labels of the records.
    pub(crate) records: Vec<Label>,
    /// What a tumbling window adds.
    pub(crate) window: Option<Window>,
    /// How many records, from the first one on, the function processes.
    pub(crate) processed: usize,
    /// How it ends, in a word; empty for success.
    pub(crate) outcome: String,
    pub(crate) bytes: usize,
}

/// The part of an event that a tumbling window adds.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) state: Box<RawValue>,
    pub(crate) is_final: bool,
    pub(crate) early: bool,
}

impl Window {
    pub(crate) fn start(&self) -> Timestamp {
        time(&self.start)
    }

    pub(crate) fn end(&self) -> Timestamp {
        time(&self.end)
    }
}

fn time(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().expect("a time");
    Timestamp(time.as_millisecond())
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<EventRecord<'a>>,
    window: Option<EventWindow>,
    state: Option<Box<RawValue>>,
    #[serde(rename = "shardId")]
    shard: Option<String>,
    #[serde(rename = "isFinalInvokeForWindow")]
    is_final: Option<bool>,
    #[serde(rename = "isWindowTerminatedEarly")]
    early: Option<bool>,
}

#[derive(Deserialize)]
struct EventWindow {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct EventRecord<'a> {
    #[serde(borrow)]
    kinesis: Option<KinesisPart<'a>>,
    #[serde(borrow)]
    dynamodb: Option<DynamoDbPart<'a>>,
}

#[derive(Deserialize)]
struct KinesisPart<'a> {
    #[serde(rename = "sequenceNumber")]
    sequence: &'a str,
    #[serde(rename = "partitionKey")]
    key: &'a str,
}

#[derive(Deserialize)]
struct DynamoDbPart<'a> {
    #[serde(rename = "SequenceNumber")]
    sequence: &'a str,
}

/// What an event says: its records, its window, and its shard where it names one.
pub(crate) struct Seen {
    pub(crate) records: Vec<Label>,
    pub(crate) window: Option<Window>,
    pub(crate) shard: Option<ShardId>,
}

/// Reads an event; `is_whole` tells whether a sequence number is that of one record.
pub(crate) fn read_event(payload: &[u8], is_whole: impl Fn(&str) -> bool) -> Seen {
    let event: Event<'_> = serde_json::from_slice(payload).unwrap_or_else(|error| {
        panic!("{error} in the event {}", String::from_utf8_lossy(payload));
    });
    let label = |record: &EventRecord<'_>| -> Label {
        match (&record.kinesis, &record.dynamodb) {
            (Some(kinesis), _) if !is_whole(kinesis.sequence) => {
                part(kinesis.sequence, kinesis.key)
            }
            (Some(kinesis), _) => kinesis.sequence.into(),
            (None, Some(dynamodb)) => dynamodb.sequence.into(),
            (None, None) => panic!("a record of neither kind"),
        }
    };
    let window = event.window.map(|window| Window {
        start: window.start,
        end: window.end,
        state: event.state.expect("a window with a state"),
        is_final: event.is_final.expect("isFinalInvokeForWindow"),
        early: event.early.expect("isWindowTerminatedEarly"),
    });
    Seen {
        records: event.records.iter().map(label).collect(),
        window,
        shard: event.shard.map(ShardId::new),
    }
}

/// The record of a discarded batch.
#[derive(Clone, Debug)]
pub(crate) struct Discard {
    pub(crate) condition: String,
    pub(crate) invokes: u64,
    /// `None` where there is no response context.
    pub(crate) response: Option<Value>,
    pub(crate) shard: ShardId,
    pub(crate) first: Arc<str>,
    pub(crate) last: Arc<str>,
    pub(crate) size: usize,
    pub(crate) whole: Value,
}

/// Reads a failure record; in `whole` it has its object's key, if it has one, as `objectKey`.
pub(crate) fn read_discard(record: &FailureRecord) -> Discard {
    let mut whole: Value = serde_json::from_slice(&record.body).expect("a failure record in JSON");
    if !record.object_key.is_empty() {
        whole["objectKey"] = record.object_key.clone().into();
    }
    let info = ["KinesisBatchInfo", "DDBStreamBatchInfo"]
        .iter()
        .find_map(|name| whole.get(name))
        .expect("batch info in a failure record");
    let text = |name: &str| info[name].as_str().expect(name).to_owned();
    let request = &whole["requestContext"];
    Discard {
        condition: request["condition"]
            .as_str()
            .expect("a condition")
            .to_owned(),
        invokes: request["approximateInvokeCount"]
            .as_u64()
            .expect("an invoke count"),
        response: whole.get("responseContext").cloned(),
        shard: ShardId::new(text("shardId")),
        first: text("startSequenceNumber").into(),
        last: text("endSequenceNumber").into(),
        size: usize::try_from(info["batchSize"].as_u64().expect("batchSize")).unwrap(),
        whole,
    }
}
