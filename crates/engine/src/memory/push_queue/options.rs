//! What an in-memory queue of a broker is like.

use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::setters;

/// Properties of a [`MemoryPushQueue`](super::MemoryPushQueue).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MemoryPushQueueOptions {
    /// Which broker it behaves as: RabbitMQ by default. ActiveMQ counts deliveries that have failed.
    pub engine: MqEngine,
    /// Whether messages of a higher priority come first. Otherwise all come in the order in which they were published.
    pub prioritised: bool,
}

impl Default for MemoryPushQueueOptions {
    fn default() -> Self {
        Self {
            engine: MqEngine::RabbitMq,
            prioritised: false,
        }
    }
}

setters!(MemoryPushQueueOptions {
    with_engine sets engine: MqEngine,
    with_prioritised sets prioritised: bool,
});
