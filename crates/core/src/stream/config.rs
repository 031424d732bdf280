//! What a stream machine is told of its mapping.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_filter::Filters;
use uuid::Uuid;

use super::encoder::StreamEncoder;
use super::polling_slots::SHARDS_AT_ONCE;
use crate::backoff::Backoff;
use crate::batching::Limits;
use crate::event::EventDetail;
use crate::event::documentdb::DocumentDbEncoder;
use crate::event::dynamodb::DynamoDbEncoder;
use crate::event::kinesis::KinesisEncoder;
use crate::mapping::{
    Arn, AwsDestination, DocumentDbMapping, KafkaDestination, Lanes, Mapping, RetryPolicy, Source,
    StartingPosition, StreamSettings, StreamStart,
};
use crate::pacing::Pacing;

/// Settings of one stream mapping.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The mapping.
    pub mapping: Uuid,
    /// The function as failure records name it.
    pub function_arn: String,
    /// The version of the function that runs, as failure records name it where the backend does not tell.
    pub executed_version: String,
    /// The mapping's `EventSourceArn`.
    pub stream_arn: String,
    /// Where reading begins in the shards that are there when the mapping is made.
    pub start: StartingPosition,
    /// When a batch is full.
    pub limits: Limits,
    /// When a batching window begins.
    pub window_begins: WindowBegins,
    /// Parallel lanes per shard, or a tumbling window.
    pub lanes: Lanes,
    /// When failed records are tried again, split, or discarded.
    pub retry: RetryPolicy,
    /// The waits between tries of a batch that the function failed with.
    pub backoff: Backoff,
    /// Whether the function's response names the records that failed.
    pub report_batch_item_failures: bool,
    /// Where the records of discarded batches go; `None` for nowhere.
    pub on_failure: Option<KafkaDestination>,
    /// How closely poll rates follow the service.
    pub pacing: Pacing,
    /// Which records are delivered; `None` for all.
    pub filters: Option<Arc<Filters>>,
    /// How records become event fragments.
    pub encoder: StreamEncoder,
    /// Whether aggregated records are taken apart (Lambda developer guide, "Using Lambda with Kinesis":
    /// for enhanced fan-out consumers).
    pub deaggregate: bool,
    /// How much data may be read ahead of the function, in bytes: the shards share it. Each may go beyond its
    /// share by what one read brings.
    pub read_ahead: usize,
    /// How many shards call the source at a time, at least 1: [`SHARDS_AT_ONCE`]; eight times as many where records are
    /// pushed.
    pub shards_at_once: usize,
    /// Whether somebody assigns the shards: then one is read and processed only while it is
    /// [acquired](super::Input::Acquired). Otherwise the process owns all.
    pub assigned: bool,
    /// Whether records that the source dropped before they were read end the mapping, as they do that of a change stream
    /// (Lambda developer guide, "Using Lambda with Amazon DocumentDB"). Otherwise it goes on with the oldest one.
    pub halts_when_trimmed: bool,
    /// Whether decisions name the records they are about.
    pub detail: bool,
}

/// When a batching window begins; the first one with the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowBegins {
    /// When the invocation of the batch before has completed (Lambda developer guide, "Batching behavior").
    AfterInvocation,
    /// When the batch before is closed, as for the dedicated pollers of a topic.
    AfterBatch,
    /// With the batch's first record (Lambda developer guide, "Using Lambda with Amazon MQ"); DocumentDB likewise.
    WithFirstRecord,
}

/// The batching window where a mapping of a topic or of a broker's queue names none (Lambda API reference,
/// `MaximumBatchingWindowInSeconds`).
pub(super) const DEFAULT_WINDOW: Duration = Duration::from_millis(500);

/// How much data a mapping reads ahead: 256 MB. Lambda documents no bound.
pub const READ_AHEAD_BYTES: usize = 256 * 1024 * 1024;

/// What holds for all mappings of an engine.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The Region of the function.
    pub region: String,
    /// The account of the function, 12 digits.
    pub account_id: String,
    /// The role that the function runs as: `invokeIdentityArn` in Kinesis events.
    pub role_arn: String,
    /// How closely poll rates follow the service.
    pub pacing: Pacing,
    /// Whether decisions name the records they are about.
    pub detail: bool,
    /// How much is written of the events that functions are called with.
    pub event_detail: EventDetail,
}

