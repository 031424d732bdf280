//! The operations without a transport.

use bytes::Bytes;
use http::{Request, Response};
use lambda_esm_engine::Engine;

use crate::error::Fault;
use crate::operations::answer;
use crate::options::ApiLimits;

/// Answers one request as [`routes`](crate::routes) does, for a server that is not made with axum. A path that is none
/// of the API's is refused as AWS does.
///
/// The answer to `HEAD` has no body, and the `content-length` that it would have.
///
/// Must be called within a tokio runtime. Cancel safe: if the future is dropped, a change that has begun goes on to
/// its end, and one that has not is not made. Either way the mappings listed are those that the store keeps.
pub async fn handle(engine: &Engine, request: Request<Bytes>) -> Response<Bytes> {
    let most = ApiLimits::default().body_bytes;
    let (parts, body) = request.into_parts();
    let body = if body.len() > most {
        Err(Fault::too_large(most))
    } else {
        Ok(body)
    };
    answer(engine, &parts, body).await
}
