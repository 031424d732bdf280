//! A queue of a broker.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::ports::{ConsumeRequest, PushQueueConsumer, PushQueueSource};
use lambda_esm_engine::secrets::SecretResolver;
use tokio::time::timeout;

use crate::address::BrokerAddress;
use crate::dial::dial;
use crate::place::Place;
use crate::problem;
use crate::session::Session;
use lambda_esm_engine::credentials::Credentials;

/// How long one try to consume may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// A queue of a RabbitMQ broker, classic or quorum. Nothing is connected to before it is consumed.
pub struct RabbitMqQueue {
    address: BrokerAddress,
    place: Place,
    secrets: Arc<dyn SecretResolver>,
    secret_arn: String,
    name: String,
}

impl RabbitMqQueue {
    /// Returns a queue in the virtual host `/`, consumed with user name and password of a secret, which is asked for anew
    /// by each session.
    pub fn new(
        address: BrokerAddress,
        queue: impl Into<String>,
        secrets: Arc<dyn SecretResolver>,
        secret_arn: impl Into<String>,
    ) -> Self {
        let place = Place {
            broker: address.to_string(),
            virtual_host: "/".to_owned(),
            queue: queue.into(),
        };
        Self {
            address,
            place,
            secrets,
            secret_arn: secret_arn.into(),
            name: "lambda-esm".to_owned(),
        }
    }

    /// Sets the virtual host.
    #[must_use]
    pub fn with_virtual_host(mut self, virtual_host: impl Into<String>) -> Self {
        self.place.virtual_host = virtual_host.into();
        self
    }

    /// Sets the name of its connections, which the broker shows to its operator.
    #[must_use]
    pub fn with_connection_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    async fn begin(&self, request: ConsumeRequest) -> Result<Session, SourceError> {
        let credentials = Credentials::ask(&*self.secrets, &self.secret_arn).await?;
        let dialled = dial(&self.address, &self.place, &credentials, &self.name).await?;
        Session::begin(self.place.clone(), dialled, request).await
    }
}

#[async_trait]
impl PushQueueSource for RabbitMqQueue {
    fn engine(&self) -> MqEngine {
        MqEngine::RabbitMq
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        match timeout(PATIENCE, self.begin(request)).await {
            Ok(begun) => Ok(Arc::new(begun?)),
            Err(_) => Err(problem::silent(PATIENCE.as_secs(), &self.place)),
        }
    }
}
