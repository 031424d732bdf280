//! What one client may take of the server.

use std::time::Duration;

use http::Method;
use lambda_esm_api::{ApiLimits, Auth};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{MAPPINGS, Server, mapping};

const PATIENCE: Duration = Duration::from_secs(60);

/// Sends bytes on a connection of their own and returns all that comes until the server ends it.
pub(crate) async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    drop(read.expect("the server ends the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_large_body_is_413_whether_announced_or_not() {
    let mut limits = ApiLimits::default();
    limits.body_bytes = 1000;
    let server = Server::with(Auth::None, limits).await;
    let large = vec![b' '; 1001];
    let answer = server
        .send(server.request(Method::POST, MAPPINGS, large.clone()))
        .await;
    let body = json!({ "message": "Request must be smaller than 1000 bytes" });
    answer.refused(413, "RequestTooLargeException", body);
    let mut chunked = format!(
        "POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3e9\r\n"
    )
    .into_bytes();
    chunked.extend(large);
    chunked.extend(b"\r\n0\r\n\r\n");
    let answer = exchange(&server, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let fits = format!("{:1000}", mapping(json!({})).to_string());
    let answer = server
        .send(server.request(Method::POST, MAPPINGS, fits))
        .await;
    assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_takes_larger_bodies_than_by_default_if_it_is_told_to() {
    let mut limits = ApiLimits::default();
    limits.body_bytes *= 2;
    let body = mapping(json!({})).to_string();
    let blanks = " ".repeat(limits.body_bytes - body.len());
    let server = Server::with(Auth::None, limits).await;
    let request = server.request(Method::POST, MAPPINGS, body + &blanks);
    assert_eq!(server.send(request).await.status.as_u16(), 202);
    server.stop().await;
}

#[tokio::test]
async fn large_or_many_headers_are_431() {
    let mut limits = ApiLimits::default();
    limits.header_bytes = 8192;
    limits.headers = 20;
    let server = Server::with(Auth::None, limits).await;
    let large = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    let many: String = (0..21).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    for request in [large, many] {
        let answer = exchange(&server, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn slow_headers_and_idle_connections_are_ended() {
    let mut limits = ApiLimits::default();
    limits.header_timeout = Duration::from_millis(100);
    let server = Server::with(Auth::None, limits).await;
    exchange(&server, b"GET /healthz HTTP/1.1\r\nhost: lo").await;
    exchange(&server, b"").await;
    let answer = exchange(&server, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_slow_body_is_408() {
    let mut limits = ApiLimits::default();
    limits.request_timeout = Duration::from_millis(100);
    let server = Server::with(Auth::None, limits).await;
    let head =
        format!("POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{{");
    let answer = exchange(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        answer.contains("x-amzn-errortype: RequestTimeoutException"),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_change_under_way_is_answered_although_the_server_stops() {
    let mut server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = mapping(json!({})).to_string();
    let head = format!(
        "POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(10);
    stream
        .write_all(format!("{head}{first}").as_bytes())
        .await
        .unwrap();
    // The server has accepted this connection, since it has answered a later one.
    assert_eq!(server.get("/healthz").await.status.as_u16(), 200);
    server.begin_stop();
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    server.stop().await;
}

#[test]
fn a_large_body_is_read_where_nobody_else_waits_for_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, released) = std::sync::mpsc::channel::<()>();
    drop(runtime.spawn_blocking(move || released.recv()));
    runtime.block_on(async {
        let server = Server::start().await;
        let large = format!("{:20000}", mapping(json!({})).to_string());
        let mut reading = Box::pin(server.send(server.request(Method::POST, MAPPINGS, large)));
        let early = timeout(Duration::from_millis(100), &mut reading).await;
        assert!(early.is_err(), "it was read on a thread of the runtime");
        let small = server.post(MAPPINGS, mapping(json!({ "FunctionName": "g" })));
        assert_eq!(small.await.status.as_u16(), 202);
        release.send(()).unwrap();
        assert_eq!(reading.await.status.as_u16(), 202);
        server.stop().await;
    });
}
