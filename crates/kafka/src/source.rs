//! A topic that is read by members of consumer groups.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{FailureDestination, JoinRequest, TopicConsumer, TopicSource};

use crate::connect::Connect;
use crate::consumer;
use crate::destination::TopicDestination;
use crate::options::KafkaOptions;

/// A topic of a cluster.
pub struct KafkaTopic {
    connect: Arc<dyn Connect>,
    topic: String,
    options: KafkaOptions,
    bootstrap_servers: String,
}

impl KafkaTopic {
    /// Returns the topic of that name. Nothing is connected to before somebody joins a group.
    pub fn new(connect: Arc<dyn Connect>, topic: impl Into<String>, options: KafkaOptions) -> Self {
        Self {
            connect,
            topic: topic.into(),
            options,
            bootstrap_servers: String::new(),
        }
    }

    /// Sets the servers that the events of an Amazon MSK cluster show: `host:port`, separated by commas.
    #[must_use]
    pub fn with_bootstrap_servers(mut self, servers: impl Into<String>) -> Self {
        self.bootstrap_servers = servers.into();
        self
    }
}

#[async_trait]
impl TopicSource for KafkaTopic {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        let connect = Arc::clone(&self.connect);
        consumer::join(connect, self.topic.clone(), self.options, request)
    }

    fn bootstrap_servers(&self) -> String {
        self.bootstrap_servers.clone()
    }

    async fn destination(&self, topic: &str) -> Result<Arc<dyn FailureDestination>, SourceError> {
        let connect = Arc::clone(&self.connect);
        Ok(Arc::new(TopicDestination::new(connect, topic)))
    }
}
