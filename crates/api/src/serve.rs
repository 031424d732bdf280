//! Accepts connections, bounds them, and ends them in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lambda_esm_engine::Engine;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use crate::connection_limits::{ConnectionLimits, ConnectionPermit};
use crate::options::{ApiLimits, ApiOptions};
use crate::server_routes::server_routes;
use crate::state::Api;
use crate::write_timeout::WriteTimeout;

/// How many connections the system keeps that are not accepted yet: as many as clients may open in the time in
/// which a busy machine does not let us accept any. The system may keep fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 1024;
/// The pause after a failed accept, which is most often a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The smallest buffer for headers that the HTTP implementation takes.
const LEAST_HEADER_BYTES: usize = 8192;

/// Listens on an address, for [`serve`]. Must be within a tokio runtime.
///
/// # Errors
/// Fails if the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A server that starts anew must not wait for connections of the one before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the API on `listener` until `shutdown` completes; then takes no more connections, ends event
/// streams, and finishes requests under way within [`ApiLimits::request_timeout`].
///
/// # Errors
/// Fails with [`io::ErrorKind::InvalidInput`] if the options are not [valid](ApiOptions::validate) for
/// the address that the listener really has.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    options: ApiOptions,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let listen = listener.local_addr()?;
    let options = ApiOptions { listen, ..options };
    options
        .validate()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let limits = options.limits.clone();
    let stopping = CancellationToken::new();
    let router = server_routes(Api::new(engine, options, stopping.clone()));
    let connections = ConnectionLimits::new(&limits);
    let tasks = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let (stream, _) = listener.accept().await?;
            io::Result::Ok((stream, connections.acquire().await))
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let connection = connection(
                    stream,
                    permit,
                    router.clone(),
                    limits.clone(),
                    stopping.clone(),
                );
                tasks.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the API could not be accepted");
                connections.evict();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    permit: ConnectionPermit,
    router: Router,
    limits: ApiLimits,
    stopping: CancellationToken,
) {
    // Without it small answers may wait for the client's acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let io = WriteTimeout::new(stream, limits.write_timeout, permit.clone());
    let io = TokioIo::new(io);
    let extension = permit.clone();
    let service = service_fn(move |mut request: Request<_>| {
        request.extensions_mut().insert(extension.clone());
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes.max(LEAST_HEADER_BYTES))
        .max_headers(limits.headers)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = permit.evicted() => {
            tracing::debug!("a connection to the API was closed to make room");
            return;
        }
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match timeout(limits.request_timeout, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API ended early");
    }
}
