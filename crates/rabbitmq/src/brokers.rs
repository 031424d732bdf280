//! The brokers of mappings.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{Arn, Mapping, Source};
use lambda_esm_engine::ports::{PushQueueSource, SourceProvider};
use lambda_esm_engine::secrets::SecretResolver;

use crate::address::BrokerAddress;
use crate::queue::RabbitMqQueue;

/// Finds the queues of Amazon MQ mappings whose broker is known to be a RabbitMQ one.
pub struct RabbitMqBrokers {
    brokers: BTreeMap<Arn, BrokerAddress>,
    secrets: Arc<dyn SecretResolver>,
}

impl RabbitMqBrokers {
    /// Returns the brokers with these ARNs and addresses. User names and passwords are in the secrets of the mappings.
    pub fn new(
        brokers: impl IntoIterator<Item = (Arn, BrokerAddress)>,
        secrets: Arc<dyn SecretResolver>,
    ) -> Self {
        Self {
            brokers: brokers.into_iter().collect(),
            secrets,
        }
    }
}

#[async_trait]
impl SourceProvider for RabbitMqBrokers {
    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let Source::Mq(mq) = &mapping.source else {
            return Ok(None);
        };
        let Some(address) = self.brokers.get(&mq.broker_arn) else {
            return Ok(None);
        };
        let secrets = Arc::clone(&self.secrets);
        let queue = RabbitMqQueue::new(address.clone(), &mq.queue, secrets, &mq.credentials)
            .with_virtual_host(mq.virtual_host.as_deref().unwrap_or("/"))
            .with_connection_name(format!("lambda-esm {}", mapping.uuid));
        Ok(Some(Arc::new(queue)))
    }
}
