//! Serves the Runtime API of one environment to that environment, and to nobody else.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::caller_check::{Caller, Ends, look_at};
use super::group::ProcessGroup;
use super::head_timeout::{HeadTimeout, Watched};
use super::runtime_api::Api;

/// The most connections that an environment has at a time. Runtimes have one, or one for each call; a few may
/// linger. What comes beyond waits in the listener's queue, where it takes no descriptor of ours.
const MOST_CONNECTIONS: usize = 16;
/// The longest head of a request: AWS's runtime clients send up to 1 MB in `Lambda-Runtime-Function-XRay-Error-Cause`
/// (`XRAY_ERROR_CAUSE_MAX_HEADER_SIZE` in their sources), and little else.
const LONGEST_HEAD: usize = 1024 * 1024 + 64 * 1024;
/// A pause after what failed since this daemon is out of something, as of descriptors.
const EXHAUSTION_PAUSE: Duration = Duration::from_millis(50);

/// Serves `api` to the processes of `group` on `listener` until dropped; then all its connections are closed.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Api>, group: Arc<ProcessGroup>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MOST_CONNECTIONS {
            connections.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if is_welcome(&stream, &api, &group).await {
                        connections.spawn(serve_connection(stream, Arc::clone(&api)));
                    }
                }
                Err(error) => pause(&api, "cannot accept a runtime's connection", &error).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Notes that the environment cannot be heard now, through no fault of its own.
async fn pause(api: &Api, what: &str, error: &io::Error) {
    if api.dialogue.exhausted(error) {
        tracing::warn!(%error, "{what}");
    }
    tokio::time::sleep(EXHAUSTION_PAUSE).await;
}

/// Tells whether a connection is the environment's own.
async fn is_welcome(stream: &TcpStream, api: &Api, group: &ProcessGroup) -> bool {
    let ends = match (stream.peer_addr(), stream.local_addr()) {
        (Ok(SocketAddr::V4(client)), Ok(SocketAddr::V4(server))) => Ends { client, server },
        // It is gone already.
        _ => return false,
    };
    loop {
        let Some(leader) = group.leader() else {
            return false;
        };
        match tokio::task::spawn_blocking(move || look_at(ends, leader)).await {
            Ok(Ok(Caller::Environment)) => return group.leader() == Some(leader),
            Ok(Ok(Caller::Other(why))) => {
                api.refused_callers.refused(&why);
                return false;
            }
            Ok(Err(error)) => pause(api, "cannot see who calls the Runtime API", &error).await,
            // It panicked, or the runtime is shutting down.
            Err(_) => return false,
        }
    }
}

async fn serve_connection(stream: TcpStream, api: Arc<Api>) {
    let head_timeout = HeadTimeout::new();
    let (reader, writer) = stream.into_split();
    let reader = Watched {
        reader,
        head_timeout: &head_timeout,
    };
    let service = service_fn(|request| {
        head_timeout.request_begins();
        async {
            let response = api.answer(request).await;
            head_timeout.request_ends();
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        // That of hyper would run between two requests, too.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(tokio::io::join(reader, writer)), service);
    tokio::select! {
        biased;
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%error, "a runtime's connection ended");
        },
        () = head_timeout.too_long() => tracing::debug!("a runtime began a request and did not go on"),
    }
}
