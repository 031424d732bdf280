//! Which brokers of Amazon MQ are ActiveMQ, and where they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Mapping, MqEngine, Source, check_broker_engine};
use lambda_esm_engine::ports::PushQueueSource;
use lambda_esm_engine::ports::SourceProvider;
use lambda_esm_engine::secrets::SecretResolver;

use crate::address::BrokerAddress;
use crate::queue::ActiveMqQueue;

/// Addresses of brokers, by their ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveMqBrokers(BTreeMap<String, BrokerAddress>);

impl ActiveMqBrokers {
    /// Returns where a broker is; `None` if it is not known here.
    #[must_use]
    pub fn get(&self, arn: &str) -> Option<&BrokerAddress> {
        self.0.get(arn)
    }
}

impl FromIterator<(String, BrokerAddress)> for ActiveMqBrokers {
    fn from_iter<T: IntoIterator<Item = (String, BrokerAddress)>>(brokers: T) -> Self {
        Self(brokers.into_iter().collect())
    }
}

/// Finds the queues of the mappings whose brokers are known here.
pub struct ActiveMqProvider {
    brokers: ActiveMqBrokers,
    secrets: Arc<dyn SecretResolver>,
}

impl ActiveMqProvider {
    /// Returns the provider for these brokers, which finds credentials with `secrets`.
    pub fn new(brokers: ActiveMqBrokers, secrets: Arc<dyn SecretResolver>) -> Self {
        Self { brokers, secrets }
    }
}

#[async_trait]
impl SourceProvider for ActiveMqProvider {
    async fn push_queue(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        let Source::Mq(mq) = &mapping.source else {
            return Ok(None);
        };
        let Some(address) = self.brokers.get(mq.broker_arn.as_str()) else {
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
