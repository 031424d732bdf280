//! The HTTP backend against a small server in this process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::contract::{ContractFunctions, backend_contract};
use lambda_esm_engine::functions::Functions;
use lambda_esm_engine::ports::{FunctionFacts, InvokeBackend, InvokeRequest};
use lambda_esm_runtime::http::{HttpBackend, HttpConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

type Answer = Response<Full<Bytes>>;

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
}

/// Serves `answer` to every request until the test ends.
async fn serve(answer: impl Fn(Request<Bytes>) -> Answer + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?a=1", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let (answer, count) = (Arc::new(answer), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = Arc::clone(&answer);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    Ok::<_, Infallible>(answer(Request::from_parts(parts, body)))
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(connection.await) });
        }
    });
    Server { url, connections }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Response::builder()
        .status(status)
        .body(Full::new(body.into()))
        .unwrap()
}

async fn invoke(config: HttpConfig, payload: &'static str) -> Result<Bytes, InvokeError> {
    HttpBackend::new(config)
        .unwrap()
        .invoke(request(payload))
        .await
        .map(|answer| answer.payload)
}

fn request(payload: &'static str) -> InvokeRequest {
    let function = Arc::new(FunctionRef::parse("hook").unwrap());
    InvokeRequest::new(function, Bytes::from_static(payload.as_bytes()))
}

async fn invoke_status(status: u16, body: &'static str) -> Result<Bytes, InvokeError> {
    let server = serve(move |_| answer(status, body)).await;
    invoke(HttpConfig::new(server.url), "{}").await
}

#[tokio::test]
async fn keeps_the_contract_of_backends() {
    let server = serve(|request| match &request.body()[..] {
        b"fail" => answer(500, "no"),
        _ => answer(200, request.into_body()),
    })
    .await;
    let mut config = HttpConfig::new(server.url);
    config.concurrency = Some(8);
    // Takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut silent = HttpConfig::new(format!("http://{}/", listener.local_addr().unwrap()));
    silent.timeout = Duration::from_millis(500);
    let mut backend = Functions::default();
    backend.insert("hook", Arc::new(HttpBackend::new(config).unwrap()));
    backend.insert("silent", Arc::new(HttpBackend::new(silent).unwrap()));
    let functions = ContractFunctions::new("hook", |event| event)
        .failing("hook", "fail")
        .silent("silent", "{}")
        .unknown("other");
    backend_contract(&backend, &functions).await;
}

