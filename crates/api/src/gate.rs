//! What every request passes through: its id, its limits, and who sent it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use tokio::time::timeout;
use uuid::Uuid;

use crate::auth;
use crate::error::Fault;
use crate::routes::Api;

/// The one path that needs no authentication.
pub(crate) const HEALTH: &str = "/healthz";
/// How much is read of the body of a request that is refused anyway: without reading it the connection
/// would be reset, and the client might not see why.
const REFUSED_BODY: usize = 16 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Reads the whole request, checks who sent it, has it answered in time, and gives the answer an id.
pub(crate) async fn pass(State(api): State<Api>, request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match admitted(&api, request).await {
        Ok(request) => answer(&api, request, next).await,
        Err(fault) => fault.into_response(),
    };
    tracing::debug!(%method, path, status = response.status().as_u16(), id, "API request");
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Reads the body of a request whose sender may ask.
async fn admitted(api: &Api, request: Request) -> Result<Request, Fault> {
    let (parts, body) = request.into_parts();
    let (auth, limits) = (&api.options.auth, &api.options.limits);
    let open = parts.uri.path().trim_end_matches('/') == HEALTH;
    let now = api.engine.clock().wall();
    let head = if open {
        Ok(())
    } else {
        auth::check_head(auth, &parts, now)
    };
    let most = match head {
        Ok(()) => limits.body_bytes,
        Err(_) => limits.body_bytes.min(REFUSED_BODY),
    };
    let body = match timeout(limits.request_timeout, read(&parts, body, most)).await {
        Ok(read) => head.and(read)?,
        Err(_) => {
            return Err(Fault::framework(
                StatusCode::REQUEST_TIMEOUT,
                "RequestTimeoutException",
                "The request body did not arrive in time.",
            ));
        }
    };
    if !open {
        auth::check_body(auth, &parts, &body, now)?;
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

async fn answer(api: &Api, request: Request, next: Next) -> Response {
    let limit = api.options.limits.request_timeout;
    timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let text = "The answer did not come in time; a change that was asked for may still happen.";
        Fault::service(StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    })
}

async fn read(parts: &Parts, body: Body, most: usize) -> Result<Bytes, Fault> {
    let too_large = || {
        Fault::framework(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            format!("Request must be smaller than {} bytes", most),
        )
    };
    let announced = parts.headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Fault::serialization(format!("The request body could not be read: {error}"))
        })?;
        if whole.len() + chunk.len() > most {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
