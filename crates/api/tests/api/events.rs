//! The decision log: pages and streams.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use lambda_esm_api::{ApiLimits, Auth};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{MAPPINGS, Server, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// An open event stream.
struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    /// Opens a stream; fails with the status of a refusal.
    async fn try_open(server: &Server, path: &str, header: Option<&str>) -> Result<Self, u16> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let mut request = Request::get(format!("http://{}{path}", server.address))
            .header("accept", "text/event-stream");
        if let Some(id) = header {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Empty::new()).unwrap();
        let response = client.request(request).await.unwrap();
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Ok(Self {
            body: response.into_body(),
            text: String::new(),
        })
    }

    async fn open(server: &Server, path: &str) -> Self {
        Self::try_open(server, path, None).await.unwrap()
    }

    /// Returns the next event as its id, name and data, or the next comment; `None` at the end.
    async fn next(&mut self) -> Option<(u64, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().trim().to_owned()
                };
                let name = if event.starts_with(':') {
                    "comment".to_owned()
                } else {
                    field("event:")
                };
                let data = serde_json::from_str(&field("data:")).unwrap_or_default();
                let event = (field("id:").parse().unwrap_or_default(), name, data);
                self.text = rest.to_owned();
                return Some(event);
            }
            let frame = timeout(PATIENCE, self.body.frame())
                .await
                .expect("something arrives");
            let Ok(frame) = frame?.unwrap().into_data() else {
                continue;
            };
            self.text.push_str(std::str::from_utf8(&frame).unwrap());
        }
    }

    /// Returns the next event that is no comment.
    async fn event(&mut self) -> Option<(u64, String, Value)> {
        loop {
            match self.next().await {
                Some((_, name, _)) if name == "comment" => {}
                other => return other,
            }
        }
    }
}

async fn busy(server: &Server, count: usize) -> (String, String) {
    let uuid = server.created(json!({})).await;
    server.fill(count);
    let path = format!("/mappings/{uuid}/events");
    until("all is deleted", async || {
        let status = server.get("/status").await.json();
        let deleted = &status["mappings"][0]["counts"]["DeletedEventCount"];
        (*deleted == json!(count)).then_some(())
    })
    .await;
    (uuid, path)
}

