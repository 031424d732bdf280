//! Large bodies are read on blocking threads, off the workers of the runtime.

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::json::read;
use crate::error::Fault;

/// Larger bodies are read beside the runtime's workers, so that nobody else waits for that. Few that are legal
/// are larger.
const SMALL: usize = 16 * 1024;
/// How many of those are read at a time.
static LARGE: Semaphore = Semaphore::const_new(2);

/// Reads a request; an empty body counts as `{}`.
pub(crate) async fn parse<T>(body: Bytes) -> Result<T, Fault>
where
    T: DeserializeOwned + Default + Send + 'static,
{
    if body.len() <= SMALL {
        return read(&body);
    }
    // The semaphore is never closed.
    let permit = LARGE.acquire().await;
    let parsed = tokio::task::spawn_blocking(move || {
        // Until the end, also if nobody waits for it any more.
        let _permit = permit;
        read(&body)
    });
    let parsed = parsed.await;
    parsed.unwrap_or_else(|error| {
        tracing::error!(%error, "the reading of a request ended without a result");
        let text = "The request could not be read.";
        Err(Fault::service(StatusCode::INTERNAL_SERVER_ERROR, text))
    })
}
