//! The Lambda Runtime API over HTTP, for one environment.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::state::{Answer, Dialogue, Invocation, Refusal};
use crate::MAX_PAYLOAD_BYTES;
use crate::text::excerpt;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ROOT: &str = "/2018-06-01/runtime/";
/// Past this a response is no longer read to its end, and the runtime sees a closed connection instead of
/// the status 413.
const DRAIN_LIMIT: usize = 16 * MAX_PAYLOAD_BYTES;
const ERROR_EXCERPT: usize = 2_000;
/// A pause after a failed `accept`, which is out of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `dialogue` on `listener` until dropped; then all its connections are closed.
pub(crate) async fn serve(listener: TcpListener, dialogue: Arc<Dialogue>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&dialogue)));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a runtime's connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, dialogue: Arc<Dialogue>) {
    let service = service_fn(move |request| {
        let dialogue = Arc::clone(&dialogue);
        async move { Ok::<_, Infallible>(handle(&dialogue, request).await) }
    });
    // A runtime may be quiet on a connection for as long as its function runs.
    let connection = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a runtime's connection ended");
    }
}

async fn handle(dialogue: &Dialogue, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let Some(path) = path.strip_prefix(ROOT) else {
        return fault(
            StatusCode::NOT_FOUND,
            "NotFound",
            "no such path in the Runtime API",
        );
    };
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(dialogue).await,
        (&Method::POST, ["invocation", id, "response"]) => response(dialogue, id, request).await,
        (&Method::POST, ["invocation", id, "error"]) => error(dialogue, id, request).await,
        (&Method::POST, ["init", "error"]) => init_error(dialogue, request).await,
        (
            _,
            ["invocation", "next"] | ["invocation", _, "response" | "error"] | ["init", "error"],
        ) => fault(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "wrong method for this path",
        ),
        _ => fault(
            StatusCode::NOT_FOUND,
            "NotFound",
            "no such path in the Runtime API",
        ),
    }
}

async fn next(dialogue: &Dialogue) -> Response<Full<Bytes>> {
    let waiting = match dialogue.next() {
        Ok(waiting) => waiting,
        Err(refusal) => return refused(refusal),
    };
    match waiting.await {
        Ok(invocation) => event(invocation),
        Err(_) => refused(Refusal::OutOfOrder("Ready")),
    }
}

fn event(invocation: Invocation) -> Response<Full<Bytes>> {
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        .header("Lambda-Runtime-Deadline-Ms", invocation.deadline_ms)
        .header(
            "Lambda-Runtime-Invoked-Function-Arn",
            invocation.function_arn,
        )
        .header("Lambda-Runtime-Trace-Id", invocation.trace_id)
        .body(Full::new(invocation.payload))
        .unwrap_or_else(|error| {
            fault(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                &error.to_string(),
            )
        })
}

async fn response(
    dialogue: &Dialogue,
    id: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if let Err(refusal) = dialogue.expects(id) {
        return refused(refusal);
    }
    match read(request.into_body()).await {
        Ok(Body { trailers, .. }) if trailers.contains_key(ERROR_TYPE) => {
            // A streamed response that broke off (Lambda developer guide, custom runtimes).
            acknowledge(dialogue, id, Err(error_words(&trailers, b"")))
        }
        Ok(body) => acknowledge(dialogue, id, Ok(body.bytes)),
        Err(BodyFault::TooLarge) => {
            let words = format!(
                "Function.ResponseSizeTooLarge: response payload size exceeded maximum allowed \
                 payload size ({MAX_PAYLOAD_BYTES} bytes)"
            );
            let answered = acknowledge(dialogue, id, Err(words));
            if answered.status() == StatusCode::ACCEPTED {
                too_large()
            } else {
                answered
            }
        }
        Err(BodyFault::Broken) => broken(),
    }
}

async fn error(dialogue: &Dialogue, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if let Err(refusal) = dialogue.expects(id) {
        return refused(refusal);
    }
    match read_error(request).await {
        Ok(words) => acknowledge(dialogue, id, Err(words)),
        Err(refused) => refused,
    }
}