#[tokio::test]
async fn a_page_has_the_last_decisions_with_their_reasons() {
    let server = Server::start().await;
    let (uuid, path) = busy(&server, 3).await;
    let page = server.get(&path).await.json();
    assert_eq!(page["mapping"], uuid);
    let events = page["events"].as_array().unwrap();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence"], json!(index + 1));
        assert_eq!(event["mapping"], uuid);
        assert!(!event["text"].as_str().unwrap().is_empty(), "{event}");
    }
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["event"]["decision"].as_str().unwrap())
        .collect();
    for kind in ["polled", "batch_closed", "invoked", "succeeded", "deleted"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let last = server.get(&format!("{path}?last=2")).await.json();
    assert_eq!(
        last["events"].as_array().unwrap()[..],
        events[events.len() - 2..]
    );
    let after = server.get(&format!("{path}?after=2")).await.json();
    assert_eq!(after["events"].as_array().unwrap()[..], events[2..]);
    // A number of an earlier process, before which everything is new.
    let before = server.get(&format!("{path}?after=1000000")).await.json();
    assert_eq!(before["events"].as_array().unwrap()[..], events[..]);
    server.stop().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let server = Server::start().await;
    let uuid = server.created(json!({})).await;
    for (path, status, error) in [
        (
            format!("/mappings/{uuid}/events?last=-1"),
            400,
            "SerializationException",
        ),
        (
            format!("/mappings/{uuid}/events?after=x"),
            400,
            "SerializationException",
        ),
        (
            format!("/mappings/{uuid}/events?lats=1"),
            400,
            "SerializationException",
        ),
        (
            "/mappings/abc/events".to_owned(),
            400,
            "ValidationException",
        ),
        (
            "/mappings/00000000-0000-4000-8000-000000000000/events".to_owned(),
            404,
            "ResourceNotFoundException",
        ),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (status, error),
            "{path}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_tells_the_past_then_the_present_each_once_and_in_order() {
    let server = Server::start().await;
    let (_, path) = busy(&server, 3).await;
    let past = server.get(&path).await.json()["events"]
        .as_array()
        .unwrap()
        .len() as u64;
    let mut stream = Stream::open(&server, &format!("{path}?after=1")).await;
    server.fill(5);
    let mut deleted = 0;
    let mut expected = 2;
    while deleted < 8 {
        let (id, name, data) = stream.event().await.unwrap();
        assert_eq!((id, name.as_str()), (expected, "decision"));
        assert_eq!(data["sequence"], json!(id));
        assert!(!data["text"].as_str().unwrap().is_empty(), "{data}");
        expected += 1;
        if data["event"]["decision"] == "deleted" {
            deleted += data["event"]["messages"].as_u64().unwrap();
        }
    }
    assert!(expected > past + 1, "nothing of it was live");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_begins_now_unless_it_resumes() {
    let server = Server::start().await;
    let (_, path) = busy(&server, 3).await;
    let past = server.get(&path).await.json()["events"]
        .as_array()
        .unwrap()
        .len() as u64;
    let mut live = Stream::open(&server, &path).await;
    let mut resumed = Stream::try_open(&server, &path, Some("2")).await.unwrap();
    assert_eq!(resumed.event().await.unwrap().0, 3);
    server.fill(1);
    assert_eq!(live.event().await.unwrap().0, past + 1);
    server.stop().await;
}

#[tokio::test]
async fn streams_of_two_mappings_do_not_mix() {
    let server = Server::start().await;
    let uuid = server.created(json!({})).await;
    let other = json!({ "FunctionName": "g", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:queue-1" });
    let other = server.created(other).await;
    let mut stream = Stream::open(&server, &format!("/mappings/{other}/events")).await;
    assert_eq!(stream.next().await.unwrap().1, "comment");
    server.fill(20);
    until("all is deleted", async || {
        let page = server.get(&format!("/mappings/{uuid}/events")).await.json();
        let deleted = |event: &&Value| event["event"]["decision"] == "deleted";
        page["events"]
            .as_array()
            .unwrap()
            .iter()
            .find(deleted)
            .map(|_| ())
    })
    .await;
    server.delete(&format!("{MAPPINGS}/{uuid}")).await;
    server.delete(&format!("{MAPPINGS}/{other}")).await;
    server.stop().await;
    while let Some((_, name, data)) = stream.event().await {
        assert!(name == "end" || data["mapping"] == other, "{data}");
    }
}

#[tokio::test]
async fn a_silent_stream_carries_comments_and_ends_with_its_mapping() {
    let mut limits = ApiLimits::default();
    limits.heartbeat = Duration::from_millis(20);
    let server = Server::with(Auth::None, limits).await;
    let uuid = server.created(json!({})).await;
    let mut stream = Stream::open(&server, &format!("/mappings/{uuid}/events")).await;
    for _ in 0..3 {
        assert_eq!(stream.next().await.unwrap().1, "comment");
    }
    server.delete(&format!("{MAPPINGS}/{uuid}")).await;
    let mut last = stream.event().await;
    while let Some((_, name, data)) = last {
        if name == "end" {
            assert_eq!(data, json!({ "because": "the mapping is gone" }));
            assert_eq!(stream.next().await, None);
            server.stop().await;
            return;
        }
        last = stream.event().await;
    }
    panic!("the stream ended without saying why");
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let mut server = Server::start().await;
    let uuid = server.created(json!({})).await;
    let mut stream = Stream::open(&server, &format!("/mappings/{uuid}/events")).await;
    server.begin_stop();
    let (_, name, data) = stream.event().await.unwrap();
    assert_eq!(
        (name.as_str(), data),
        ("end", json!({ "because": "the server stops" }))
    );
    assert_eq!(stream.next().await, None);
    timeout(PATIENCE, server.stop())
        .await
        .expect("it stops at once");
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_its_place_is_free_again() {
    let mut limits = ApiLimits::default();
    limits.event_streams = 1;
    limits.write_timeout = Duration::from_millis(200);
    let server = Server::with(Auth::None, limits).await;
    let uuid = server.created(json!({ "BatchSize": 1 })).await;
    let path = format!("/mappings/{uuid}/events");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(head.as_bytes()).unwrap(), head.len());
    stream.readable().await.unwrap();
    let second = Stream::try_open(&server, &path, None).await;
    assert_eq!(second.err(), Some(429));
    until("the stalled reader is cut", async || {
        server.fill(200);
        Stream::try_open(&server, &path, None).await.ok()
    })
    .await;
    drop(stream);
    server.stop().await;
}
