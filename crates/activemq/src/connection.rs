//! Connections to brokers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fe2o3_amqp::Connection;
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::sasl_profile::SaslProfile;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::patience::within;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::address::{BrokerAddress, Endpoint};
use crate::problem::{self, Refusal};
use crate::trust;
use lambda_esm_engine::credentials::Credentials;

/// After how long without a word either side gives the other up, in milliseconds: a host that is gone is noticed so. The
/// broker speaks twice as often.
const IDLE: u32 = 30_000;

/// An open connection, and whom it is to.
pub(crate) type Opened = (ConnectionHandle<()>, String);

/// Connects to the first endpoint that answers, until `deadline`. None of those that do not takes more than its share of the
/// time.
pub(crate) async fn open(
    address: &BrokerAddress,
    credentials: &Credentials,
    deadline: Instant,
) -> Result<Opened, SourceError> {
    let mut causes = Vec::new();
    for (index, endpoint) in address.endpoints.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let others = address.endpoints.len() - index;
        let share = left / u32::try_from(others).unwrap_or(u32::MAX);
        let root_ca = address.root_ca.as_deref();
        let opened = within(share, open_one(endpoint, root_ca, credentials)).await;
        let shown = endpoint.to_string();
        match opened.unwrap_or_else(|| Err(late(share))) {
            Ok(connection) => return Ok((connection, shown)),
            Err(Refusal::Unreachable(cause)) => causes.push((shown, cause)),
            Err(Refusal::Final(error)) => return Err(error),
        }
    }
    Err(problem::unreachable(&causes))
}

fn late(share: Duration) -> Refusal {
    Refusal::Unreachable(format!("no answer within {} ms", share.as_millis()))
}

async fn open_one(
    endpoint: &Endpoint,
    root_ca: Option<&str>,
    credentials: &Credentials,
) -> Result<ConnectionHandle<()>, Refusal> {
    let shown = endpoint.to_string();
    let unreachable = |error: std::io::Error| Refusal::Unreachable(error.to_string());
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
    let stream = stream.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    if !endpoint.tls {
        return greet(stream, endpoint, credentials).await;
    }
    let config = trust::client(root_ca).map_err(|error| problem::trust(&error, &shown))?;
    let name = ServerName::try_from(endpoint.host.clone());
    let name = name.map_err(|error| problem::trust(&error.to_string(), &shown))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let stream = stream.map_err(|error| problem::tls(&error, &shown))?;
    greet(stream, endpoint, credentials).await
}

/// Opens the connection on a stream.
async fn greet(
    stream: impl AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin + 'static,
    endpoint: &Endpoint,
    credentials: &Credentials,
) -> Result<ConnectionHandle<()>, Refusal> {
    // A broker takes each container once.
    let container = format!("lambda-esm-{}", uuid::Uuid::new_v4().simple());
    let opened = Connection::builder()
        .container_id(container)
        .hostname(endpoint.host.as_str())
        .idle_time_out(IDLE)
        .sasl_profile(SaslProfile::Plain {
            username: credentials.username.clone(),
            password: credentials.password.clone(),
        })
        .open_with_stream(stream)
        .await;
    opened.map_err(|error| problem::open(error, &endpoint.to_string()))
}
