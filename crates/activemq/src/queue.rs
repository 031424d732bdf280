//! A queue, as the engine consumes it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::patience::within;
use lambda_esm_engine::ports::{ConsumeRequest, PushQueueConsumer, PushQueueSource};
use lambda_esm_engine::secrets::SecretResolver;
use tokio::time::Instant;

use crate::address::BrokerAddress;
use crate::connection;
use crate::consumer::ActiveMqConsumer;
use crate::problem::{self, Place};
use crate::session::Session;
use lambda_esm_engine::credentials::Credentials;

/// How long it takes at most to find out whether a queue can be consumed.
const CONSUME: Duration = Duration::from_secs(10);

/// A queue of a broker. One that is missing is made by the broker when it is consumed, if the user may do that.
pub struct ActiveMqQueue {
    address: BrokerAddress,
    queue: String,
    secrets: Arc<dyn SecretResolver>,
    credentials: String,
}

impl ActiveMqQueue {
    /// Returns the queue of that name. `credentials` names a secret with `username` and `password`, which is asked for by
    /// each session anew.
    pub fn new(
        address: BrokerAddress,
        queue: impl Into<String>,
        secrets: Arc<dyn SecretResolver>,
        credentials: impl Into<String>,
    ) -> Self {
        Self {
            address,
            queue: queue.into(),
            secrets,
            credentials: credentials.into(),
        }
    }

    async fn credentials(&self) -> Result<Credentials, SourceError> {
        let asked = within(
            CONSUME / 2,
            Credentials::ask(&*self.secrets, &self.credentials),
        )
        .await;
        asked.unwrap_or_else(|| {
            let seconds = (CONSUME / 2).as_secs();
            let secret = &self.credentials;
            Err(SourceError::new(
                SourceErrorKind::Transient,
                format!("secret {secret} was not told within {seconds} s"),
            ))
        })
    }
}

#[async_trait]
impl PushQueueSource for ActiveMqQueue {
    fn engine(&self) -> MqEngine {
        MqEngine::ActiveMq
    }

    async fn consume(
        &self,
        request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        let deadline = Instant::now() + CONSUME;
        let credentials = self.credentials().await?;
        let (connection, endpoint) =
            connection::open(&self.address, &credentials, deadline).await?;
        let queue = self.queue.clone();
        let place = Place { endpoint, queue };
        let left = deadline.saturating_duration_since(Instant::now());
        let begun = Session::begin(connection, place.clone(), request.prefetch);
        let session = within(left, begun).await;
        let session = session.unwrap_or_else(|| Err(problem::late(CONSUME.as_secs(), &place)))?;
        Ok(Arc::new(ActiveMqConsumer::new(session, place)))
    }
}
