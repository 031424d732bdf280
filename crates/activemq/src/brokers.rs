//! Which brokers of Amazon MQ are ActiveMQ, and where they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, Mapping, MqEngine, Source, check_broker_engine};
use lambda_esm_engine::ports::PushQueueSource;
use lambda_esm_engine::ports::SourceProvider;
use lambda_esm_engine::secrets::SecretResolver;

use crate::address::BrokerAddress;
use crate::queue::ActiveMqQueue;

/// Finds the queues of Amazon MQ mappings whose broker is known to be an ActiveMQ one.
pub struct ActiveMqBrokers {
    brokers: BTreeMap<Arn, BrokerAddress>,
    secrets: Arc<dyn SecretResolver>,
}

impl ActiveMqBrokers {
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
impl SourceProvider for ActiveMqBrokers {
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
        check_broker_engine(mapping, MqEngine::ActiveMq).map_err(|error| {
            SourceError::new(SourceErrorKind::Fatal, error.to_string())
                .with_reason(ReasonCode::ConfigNotValid)
        })?;
        let secrets = Arc::clone(&self.secrets);
        let queue = ActiveMqQueue::new(address.clone(), &mq.queue, secrets, &mq.credentials);
        Ok(Some(Arc::new(queue)))
    }
}
