//! Clients of the API that send too much, too slowly, or nothing, and that do not read.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use lambda_esm_tests::Sqs;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::scene::{MAPPINGS, Scene};

/// How long the clients of a row stay.
const STAY: Duration = Duration::from_secs(8);

/// A kind of hostile client.
struct Row {
    name: &'static str,
    clients: usize,
    /// What each sends, by the address of the API.
    sends: fn(SocketAddr) -> Vec<u8>,
    /// How often it is sent, with a second between.
    times: usize,
    /// Whether they read what they are sent.
    read: bool,
}

fn rows() -> Vec<Row> {
    let row = |name, clients, times, read, sends| Row {
        name,
        clients,
        sends,
        times,
        read,
    };
    vec![
        row("silent", 600, 1, true, |_| Vec::new()),
        row("half-a-head", 600, 1, true, |api| {
            format!("POST {MAPPINGS} HTTP/1.1\r\nHost: {api}\r\n").into()
        }),
        row("dribbled-heads", 600, 8, true, |_| b"GET".to_vec()),
        row("bodies-that-never-come", 600, 1, true, |api| {
            head(api, "POST", MAPPINGS, 500_000).into()
        }),
        row("health-with-a-body-that-never-comes", 600, 1, true, |api| {
            head(api, "GET", "/healthz", 500_000).into()
        }),
        row("dribbled-bodies", 600, 8, true, |api| {
            (head(api, "POST", MAPPINGS, 8_000) + "{").into()
        }),
        row("deaf-to-refusals", 60, 8, false, |api| {
            let body = format!("{{\"FunctionName\":\"{}\"}}", "-".repeat(1_000_000));
            (head(api, "POST", MAPPINGS, body.len()) + &body).into()
        }),
        row("deaf-to-many-violations", 60, 8, false, |api| {
            let filters = vec![json!({ "Pattern": "{\"a\":[{\"nonsense\":1}]}" }); 10_000];
            let body = json!({ "FunctionName": "any", "EventSourceArn": "arn:aws:sqs:us-east-1:0:q",
                "FilterCriteria": { "Filters": filters } });
            let body = body.to_string();
            (head(api, "POST", MAPPINGS, body.len()) + &body).into()
        }),
        row("deaf-and-pipelined", 30, 8, false, |api| {
            format!("GET /status HTTP/1.1\r\nHost: {api}\r\n\r\n")
                .repeat(2_000)
                .into()
        }),
        row("long-paths", 60, 8, false, |api| {
            format!(
                "GET /{} HTTP/1.1\r\nHost: {api}\r\n\r\n",
                "a".repeat(30_000)
            )
            .into()
        }),
        row("endless-headers", 60, 8, true, |api| {
            let headers = "A: b\r\n".repeat(100_000);
            format!("GET / HTTP/1.1\r\nHost: {api}\r\n{headers}").into()
        }),
        row("binary", 200, 2, true, |_| vec![0x16; 100_000]),
        row("contradictory", 100, 2, true, |api| {
            format!(
                "POST {MAPPINGS} HTTP/1.1\r\nHost: {api}\r\nContent-Length: 5\r\nContent-Length: 50\r\n\
                 Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"
            )
            .into()
        }),
    ]
}

fn head(api: SocketAddr, method: &str, path: &str, length: usize) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: {api}\r\nContent-Length: {length}\r\n\r\n")
}

async fn attack(row: &Row, api: SocketAddr) {
    let data = Bytes::from((row.sends)(api));
    let data = &data;
    let clients = (0..row.clients).map(|client| async move {
        // Within a second, so that what is seen is not the speed of this machine at connecting.
        sleep(Duration::from_millis(client.try_into().unwrap())).await;
        let Ok(mut stream) = TcpStream::connect(api).await else {
            return;
        };
        for _ in 0..row.times {
            let written = stream.write_all(data);
            // The server may close, or stop reading.
            if !matches!(timeout(STAY, written).await, Ok(Ok(()))) {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
        if row.read {
            let mut answer = Vec::new();
            drop(timeout(STAY, stream.read_to_end(&mut answer)).await);
        } else {
            sleep(STAY).await;
        }
    });
    drop(timeout(STAY, join_all(clients)).await);
}

/// A request that is legal in every number, and whose patterns multiply out to many alternatives of many fields.
fn costly_filters(name: &str) -> Value {
    let branches = |prefix: &str, count: usize| -> Vec<Value> {
        (0..count)
            .map(|at| json!({ (format!("{prefix}{at}")): [1] }))
            .collect()
    };
    let mut pattern = json!({ "$or": branches("a", 31), "b": { "$or": branches("c", 32) } });
    for at in 0.. {
        pattern[format!("f{at}")] = json!([1]);
        if pattern.to_string().len() > 4_080 {
            pattern.as_object_mut().unwrap().remove(&format!("f{at}"));
            break;
        }
    }
    let filters = vec![json!({ "Pattern": pattern.to_string() }); 5];
    json!({
        "FunctionName": "any",
        "EventSourceArn": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        "FilterCriteria": { "Filters": filters },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_takes_memory_or_time_from_another_mapping() {
    let Some(sqs) = Sqs::elasticmq() else {
        return;
    };
    let functions = Map::from_iter([("any".to_owned(), json!({ "backend": "simulated" }))]);
    let scene = Scene::start(&sqs, functions, Map::new()).await;
    for row in rows() {
        scene.during(row.name, attack(&row, scene.api)).await;
    }
    let costly = async {
        let names: Vec<String> = (0..6).map(|at| format!("costly-{at}")).collect();
        let made = names.iter().map(|name| async {
            let answer = scene.post(MAPPINGS, &costly_filters(name)).await;
            let (status, answer) = answer.unwrap_or_else(|error| (0, error));
            // It is taken or refused: in any case at once, and what is refused is not kept.
            if !matches!(status, 202 | 400) || answer.len() > 64 * 1024 {
                scene.wrong(name, format!("{status}: {answer:.200}"));
            }
            if status == 202 {
                let answer: Value = serde_json::from_str(&answer).unwrap();
                scene.delete(name, answer["UUID"].as_str().unwrap()).await;
            }
        });
        join_all(made).await;
    };
    scene.during("costly filters", costly).await;
    scene.stop().await;
}