async fn init_error(dialogue: &Dialogue, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let words = match read_error(request).await {
        Ok(words) => words,
        Err(refused) => return refused,
    };
    match dialogue.fail_init(words) {
        Ok(()) => accepted(),
        Err(refusal) => refused(refusal),
    }
}

fn acknowledge(dialogue: &Dialogue, id: &str, answer: Answer) -> Response<Full<Bytes>> {
    match dialogue.answer(id, answer) {
        Ok(()) => accepted(),
        Err(refusal) => refused(refusal),
    }
}

async fn read_error(request: Request<Incoming>) -> Result<String, Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    match read(body).await {
        Ok(body) => Ok(error_words(&parts.headers, &body.bytes)),
        // The type alone still says something.
        Err(BodyFault::TooLarge) => Ok(error_words(&parts.headers, b"")),
        Err(BodyFault::Broken) => Err(broken()),
    }
}

/// Joins `errorType` and `errorMessage` of an error body; the header's type stands in for a missing one.
fn error_words(headers: &HeaderMap, body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let header = headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = body["errorType"]
        .as_str()
        .or(header)
        .filter(|kind| !kind.is_empty());
    let message = body["errorMessage"]
        .as_str()
        .filter(|message| !message.is_empty());
    let words = match (kind, message) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Runtime.UnknownReason".to_owned(),
    };
    excerpt(&words, ERROR_EXCERPT)
}

struct Body {
    bytes: Bytes,
    trailers: HeaderMap,
}

enum BodyFault {
    TooLarge,
    Broken,
}

/// Reads a body to its end, and keeps it if it is small enough. A runtime that sends too much is heard out
/// (within reason), for else it would see a broken connection and not the status.
async fn read(mut body: Incoming) -> Result<Body, BodyFault> {
    let (mut bytes, mut trailers, mut size) = (BytesMut::new(), HeaderMap::new(), 0);
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| BodyFault::Broken)?.into_data() {
            Ok(data) => {
                size += data.len();
                if size <= MAX_PAYLOAD_BYTES {
                    bytes.extend_from_slice(&data);
                } else if size > DRAIN_LIMIT {
                    return Err(BodyFault::TooLarge);
                }
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    if size > MAX_PAYLOAD_BYTES {
        return Err(BodyFault::TooLarge);
    }
    Ok(Body {
        bytes: bytes.freeze(),
        trailers,
    })
}

fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "OK" }))
}

fn refused(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::UnknownRequest => fault(
            StatusCode::BAD_REQUEST,
            "InvalidRequestID",
            "Invalid request ID",
        ),
        Refusal::OutOfOrder(phase) => {
            let words = format!("this call is not allowed in state {phase}");
            fault(StatusCode::FORBIDDEN, "InvalidStateTransition", &words)
        }
    }
}

fn too_large() -> Response<Full<Bytes>> {
    let words = format!("Exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes).");
    fault(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        &words,
    )
}

fn broken() -> Response<Full<Bytes>> {
    fault(
        StatusCode::BAD_REQUEST,
        "InvalidRequestBody",
        "the body ended early",
    )
}

fn fault(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    json(
        status,
        &serde_json::json!({ "errorMessage": message, "errorType": kind }),
    )
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(header: Option<&'static str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(ERROR_TYPE, header::HeaderValue::from_static(header));
        }
        error_words(&headers, body.as_bytes())
    }

    #[test]
    fn an_error_shows_its_type_and_message() {
        let body = r#"{"errorMessage":"boom","errorType":"ValueError","stackTrace":[]}"#;
        assert_eq!(words(Some("Unhandled"), body), "ValueError: boom");
    }

    #[test]
    fn an_error_body_that_says_nothing_leaves_the_header_to_speak() {
        assert_eq!(words(Some("Runtime.Oops"), "not json"), "Runtime.Oops");
        assert_eq!(
            words(Some("Runtime.Oops"), r#"{"errorMessage":"m"}"#),
            "Runtime.Oops: m"
        );
        assert_eq!(words(None, "[]"), "Runtime.UnknownReason");
        assert_eq!(words(None, r#"{"errorType":7,"errorMessage":"m"}"#), "m");
    }
}
