//! A RabbitMQ broker, as a test's own client sees it.

use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use crate::servers::variable;

/// A broker, by the addresses at which it is found; `servers/rabbitmq/broker` says who may do what there.
#[derive(Clone, Debug)]
pub struct Rabbit {
    plain: String,
    tls: String,
}

impl Rabbit {
    /// Returns the broker that all tests share, or says that the test is skipped.
    #[must_use]
    pub fn shared() -> Option<Self> {
        Some(Self {
            plain: variable("LAMBDA_ESM_TEST_RABBITMQ")?,
            tls: variable("LAMBDA_ESM_TEST_RABBITMQ_TLS")?,
        })
    }

    /// Returns the broker with these ports of this machine, without TLS and with it.
    pub(super) fn at(plain: u16, tls: u16) -> Self {
        Self {
            plain: format!("amqp://127.0.0.1:{plain}"),
            tls: format!("amqps://127.0.0.1:{tls}"),
        }
    }

    /// Returns where it is found without TLS: `amqp://HOST:PORT`.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// Returns where it is found with TLS: `amqps://HOST:PORT`.
    #[must_use]
    pub fn tls(&self) -> &str {
        &self.tls
    }

    /// Connects to a virtual host as one who may do everything; `None` if the broker does not answer within five seconds, as
    /// one that is about to end.
    pub async fn connect(&self, virtual_host: &str) -> Option<Connection> {
        let mut uri: AMQPUri = self.plain.parse().unwrap();
        uri.authority.userinfo.username = "u".to_owned();
        uri.authority.userinfo.password = "p".to_owned();
        uri.vhost = virtual_host.to_owned();
        uri.query.frame_max = Some(128 * 1024);
        let connected = Connection::connect_uri(uri, ConnectionProperties::default());
        timeout(Duration::from_secs(5), connected).await.ok()?.ok()
    }
}
