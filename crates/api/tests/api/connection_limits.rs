//! Clients that say nothing, or do not listen, keep no one else out.

use std::time::Duration;

use http::{Method, StatusCode};
use lambda_esm_api::{ApiLimits, Auth};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::limits::exchange;
use crate::support::{MAPPINGS, ORDERS, Server, mapping, sigv4, until};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);
/// Long enough for a busy machine.
const SOON: Duration = Duration::from_secs(20);
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Nothing ends by itself.
fn patient() -> ApiLimits {
    let mut limits = ApiLimits::default();
    limits.header_timeout = NEVER;
    limits.request_timeout = NEVER;
    limits.write_timeout = NEVER;
    limits
}

fn bearer() -> Auth {
    Auth::bearer("a-token")
}

async fn connected(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // One that has gone already is no worse for it.
    drop(stream.write_all(bytes).await);
    stream
}

#[tokio::test]
async fn silent_clients_keep_nobody_out() {
    let unfinished =
        format!("POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{{");
    let dribble = format!("POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\nx: ");
    for auth in [Auth::None, bearer(), sigv4()] {
        for said in ["", &unfinished, &dribble] {
            let mut limits = patient();
            limits.connections = 64;
            let server = Server::with(auth.clone(), limits).await;
            let mut silent = Vec::new();
            for _ in 0..4 {
                for _ in 0..64 {
                    silent.push(connected(&server, said.as_bytes()).await);
                }
                let health = timeout(SOON, exchange(&server, HEALTH)).await;
                let health = health.expect("others are kept out");
                assert!(health.ends_with("ok\n"), "{health}");
                let mut list = server.request(Method::GET, MAPPINGS, "");
                let token = "Bearer a-token".parse().unwrap();
                list.headers_mut().insert("authorization", token);
                let list = timeout(SOON, server.send(list)).await.unwrap();
                let refused = matches!(auth, Auth::SigV4 { .. });
                assert_eq!(list.status == StatusCode::FORBIDDEN, refused, "{list:?}");
            }
            drop(silent);
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn a_refused_head_does_not_wait_for_its_body() {
    let other = "origin: http://localhost:3000\r\n";
    for (auth, more, status) in [
        (sigv4(), "", 403),
        (bearer(), "", 401),
        (Auth::None, other, 403),
    ] {
        let server = Server::with(auth, patient()).await;
        let head = format!(
            "POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\n{more}content-length: 1000\r\n\r\n{{"
        );
        let answer = timeout(SOON, exchange(&server, head.as_bytes())).await;
        let answer = answer.expect("it waits for the body");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn health_is_told_before_the_body_of_the_question() {
    for auth in [Auth::None, sigv4()] {
        let server = Server::with(auth, patient()).await;
        let head = "GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n";
        let answer = timeout(SOON, exchange(&server, head.as_bytes())).await;
        let answer = answer.expect("it waits for the body");
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"),
            "{answer}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn only_while_all_are_worked_for_does_a_connection_wait() {
    let mut limits = patient();
    limits.connections = 1;
    let server = Server::with(Auth::None, limits).await;
    let uuid = server.create(json!({})).await["UUID"]
        .as_str()
        .unwrap()
        .to_owned();
    let follow = format!(
        "GET /mappings/{uuid}/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n"
    );
    let mut first = connected(&server, follow.as_bytes()).await;
    let mut beginning = [0; 12];
    first.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200");
    let mut second = Box::pin(exchange(&server, HEALTH));
    let early = timeout(Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "an event stream had to go");
    drop(first);
    let second = timeout(SOON, second).await.expect("its place is free");
    assert!(second.ends_with("ok\n"), "{second}");
    server.stop().await;
}

#[tokio::test]
async fn too_many_requests_at_a_time_are_429_and_health_is_told() {
    let mut limits = patient();
    limits.requests = 1;
    let server = Server::with(Auth::None, limits).await;
    let silent =
        mapping(json!({ "EventSourceArn": ORDERS.replace("orders", "silent") })).to_string();
    let create = format!(
        "POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{silent}",
        silent.len()
    );
    let creating = connected(&server, create.as_bytes()).await;
    let refused = until("another request is under way", async || {
        let list = server.get(MAPPINGS).await;
        (list.status.as_u16() == 429).then_some(list)
    })
    .await;
    let text = "There are 1 requests under way already; try again.";
    let body = json!({ "Type": "User", "message": text });
    refused.refused(429, "TooManyRequestsException", body);
    assert_eq!(server.get("/healthz").await.status.as_u16(), 200);
    drop(creating);
    until("the request is over", async || {
        (server.get(MAPPINGS).await.status.as_u16() == 200).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn unfinished_requests_are_held_up_to_a_number_of_bytes() {
    let mut limits = patient();
    limits.held_bytes = 300_000;
    let server = Server::with(Auth::None, limits).await;
    let head =
        format!("POST {MAPPINGS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100001\r\n\r\n");
    let unfinished = head + &" ".repeat(100_000);
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(connected(&server, unfinished.as_bytes()).await);
    }
    server.created(json!({})).await;
    for mut early in waiting.drain(..7) {
        let ended = timeout(SOON, early.read_to_end(&mut Vec::new())).await;
        drop(ended.expect("an early one is still held"));
    }
    drop(waiting);
    server.stop().await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_held_up_to_a_number_of_bytes() {
    let mut limits = patient();
    limits.held_bytes = 100_000;
    let server = Server::with(Auth::None, limits).await;
    for n in 0..120 {
        let request = mapping(json!({
            "EventSourceArn": format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}"),
            "Enabled": false,
        }));
        let request = serde_json::from_value(request).unwrap();
        server.engine.create(request).await.unwrap();
    }
    let length = server.get("/status").await.body.len();
    assert!((50_000..100_000).contains(&length), "{length}");
    let ask = "GET /status HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(400);
    let mut deaf = connected(&server, ask.as_bytes()).await;
    until("the one that does not read is gone", async || {
        let answer = server.get("/status").await;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        deaf.write_all(b"\r\n").await.err()
    })
    .await;
    server.stop().await;
}
