//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use http::{Method, StatusCode, Uri};
use lambda_esm_core::excerpt::cut;
use lambda_esm_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::error::Fault;
use crate::options::ApiOptions;
use crate::{events, gate, mappings, status, tags};

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Api(Arc<Shared>);

/// See [`Api`].
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) options: ApiOptions,
    /// Cancelled when the server stops.
    pub(crate) stopping: CancellationToken,
    /// One permit for each request that may be under way.
    pub(crate) requests: Semaphore,
    /// One permit for each event stream that may be open.
    pub(crate) streams: Arc<Semaphore>,
}

impl std::ops::Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(engine: Engine, options: ApiOptions, stopping: CancellationToken) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        let requests = semaphore(options.limits.requests);
        let streams = Arc::new(semaphore(options.limits.event_streams));
        Self(Arc::new(Shared {
            engine,
            options,
            stopping,
            requests,
            streams,
        }))
    }
}

/// Returns the whole API.
pub(crate) fn router(api: Api) -> Router {
    let routes: [(&str, MethodRouter<Api>); 7] = [
        (
            "/2015-03-31/event-source-mappings",
            post(mappings::create).get(mappings::list),
        ),
        (
            "/2015-03-31/event-source-mappings/{uuid}",
            get(mappings::get)
                .put(mappings::update)
                .delete(mappings::delete),
        ),
        (
            "/2017-03-31/tags/{arn}",
            get(tags::list).post(tags::tag).delete(tags::untag),
        ),
        ("/metrics", get(status::metrics)),
        (gate::HEALTH, get(status::health)),
        ("/status", get(status::status)),
        ("/mappings/{uuid}/events", get(events::events)),
    ];
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router
            .route(path, methods.clone())
            .route(&format!("{path}/"), methods);
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(api.clone(), gate::pass))
        .with_state(api)
}

/// Answers for everything else, with the name AWS's services give it.
async fn unknown(method: Method, uri: Uri) -> Fault {
    let message = format!(
        "There is no operation {} {}. This is the Lambda API of event source mappings and their tags \
         only; functions and the rest of Lambda are elsewhere.",
        cut(method),
        cut(uri.path())
    );
    Fault::framework(StatusCode::NOT_FOUND, "UnknownOperationException", message)
}
