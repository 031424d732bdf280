//! A Kafka cluster, as a test's own client sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaResult;
use rdkafka::metadata::Metadata;
use tokio::task::spawn_blocking;

use super::listener::Listener;

/// How long a request of a test's own client may take.
pub(super) const REQUEST: Duration = Duration::from_secs(60);

/// A cluster, by the listener at which everything is allowed.
#[derive(Clone)]
pub struct Kafka {
    bootstrap: String,
    admin: Arc<AdminClient<DefaultClientContext>>,
}

impl Kafka {
    /// Returns the broker that all tests share, or says that the test is skipped.
    #[must_use]
    pub fn shared() -> Option<Self> {
        Listener::Plaintext.shared().map(|at| Self::at(&at))
    }

    /// Returns the cluster that is found at `bootstrap`, a list of `HOST:PORT` with commas between.
    #[must_use]
    pub fn at(bootstrap: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            admin: Arc::new(config(bootstrap).create().unwrap()),
        }
    }

    /// Returns where it is found: `HOST:PORT`, with commas between.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Returns the configuration of a client that may do everything.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        config(&self.bootstrap)
    }

    pub(super) fn admin(&self) -> &AdminClient<DefaultClientContext> {
        &self.admin
    }

    pub(super) fn options() -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(REQUEST))
            .operation_timeout(Some(REQUEST))
    }

    /// Asks for the brokers, and for a topic's partitions if one is given.
    pub(super) async fn metadata(
        &self,
        topic: Option<&str>,
        patience: Duration,
    ) -> KafkaResult<Metadata> {
        let (admin, topic) = (self.admin.clone(), topic.map(str::to_owned));
        spawn_blocking(move || {
            let client = admin.inner();
            client.fetch_metadata(topic.as_deref(), patience)
        })
        .await
        .unwrap()
    }
}

impl fmt::Debug for Kafka {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Kafka")
            .field(&self.bootstrap)
            .finish()
    }
}

fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        // A broker that was away is noticed within this time when it is back.
        .set("reconnect.backoff.max.ms", "500");
    config
}