impl StreamConfig {
    /// Returns the settings of `mapping`; `None` if its source is no stream.
    #[must_use]
    pub fn new(mapping: &Mapping, around: &Surroundings) -> Option<Self> {
        let rules = Rules::of(&mapping.source)?;
        let arn = rules.arn;
        let (text, region) = (arn.as_str(), arn.region());
        let encoder = match &mapping.source {
            Source::DocumentDb(_) => StreamEncoder::DocumentDb(DocumentDbEncoder::new(text)),
            Source::DynamoDb(_) => StreamEncoder::DynamoDb(DynamoDbEncoder::new(text, region)),
            _ => {
                let encoder = KinesisEncoder::new(text, region, &around.role_arn);
                StreamEncoder::Kinesis(encoder.with_detail(around.event_detail))
            }
        };
        let filters = mapping.filters.as_ref();
        Some(Self {
            mapping: mapping.uuid,
            function_arn: mapping.function.arn(&around.region, &around.account_id),
            executed_version: version(mapping.function.qualifier()),
            stream_arn: text.to_owned(),
            start: rules.start,
            limits: Limits {
                count: mapping.source.batch_size() as usize,
                window: mapping.source.window(),
            },
            window_begins: rules.window_begins,
            lanes: rules.lanes,
            retry: rules.retry,
            backoff: Backoff::STREAM,
            report_batch_item_failures: rules.report_batch_item_failures,
            on_failure: rules.on_failure.map(KafkaDestination::Aws),
            pacing: around.pacing,
            filters: filters.map(|filters| filters.compiled().clone()),
            encoder,
            deaggregate: rules.deaggregate,
            read_ahead: READ_AHEAD_BYTES,
            shards_at_once: SHARDS_AT_ONCE,
            assigned: false,
            halts_when_trimmed: rules.halts_when_trimmed,
            detail: around.detail,
        })
    }

    /// Returns the number of lanes per shard.
    #[must_use]
    pub const fn factor(&self) -> usize {
        self.lanes.parallelization_factor() as usize
    }

    /// Returns the length of the tumbling window, if there is one.
    #[must_use]
    pub const fn tumbling(&self) -> Option<Duration> {
        self.lanes.tumbling_window()
    }
}

/// What the kinds of streams have different settings or rules for.
struct Rules<'a> {
    arn: &'a Arn,
    start: StartingPosition,
    window_begins: WindowBegins,
    lanes: Lanes,
    retry: RetryPolicy,
    report_batch_item_failures: bool,
    on_failure: Option<AwsDestination>,
    deaggregate: bool,
    halts_when_trimmed: bool,
}

impl<'a> Rules<'a> {
    /// Returns `None` for what is no stream.
    fn of(source: &'a Source) -> Option<Self> {
        match source {
            Source::Kinesis(kinesis) => Some(Self {
                deaggregate: kinesis.consumer,
                ..Self::of_shards(&kinesis.stream_arn, kinesis.start, &kinesis.settings)
            }),
            Source::DynamoDb(dynamodb) => {
                let start = match dynamodb.start {
                    StreamStart::TrimHorizon => StartingPosition::TrimHorizon,
                    StreamStart::Latest => StartingPosition::Latest,
                };
                let arn = &dynamodb.stream_arn;
                Some(Self::of_shards(arn, start, &dynamodb.settings))
            }
            Source::DocumentDb(documentdb) => Some(Self::of_changes(documentdb)),
            _ => None,
        }
    }

    fn of_shards(arn: &'a Arn, start: StartingPosition, settings: &StreamSettings) -> Self {
        Self {
            arn,
            start,
            window_begins: WindowBegins::AfterInvocation,
            lanes: settings.lanes,
            retry: settings.retry,
            report_batch_item_failures: settings.report_batch_item_failures,
            on_failure: settings.on_failure.clone(),
            deaggregate: false,
            halts_when_trimmed: false,
        }
    }

    /// One batch at a time, tried again until it succeeds (Lambda developer guide, "Using Lambda with Amazon DocumentDB").
    fn of_changes(documentdb: &'a DocumentDbMapping) -> Self {
        Self {
            arn: &documentdb.cluster_arn,
            start: documentdb.start,
            window_begins: WindowBegins::WithFirstRecord,
            lanes: Lanes::Parallel(1),
            retry: RetryPolicy::default(),
            report_batch_item_failures: false,
            on_failure: None,
            deaggregate: false,
            halts_when_trimmed: true,
        }
    }
}

/// Returns the version that runs under a qualifier. Which one an alias stands for is not known here; it is
/// taken as the latest.
pub(crate) fn version(qualifier: Option<&str>) -> String {
    let number = qualifier.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.unwrap_or("$LATEST").to_owned()
}
