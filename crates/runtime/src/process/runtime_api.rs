//! The Lambda Runtime API: what a runtime asks and says, and what it is answered.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::excerpt::excerpt;
use lambda_esm_core::response::error_texts;

use super::dialogue::{Answer, Dialogue, Invocation, Refusal};
use super::refused_callers::RefusedCallers;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ROOT: &str = "/2018-06-01/runtime/";
/// Past this a response is no longer read to its end, and the runtime sees a closed connection instead of
/// the status 413.
const DRAIN_LIMIT: usize = 16 * MAX_PAYLOAD_BYTES;
const ERROR_EXCERPT: usize = 2_000;

/// The Runtime API of one environment.
pub(crate) struct Api {
    pub(crate) dialogue: Dialogue,
    /// What `AWS_LAMBDA_RUNTIME_API` says, and so the `Host` of every request.
    pub(crate) authority: String,
    pub(crate) refused_callers: RefusedCallers,
}

impl Api {
    /// Answers one request. Nothing is read of a body before it is known that it fits.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Err((status, why)) = admit(&request, &self.authority) {
            self.refused_callers.refused(why);
            let mut response = fault(status, "AccessDenied", why);
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
            return response;
        }
        handle(&self.dialogue, request).await
    }
}

/// Tells a runtime's request from that of a web page, which reaches loopback addresses under names of its own,
/// and is marked by its browser.
fn admit<B>(request: &Request<B>, authority: &str) -> Result<(), (StatusCode, &'static str)> {
    let headers = request.headers();
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err((StatusCode::BAD_REQUEST, "a request has more than one Host"));
    }
    let absolute = request.uri().authority();
    if host.is_none_or(|host| host != authority)
        || absolute.is_some_and(|absolute| absolute.as_str() != authority)
    {
        let why = "a request's Host is not what AWS_LAMBDA_RUNTIME_API says";
        return Err((StatusCode::FORBIDDEN, why));
    }
    let of_a_browser = |name: &header::HeaderName| {
        *name == header::ORIGIN || name.as_str().starts_with("sec-fetch-")
    };
    if headers.keys().any(of_a_browser) {
        return Err((StatusCode::FORBIDDEN, "a request comes from a web page"));
    }
    Ok(())
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
    let _hearing = match dialogue.hear_answer(id) {
        Ok(hearing) => hearing,
        Err(refusal) => return refused(refusal),
    };
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
    let _hearing = match dialogue.hear_answer(id) {
        Ok(hearing) => hearing,
        Err(refusal) => return refused(refusal),
    };
    match read_error(request).await {
        Ok(words) => acknowledge(dialogue, id, Err(words)),
        Err(refused) => refused,
    }
}

async fn init_error(dialogue: &Dialogue, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let _hearing = match dialogue.hear_init_error() {
        Ok(hearing) => hearing,
        Err(refusal) => return refused(refusal),
    };
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
    let header = headers
        .get(ERROR_TYPE)
        .and_then(|value| value.to_str().ok());
    let [kind, message] = error_texts(body);
    let kind = kind.as_deref().or(header).filter(|kind| !kind.is_empty());
    let message = message.filter(|message| !message.is_empty());
    let words = match (kind, message) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(kind), None) => kind.to_owned(),
        (None, Some(message)) => message,
        (None, None) => "Runtime.UnknownReason".to_owned(),
    };
    excerpt(words.trim(), ERROR_EXCERPT)
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
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(header: Option<&'static str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(ERROR_TYPE, HeaderValue::from_static(header));
        }
        error_words(&headers, body.as_bytes())
    }

    #[test]
    fn only_requests_of_a_runtime_are_admitted() {
        const API: &str = "127.0.0.1:4711";
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(&str, Headers, Option<u16>); 14] = [
            ("/", &[("Host", API)], None),
            ("http://127.0.0.1:4711/", &[("Host", API)], None),
            ("/", &[], Some(403)),
            ("/", &[("Host", "127.0.0.1")], Some(403)),
            ("/", &[("Host", "127.0.0.1:4712")], Some(403)),
            ("/", &[("Host", "localhost:4711")], Some(403)),
            ("/", &[("Host", "evil.example:4711")], Some(403)),
            ("/", &[("Host", "127.0.0.1:4711.")], Some(403)),
            ("http://evil.example/", &[("Host", API)], Some(403)),
            ("/", &[("Host", API), ("Host", API)], Some(400)),
            ("/", &[("Host", API), ("Host", "evil.example")], Some(400)),
            (
                "/",
                &[("Host", API), ("Origin", "http://127.0.0.1:4711")],
                Some(403),
            ),
            ("/", &[("Host", API), ("Origin", "null")], Some(403)),
            (
                "/",
                &[("Host", API), ("sec-FETCH-mode", "no-cors")],
                Some(403),
            ),
        ];
        for (target, headers, status) in cases {
            let mut request = Request::get(target);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let refused = admit(&request.body(()).unwrap(), API).err();
            let seen = refused.map(|(status, _)| status.as_u16());
            assert_eq!(seen, status, "{target} {headers:?}");
        }
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
