//! What all requests share: the engine, the settings, and the permits for requests and event streams.

use std::ops::Deref;
use std::sync::Arc;

use lambda_esm_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::options::ApiOptions;

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Api(Arc<ApiState>);

/// See [`Api`].
pub(crate) struct ApiState {
    pub(crate) engine: Engine,
    pub(crate) options: ApiOptions,
    /// Cancelled when the server stops.
    pub(crate) stopping: CancellationToken,
    /// One permit for each request that may be under way.
    pub(crate) requests: Semaphore,
    /// One permit for each event stream that may be open.
    pub(crate) streams: Arc<Semaphore>,
}

impl Deref for Api {
    type Target = ApiState;

    fn deref(&self) -> &ApiState {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(engine: Engine, options: ApiOptions, stopping: CancellationToken) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        let requests = semaphore(options.limits.requests);
        let streams = Arc::new(semaphore(options.limits.event_streams));
        Self(Arc::new(ApiState {
            engine,
            options,
            stopping,
            requests,
            streams,
        }))
    }
}
