//! A server of one's own, without a network: engines, and requests to routers and to [`handle`].

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request};
use lambda_esm_api::handle;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions};
use lambda_esm_engine::{Clock, Engine, EngineBuilder, EngineOptions};
use tower_service::Service;

use crate::support::Answer;

/// Returns the parts of an engine with the queues `orders`, `queue-0`, `queue-1` and `queue-2`, and the functions
/// `f` and `g`.
pub(crate) fn builder(clock: Clock, region: &str) -> EngineBuilder {
    let mut options = EngineOptions::default();
    region.clone_into(&mut options.region);
    let mut builder = Engine::builder().clock(clock).options(options);
    for name in ["orders", "queue-0", "queue-1", "queue-2"] {
        let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
        builder = builder.source(name, queue);
    }
    for name in ["f", "g"] {
        builder = builder.function(name, Closure::new(|_| async { Ok(Bytes::from("null")) }));
    }
    builder
}

pub(crate) fn engine(region: &str) -> Engine {
    builder(Clock::system(), region).build()
}

pub(crate) fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path);
    request.body(body.into()).unwrap()
}

/// Asks a router.
pub(crate) async fn ask(router: &Router, request: Request<Bytes>) -> Answer {
    let asked = router.clone().call(request.map(Body::from)).await;
    let (parts, body) = asked.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap(),
    }
}

/// Asks without a router.
pub(crate) async fn ask_directly(engine: &Engine, request: Request<Bytes>) -> Answer {
    let (parts, body) = handle(engine, request).await.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}
