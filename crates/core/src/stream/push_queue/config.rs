//! What a push queue's machine is told of its mapping.

use crate::backoff::Backoff;
use crate::batching::Limits;
use crate::event::mq::MqEncoder;
use crate::mapping::{Lanes, Mapping, MqEngine, RetryPolicy, Source, StartingPosition};
use crate::stream::config::{DEFAULT_WINDOW, READ_AHEAD_BYTES, WindowBegins, version};
use crate::stream::{SHARDS_AT_ONCE, StreamConfig, StreamEncoder, Surroundings};

/// The virtual host where a mapping names none.
const DEFAULT_VIRTUAL_HOST: &str = "/";

/// The most messages that a consumer of RabbitMQ may have unsettled, and the most that we ask of any broker (AMQP 0-9-1,
/// `basic.qos`: a short integer).
const MOST_PREFETCHED: usize = 65_535;

/// Settings of one mapping of a broker's queue.
#[derive(Clone, Debug)]
pub struct PushQueueConfig {
    /// The queue.
    pub queue: String,
    /// Which broker it is.
    pub engine: MqEngine,
    /// How messages are batched and invoked.
    pub batches: StreamConfig,
    /// How messages become events.
    pub encoder: MqEncoder,
}

impl PushQueueConfig {
    /// Returns the settings of `mapping`, whose broker is an `engine`; `None` if its source is no queue of a broker.
    #[must_use]
    pub fn new(mapping: &Mapping, engine: MqEngine, around: &Surroundings) -> Option<Self> {
        let Source::Mq(mq) = &mapping.source else {
            return None;
        };
        let arn = mq.broker_arn.as_str();
        let encoder = match engine {
            MqEngine::RabbitMq => {
                let virtual_host = mq.virtual_host.as_deref().unwrap_or(DEFAULT_VIRTUAL_HOST);
                MqEncoder::rabbitmq(arn, &mq.queue, virtual_host)
            }
            MqEngine::ActiveMq => MqEncoder::activemq(arn),
        };
        let filters = mapping.filters.as_ref();
        let batches = StreamConfig {
            mapping: mapping.uuid,
            function_arn: mapping.function.arn(&around.region, &around.account_id),
            executed_version: version(mapping.function.qualifier()),
            stream_arn: arn.to_owned(),
            start: StartingPosition::TrimHorizon,
            limits: Limits {
                count: mq.batch_size as usize,
                window: mq.window.unwrap_or(DEFAULT_WINDOW),
            },
            window_begins: WindowBegins::WithFirstRecord,
            lanes: Lanes::Parallel(1),
            // Until the function succeeds (Lambda developer guide, "Using Lambda with Amazon MQ").
            retry: RetryPolicy::default(),
            backoff: Backoff::STREAM,
            report_batch_item_failures: false,
            on_failure: None,
            pacing: around.pacing,
            filters: filters.map(|filters| filters.compiled().clone()),
            encoder: StreamEncoder::Mq(encoder.clone()),
            deaggregate: false,
            read_ahead: READ_AHEAD_BYTES,
            shards_at_once: SHARDS_AT_ONCE,
            assigned: false,
            halts_when_trimmed: false,
            detail: around.detail,
        };
        Some(Self {
            queue: mq.queue.clone(),
            engine,
            batches,
            encoder,
        })
    }

    /// Returns how many batches run at a time (Lambda developer guide, "Using Lambda with Amazon MQ").
    #[must_use]
    pub const fn concurrency(&self) -> usize {
        match self.engine {
            MqEngine::RabbitMq => 1,
            MqEngine::ActiveMq => 5,
        }
    }

    /// Returns how many messages the consumer has at a time without having settled them: for each batch that runs, one more
    /// that gathers (our choice; not documented).
    #[must_use]
    pub const fn prefetch(&self) -> usize {
        let wanted = self.batches.limits.count.saturating_mul(2);
        let wanted = wanted.saturating_mul(self.concurrency());
        if wanted == 0 {
            1
        } else if wanted > MOST_PREFETCHED {
            MOST_PREFETCHED
        } else {
            wanted
        }
    }
}
