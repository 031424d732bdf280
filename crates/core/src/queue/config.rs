//! What a queue machine is told: the mapping's settings, and facts from outside.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_filter::Filters;

use super::encoder::QueueEncoder;
use super::port::QueueFacts;
use super::share_group::ShareGroupConfig;
use crate::batching::Limits;
use crate::pacing::Pacing;

/// How many batches a mapping may work on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// The service scales on demand, up to `ScalingConfig.MaximumConcurrency` if set (2–1,000).
    OnDemand {
        /// The cap.
        maximum: Option<u32>,
    },
    /// `ProvisionedPollerConfig`: each poller runs up to 10 batches.
    Provisioned {
        /// `MinimumPollers`, 2–200.
        minimum: u32,
        /// `MaximumPollers`, 2–10,000.
        maximum: u32,
    },
}

/// Settings of one queue mapping.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// When a batch is full.
    pub limits: Limits,
    /// Whether the function's response names the records that failed.
    pub report_batch_item_failures: bool,
    /// Whether messages have groups whose order must hold.
    pub fifo: bool,
    /// How many batches at a time.
    pub concurrency: Concurrency,
    /// How closely poll rates and scaling follow the service.
    pub pacing: Pacing,
    /// Which messages are delivered; `None` for all.
    pub filters: Option<Arc<Filters>>,
    /// How messages become event fragments.
    pub encoder: QueueEncoder,
    /// What the queue says about itself.
    pub facts: QueueFacts,
    /// The function's timeout, where known; see [`visibility_override`](Self::visibility_override) for
    /// where it is not.
    pub function_timeout: Option<Duration>,
    /// How many invocations the function can run at a time, where known.
    pub function_concurrency: Option<usize>,
    /// Whether decisions name the messages they are about.
    pub detail: bool,
    /// What holds for a topic that a share group makes a queue; `None` for a queue of SQS.
    pub share_group: Option<Arc<ShareGroupConfig>>,
}
