//! What a stream machine is told of its mapping.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_filter::Filters;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::batch::Limits;
use crate::event::dynamodb::DynamoDbEncoder;
use crate::event::kinesis::KinesisEncoder;
use crate::mapping::{AwsDestination, Lanes, RetryPolicy, StartingPosition};
use crate::pacing::Pacing;

/// Settings of one stream mapping.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The mapping.
    pub mapping: Uuid,
    /// The function as failure records name it.
    pub function_arn: String,
    /// The version of the function that runs, as failure records name it.
    pub executed_version: String,
    /// The mapping's `EventSourceArn`.
    pub stream_arn: String,
    /// Where reading begins in the shards that are there when the mapping is made.
    pub start: StartingPosition,
    /// When a batch is full.
    pub limits: Limits,
    /// Parallel lanes per shard, or a tumbling window.
    pub lanes: Lanes,
    /// When failed records are tried again, split, or discarded.
    pub retry: RetryPolicy,
    /// The waits between tries of a batch that the function failed with.
    pub backoff: Backoff,
    /// Whether the function's response names the records that failed.
    pub report_batch_item_failures: bool,
    /// Where the records of discarded batches go; `None` for nowhere.
    pub on_failure: Option<AwsDestination>,
    /// How closely poll rates follow the service.
    pub pacing: Pacing,
    /// Which records are delivered; `None` for all.
    pub filters: Option<Arc<Filters>>,
    /// How records become event fragments.
    pub encoder: StreamEncoder,
    /// Whether aggregated records are taken apart (Lambda developer guide, "Using Lambda with Kinesis":
    /// for enhanced fan-out consumers).
    pub deaggregate: bool,
    /// Whether decisions name the records they are about.
    pub detail: bool,
}

impl StreamConfig {
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

/// Writes the events of one kind of stream.
#[derive(Clone, Debug)]
pub enum StreamEncoder {
    /// Kinesis events.
    Kinesis(KinesisEncoder),
    /// DynamoDB events.
    DynamoDb(DynamoDbEncoder),
}