#[tokio::test]
async fn the_event_is_posted_as_json_with_the_configured_headers() {
    let server = serve(|request| {
        let header = |name| request.headers()[name].to_str().unwrap();
        let seen = format!(
            "{} {} {} {} {}",
            request.method(),
            request.uri(),
            header("content-type"),
            header("x-key"),
            String::from_utf8_lossy(request.body())
        );
        answer(200, seen)
    })
    .await;
    let mut config = HttpConfig::new(server.url);
    config
        .headers
        .insert("X-Key".to_owned(), "secret".to_owned());
    let response = invoke(config, r#"{"Records":[]}"#).await.unwrap();
    assert_eq!(
        response,
        r#"POST /hook?a=1 application/json secret {"Records":[]}"#
    );
}

#[tokio::test]
async fn any_success_is_the_response() {
    assert_eq!(
        invoke_status(200, r#"{"batchItemFailures":[]}"#)
            .await
            .unwrap()
            .len(),
        24
    );
    assert_eq!(invoke_status(202, "x").await.unwrap(), "x");
    assert_eq!(invoke_status(204, "").await.unwrap(), "");
}

#[tokio::test]
async fn each_status_has_its_kind() {
    let may_pass = |status| InvokeErrorKind::refused(status, true);
    let kinds = [
        (301, may_pass(301)),
        (400, InvokeErrorKind::Function),
        (401, may_pass(401)),
        (403, may_pass(403)),
        (404, may_pass(404)),
        (413, InvokeErrorKind::TOO_LARGE),
        (422, InvokeErrorKind::Function),
        (429, InvokeErrorKind::throttled(None)),
        (500, InvokeErrorKind::Function),
        (501, InvokeErrorKind::Function),
        (502, InvokeErrorKind::Unavailable),
        (503, InvokeErrorKind::Unavailable),
        (504, InvokeErrorKind::Function),
    ];
    for (status, kind) in kinds {
        let error = invoke_status(status, "because").await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.message.contains(&status.to_string()), "{error}");
        assert!(error.message.ends_with(": because"), "{error}");
    }
}

#[tokio::test]
async fn throttling_carries_the_seconds_of_retry_after() {
    for (value, retry_after) in [("7", Some(7)), ("Wed, 21 Oct 2015 07:28:00 GMT", None)] {
        let server = serve(move |_| {
            let mut answer = answer(429, "");
            answer
                .headers_mut()
                .insert("retry-after", value.parse().unwrap());
            answer
        })
        .await;
        let error = invoke(HttpConfig::new(server.url), "{}").await.unwrap_err();
        let retry_after = retry_after.map(Duration::from_secs);
        assert_eq!(error.kind, InvokeErrorKind::throttled(retry_after));
    }
}

#[tokio::test]
async fn a_redirect_names_its_target_and_is_not_followed() {
    let server = serve(|_| {
        let mut answer = answer(307, "");
        answer
            .headers_mut()
            .insert("location", "http://elsewhere/".parse().unwrap());
        answer
    })
    .await;
    let error = invoke(HttpConfig::new(server.url), "{}").await.unwrap_err();
    assert!(error.message.contains("to http://elsewhere/"), "{error}");
}

#[tokio::test]
async fn no_error_shows_the_query_of_a_url_or_a_header_though_the_server_repeats_it() {
    let places = ["http://me:s3cret@there/x?s3cret", "/x?next=s3cret#s3cret"];
    for (status, place) in [(307, places[0]), (302, places[1]), (404, ""), (500, "")] {
        let server = serve(move |request| {
            let key = request.headers()["x-key"].to_str().unwrap();
            let repeated = format!("cannot POST {}\r\u{202e}{key}", request.uri());
            let mut answer = answer(status, repeated);
            if !place.is_empty() {
                let place = place.parse().unwrap();
                answer.headers_mut().insert("location", place);
            }
            answer
        })
        .await;
        let mut config = HttpConfig::new(format!("{}/hook?code=s3cret", server.url));
        let key = ("X-Key".to_owned(), "Bearer s3cret".to_owned());
        config.headers.extend([key]);
        let error = invoke(config, "{}").await.unwrap_err().message;
        assert!(!error.contains("s3cret"), "{status}: {error}");
        assert!(error.contains("cannot POST /hook"), "{status}: {error}");
        assert!(error.contains("\\r\\u{202e}"), "{status}: {error}");
        assert!(!error.contains(['\r', '\u{202e}']), "{status}: {error}");
    }
    let gone = HttpConfig::new("http://127.0.0.1:1/hook?code=s3cret");
    let error = invoke(gone, "{}").await.unwrap_err().message;
    let shown = "POST http://127.0.0.1:1/hook: ";
    assert!(
        error.starts_with(shown) && !error.contains("s3cret"),
        "{error}"
    );
}

#[tokio::test]
async fn the_body_of_an_error_is_shown_in_part() {
    let server = serve(|_| answer(500, "é".repeat(100_000))).await;
    let error = invoke(HttpConfig::new(server.url), "{}").await.unwrap_err();
    assert!(error.message.chars().count() < 600, "{error}");
    assert!(error.message.contains("éé"), "{error}");
}

#[tokio::test]
async fn the_largest_response_passes_and_one_byte_more_is_a_function_error() {
    let server = serve(|request| {
        let size: usize = std::str::from_utf8(request.body())
            .unwrap()
            .parse()
            .unwrap();
        answer(200, vec![b'x'; size])
    })
    .await;
    let largest = invoke(HttpConfig::new(&server.url), "6291456")
        .await
        .unwrap();
    assert_eq!(largest.len(), 6_291_456);
    let error = invoke(HttpConfig::new(&server.url), "6291457")
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function);
    assert!(
        error.message.starts_with("Function.ResponseSizeTooLarge"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_and_names_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = invoke(HttpConfig::new(&url), "{}").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable);
    assert!(error.message.contains(&url), "{error}");
}

/// Linux leaves further connections unanswered once a listener's backlog is full.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_does_not_answer_is_unavailable() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut filling = tokio::task::JoinSet::new();
    for _ in 0..2 {
        filling.spawn(TcpStream::connect(address));
    }
    let _connected = [filling.join_next().await, filling.join_next().await];
    let timeout = Duration::from_millis(200);
    let config = HttpConfig::new(format!("http://{address}/")).with_timeout(timeout);
    let error = invoke(config, "{}").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable);
}

