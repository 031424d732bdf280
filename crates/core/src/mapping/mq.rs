//! Amazon MQ.

use std::time::Duration;

use super::arn::Arn;

/// The settings of an Amazon MQ mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MqMapping {
    /// The broker.
    pub broker_arn: Arn,
    /// The one queue.
    pub queue: String,
    /// 1 to 10,000.
    pub batch_size: u32,
    /// 0 to 300 s; `None` for 500 ms.
    pub window: Option<Duration>,
    /// The secret with user name and password.
    pub credentials: String,
    /// RabbitMQ's virtual host; `/` if `None`.
    pub virtual_host: Option<String>,
}
