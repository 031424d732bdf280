//! The admission of requests: who sent it, whether all of it came, whether there is room for it; and what every
//! answer carries.

use std::time::Duration;

use axum::Extension;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use lambda_esm_core::excerpt::cut;
use lambda_esm_core::mapping::{ApiError, ErrorCode};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::connection_limits::{ActiveRequest, ConnectionPermit};
use crate::error::{Fault, show_hint};
use crate::request_id::identify;
use crate::state::Api;
use crate::{auth, body, host_header};

/// The one path that needs no authentication.
pub(crate) const HEALTH: &str = "/healthz";
/// How much is read of the body of a request that is refused anyway, and for how long: without reading it the
/// connection would be reset, and the client might not see why.
const REFUSED_BODY: usize = 16 * 1024;
const REFUSED_PATIENCE: Duration = Duration::from_secs(1);
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Reads the whole request, checks who sent it, has it answered in time, and shows the answer's hint and id.
pub(crate) async fn admit(
    State(api): State<Api>,
    Extension(connection): Extension<ConnectionPermit>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (
        request.method().clone(),
        cut(request.uri().path()).to_string(),
    );
    let mut response = answer(&api, &connection, request, next).await;
    show_hint(&mut response);
    let status = response.status().as_u16();
    let id = identify(&mut response);
    tracing::debug!(%method, path, status, ?id, "API request");
    response
}

async fn answer(
    api: &Api,
    connection: &ConnectionPermit,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    // Whether the daemon lives must be known whatever else is asked, and needs no body.
    let health = parts.uri.path().trim_end_matches('/') == HEALTH;
    let head = host_header::named(&parts).and_then(|host| {
        let now = api.engine.clock().wall();
        if health {
            Ok(())
        } else {
            auth::check_head(&api.options.auth, &parts, host, now)
        }
    });
    if let Err(fault) = head {
        // Whether all of it came in time does not matter.
        let rest = read(&parts, body, REFUSED_BODY, connection);
        drop(timeout(REFUSED_PATIENCE, rest).await);
        connection.hold(0);
        let mut refusal = fault.into_response();
        refusal.headers_mut().insert(CONNECTION, CLOSE);
        return held(connection, refusal);
    }
    if health {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    // Those who send one request behind the other wait for all others before each.
    yield_now().await;
    match admitted(api, connection, parts, body).await {
        Ok((request, active)) => respond(api, request, next, active).await,
        Err(fault) => held(connection, fault.into_response()),
    }
}

/// Reads the body of a request whose head was let in, and takes it on if its sender may ask.
async fn admitted(
    api: &Api,
    connection: &ConnectionPermit,
    parts: Parts,
    body: Body,
) -> Result<(Request, ActiveRequest), Fault> {
    let (auth, limits) = (&api.options.auth, &api.options.limits);
    let now = api.engine.clock().wall();
    let read = read(&parts, body, limits.body_bytes, connection);
    let body = timeout(limits.request_timeout, read).await;
    let body = body.unwrap_or_else(|_| {
        Err(Fault::framework(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            "The request body did not arrive in time.",
        ))
    })?;
    auth::check_body(auth, &parts, &body, now)?;
    Ok((
        Request::from_parts(parts, Body::from(body)),
        connection.begin_request(),
    ))
}

/// Has a request answered, if there are not too many already.
async fn respond(api: &Api, request: Request, next: Next, active: ActiveRequest) -> Response {
    let limits = &api.options.limits;
    let Ok(_permit) = api.requests.try_acquire() else {
        let most = limits.requests;
        let text = format!("There are {most} requests under way already; try again.");
        return held(active.permit(), busy(text));
    };
    let answer = timeout(limits.request_timeout, next.run(request)).await;
    let answer = answer.unwrap_or_else(|_| {
        let text = "The answer did not come in time; a change that was asked for may still happen.";
        Fault::service(StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    });
    if answer.body().size_hint().exact().is_some() {
        return held(active.permit(), answer);
    }
    // A stream, which is work until its end.
    active.permit().hold(0);
    answer.map(|body| {
        let chunks = body.into_data_stream();
        Body::from_stream(chunks.inspect(move |_| {
            let _ = &active;
        }))
    })
}

/// Accounts for an answer until it is written. One for which there is no room is not given.
fn held(connection: &ConnectionPermit, answer: Response) -> Response {
    let bytes = answer.body().size_hint().exact().unwrap_or(0);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if connection.hold_answer(bytes) {
        return answer;
    }
    busy("Too much is held for clients that do not read; try again.".to_owned())
}

fn busy(text: String) -> Response {
    Fault::from(ApiError::new(ErrorCode::TooManyRequests, text)).into_response()
}

/// Reads a body, and accounts for what is there of it.
async fn read(
    parts: &Parts,
    body: Body,
    most: usize,
    connection: &ConnectionPermit,
) -> Result<Bytes, Fault> {
    body::whole(&parts.headers, body, most, |bytes| {
        if connection.hold(bytes) {
            return Ok(());
        }
        let text = "Too many requests are held already; try again.";
        Err(ApiError::new(ErrorCode::TooManyRequests, text).into())
    })
    .await
}
