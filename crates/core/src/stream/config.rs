//! What a stream machine is told of its mapping.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_filter::Filters;
use uuid::Uuid;

use super::encoder::StreamEncoder;
use super::polling_slots::SHARDS_AT_ONCE;
use crate::backoff::Backoff;
use crate::batching::Limits;
use crate::event::dynamodb::DynamoDbEncoder;
use crate::event::kinesis::KinesisEncoder;
use crate::mapping::{
    KafkaDestination, Lanes, Mapping, RetryPolicy, Source, StartingPosition, StreamStart,
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
    /// With the batch's first record (Lambda developer guide, "Using Lambda with Amazon MQ").
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
}

impl StreamConfig {
    /// Returns the settings of `mapping`; `None` if its source is no stream.
    #[must_use]
    pub fn new(mapping: &Mapping, around: &Surroundings) -> Option<Self> {
        let (arn, start, settings, consumer) = match &mapping.source {
            Source::Kinesis(kinesis) => {
                let consumer = kinesis.consumer;
                (
                    &kinesis.stream_arn,
                    kinesis.start,
                    &kinesis.settings,
                    consumer,
                )
            }
            Source::DynamoDb(dynamodb) => {
                let start = match dynamodb.start {
                    StreamStart::TrimHorizon => StartingPosition::TrimHorizon,
                    StreamStart::Latest => StartingPosition::Latest,
                };
                (&dynamodb.stream_arn, start, &dynamodb.settings, false)
            }
            _ => return None,
        };
        let (text, region) = (arn.as_str(), arn.region());
        let encoder = match &mapping.source {
            Source::DynamoDb(_) => StreamEncoder::DynamoDb(DynamoDbEncoder::new(text, region)),
            _ => StreamEncoder::Kinesis(KinesisEncoder::new(text, region, &around.role_arn)),
        };
        let filters = mapping.filters.as_ref();
        Some(Self {
            mapping: mapping.uuid,
            function_arn: mapping.function.arn(&around.region, &around.account_id),
            executed_version: version(mapping.function.qualifier()),
            stream_arn: text.to_owned(),
            start,
            limits: Limits {
                count: settings.batch_size as usize,
                window: settings.window,
            },
            window_begins: WindowBegins::AfterInvocation,
            lanes: settings.lanes,
            retry: settings.retry,
            backoff: Backoff::STREAM,
            report_batch_item_failures: settings.report_batch_item_failures,
            on_failure: settings.on_failure.clone().map(KafkaDestination::Aws),
            pacing: around.pacing,
            filters: filters.map(|filters| filters.compiled().clone()),
            encoder,
            deaggregate: consumer,
            read_ahead: READ_AHEAD_BYTES,
            shards_at_once: SHARDS_AT_ONCE,
            assigned: false,
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

/// Returns the version that runs under a qualifier. Which one an alias stands for is not known here; it is
/// taken as the latest.
pub(super) fn version(qualifier: Option<&str>) -> String {
    let number = qualifier.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.unwrap_or("$LATEST").to_owned()
}