#[tokio::test]
async fn a_connection_lost_after_the_request_is_a_function_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{\"n\":1}") {
            stream.read_buf(&mut seen).await.unwrap();
        }
    });
    let error = invoke(HttpConfig::new(url), "{\"n\":1}").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function);
}

#[tokio::test]
async fn no_answer_within_the_timeout_is_a_function_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let timeout = Duration::from_millis(50);
    let error = invoke(HttpConfig::new(url).with_timeout(timeout), "{}")
        .await
        .unwrap_err();
    assert_eq!(
        error,
        InvokeError::function("Task timed out after 0.05 seconds")
    );
}

#[tokio::test]
async fn connections_are_kept_for_the_next_event() {
    let server = serve(|_| answer(200, "1")).await;
    let backend = HttpBackend::new(HttpConfig::new(server.url)).unwrap();
    for _ in 0..10 {
        backend.invoke(request("{}")).await.unwrap();
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

/// Serves `answer` at the path of a runtime interface emulator.
async fn emulator(answer: impl Fn(Request<Bytes>) -> Answer + Send + Sync + 'static) -> HttpConfig {
    let url = serve(answer).await.url;
    HttpConfig::new(url.replace("/hook?a=1", "/2015-03-31/functions/function/invocations"))
}

#[tokio::test]
async fn behind_an_emulator_an_error_document_is_a_function_error_whatever_the_status() {
    const DOCUMENT: &str = r#"{"errorType":"E","errorMessage":"no","causes":[]}"#;
    for status in [200, 500, 502] {
        let config = emulator(move |_| answer(status, DOCUMENT)).await;
        let error = invoke(config, "{}").await.unwrap_err();
        assert_eq!(error.kind, InvokeErrorKind::Function, "{status}");
    }
    let error = invoke(emulator(|_| answer(502, "")).await, "{}").await;
    assert_eq!(
        error.unwrap_err().kind,
        InvokeErrorKind::Function,
        "it ended"
    );
    let page = emulator(|_| answer(502, "<html>Bad Gateway</html>")).await;
    let error = invoke(page, "{}").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable, "a proxy");
    let response = invoke_status(200, DOCUMENT).await.unwrap();
    assert_eq!(
        response, DOCUMENT,
        "what another function says is its own affair"
    );
}

#[tokio::test]
async fn an_emulator_has_one_call_open_also_while_one_is_over_for_us() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/2015-03-31/functions/function/invocations");
    let timeout = Duration::from_millis(300);
    let backend = HttpBackend::new(HttpConfig::new(url).with_timeout(timeout));
    let backend = backend.unwrap();
    let facts = backend.describe(&request("").function).await.unwrap();
    assert_eq!(facts.concurrency, Some(1));
    let error = backend.invoke(request("{}")).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function);
    let (mut open, _) = listener.accept().await.unwrap();
    let error = backend.invoke(request("{}")).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::throttled(None));
    // The emulator answers at last; from then on there may be another.
    open.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        .await
        .unwrap();
    let again = async {
        while backend.invoke(request("{}")).await.unwrap_err().kind != InvokeErrorKind::Function {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), again)
        .await
        .unwrap();
}

#[tokio::test]
async fn describe_tells_the_timeout() {
    let backend = HttpBackend::new(HttpConfig::new("http://host/")).unwrap();
    let facts = backend.describe(&request("").function).await.unwrap();
    let timeout = Some(Duration::from_secs(30));
    assert_eq!(facts, FunctionFacts::default().with_timeout(timeout));
}
