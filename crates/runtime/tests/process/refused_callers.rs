//! Who may speak at the Runtime API, what, and how much of it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lambda_esm_core::fault::InvokeError;
use serde_json::json;

use crate::support::{PATIENCE, backend, eventually, invoke, logging_backend, scripted};

/// Asks the Runtime API as a runtime would, and returns how many bytes it answered.
fn ask(api: &str, what: &str) -> usize {
    let Ok(mut stream) = TcpStream::connect(api) else {
        return 0;
    };
    let request = format!("{what} HTTP/1.1\r\nHost: {api}\r\nContent-Length: 2\r\n\r\n{{}}");
    // It may be closed before that is written or read.
    if stream.write_all(request.as_bytes()).is_err() {
        return 0;
    }
    stream.read(&mut [0; 1024]).unwrap_or(0)
}

#[tokio::test]
async fn nobody_but_the_environment_gets_an_event_or_is_heard() {
    let backend = backend(scripted(&[]));
    let environment = invoke(&backend, json!({"do": "environment"})).await;
    let api = environment.unwrap()["AWS_LAMBDA_RUNTIME_API"]
        .as_str()
        .unwrap()
        .to_owned();
    let (stop, tries, answers) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let shared = Arc::new((stop, tries, answers));
    let requests = [
        "GET /2018-06-01/runtime/invocation/next",
        "POST /2018-06-01/runtime/init/error",
    ];
    let attackers = requests.map(|request| {
        let (shared, api) = (Arc::clone(&shared), api.clone());
        std::thread::spawn(move || {
            while !shared.0.load(Ordering::Relaxed) {
                let answer = ask(&api, request);
                shared.1.fetch_add(1, Ordering::Relaxed);
                shared.2.fetch_add(answer as u64, Ordering::Relaxed);
            }
        })
    });
    let tried = |so_often| shared.1.load(Ordering::Relaxed) >= so_often;
    for n in 0..100 {
        eventually("they try again", || tried(2 * n)).await;
        let response = invoke(&backend, json!({ "n": n })).await.unwrap();
        assert_eq!(response["event"], json!({ "n": n }));
    }
    shared.0.store(true, Ordering::Relaxed);
    eventually("they have all been refused", || {
        attackers.iter().all(std::thread::JoinHandle::is_finished)
    })
    .await;
    assert_eq!(shared.2.load(Ordering::Relaxed), 0, "bytes were answered");
}

#[tokio::test]
async fn all_processes_of_an_environment_are_heard_however_they_connect() {
    const HEARD: u16 = 404;
    let backend = backend(scripted(&[]));
    let mut table = vec![
        ("itself", HEARD),
        ("a child", HEARD),
        ("a grandchild", HEARD),
        ("an orphan", HEARD),
        ("a child of its own group", HEARD),
        ("an orphan of its own session", 0),
    ];
    if Path::new("/proc/net/tcp6").exists() {
        table.push(("itself over IPv6", HEARD));
    }
    for (whom, status) in table {
        let seen = invoke(&backend, json!({"do": "ask by", "whom": whom})).await;
        assert_eq!(seen.unwrap(), json!(status), "{whom}");
    }
}

#[tokio::test]
async fn what_no_runtime_says_is_refused_before_its_body_is_read() {
    let path = "/2018-06-01/runtime";
    let table = [
        (format!("GET {path}/x HTTP/1.1\r\nHost: API"), 404),
        (format!("GET {path}/x HTTP/1.1"), 403),
        (format!("GET {path}/x HTTP/1.1\r\nHost: localhost"), 403),
        (
            format!("GET {path}/x HTTP/1.1\r\nHost: API\r\nOrigin: null"),
            403,
        ),
        (
            format!("GET {path}/x HTTP/1.1\r\nHost: API\r\nSec-Fetch-Site: none"),
            403,
        ),
        (
            format!("GET {path}/x HTTP/1.1\r\nHost: API\r\nHost: API"),
            400,
        ),
        (
            format!("POST {path}/init/error HTTP/1.1\r\nHost: API\r\nContent-Length: 6000000"),
            403,
        ),
        (
            format!(
                "POST {path}/invocation/x/response HTTP/1.1\r\nHost: API\r\nContent-Length: 6000000"
            ),
            400,
        ),
        (
            format!(
                "POST {path}/invocation/x/error HTTP/1.1\r\nHost: API\r\nContent-Length: 6000000"
            ),
            400,
        ),
    ];
    let texts: Vec<_> = table
        .iter()
        .map(|(text, _)| format!("{text}\r\n\r\n"))
        .collect();
    let backend = backend(scripted(&[]));
    let seen = invoke(&backend, json!({"do": "say", "texts": texts})).await;
    let seen: Vec<u16> = serde_json::from_value(seen.unwrap()).unwrap();
    for ((text, status), seen) in table.iter().zip(seen) {
        assert_eq!(seen, *status, "{text}");
    }
}

#[tokio::test]
async fn one_answer_is_heard_at_a_time() {
    let (backend, mut lines) = logging_backend(scripted(&[]));
    let response = invoke(&backend, json!({"do": "flood"})).await.unwrap();
    assert_eq!(response.as_str().map(str::len), Some(6_000_000));
    let line = tokio::time::timeout(PATIENCE, lines.recv()).await.unwrap();
    let expected = "statuses 100 403 403 403 403 403 202";
    assert_eq!(line.unwrap().text, expected);
}

/// Counts the descriptors of this process that are connections at a port of its own.
fn connections_at(api: &str) -> usize {
    let port = api.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let sockets: BTreeSet<String> = rows
        .filter(|row| row[1].ends_with(&local) && row[3] != "0A")
        .map(|row| format!("socket:[{}]", row[9]))
        .collect();
    let ours = std::fs::read_dir("/proc/self/fd").unwrap();
    ours.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|link| sockets.contains(&*link.to_string_lossy()))
        .count()
}

#[tokio::test]
async fn a_function_with_a_thousand_connections_takes_few_descriptors_and_harms_itself_only() {
    let config = scripted(&[]).with_timeout(Duration::from_secs(5));
    let (greedy, mut lines) = logging_backend(config);
    let other = backend(scripted(&[]));
    invoke(&other, json!({})).await.unwrap();
    let attack = json!({"do": "connect", "count": 900});
    let attack = tokio::spawn(async move { invoke(&greedy, attack).await });
    let line = tokio::time::timeout(PATIENCE, lines.recv()).await.unwrap();
    let api = line.unwrap().text;
    // The one of `/next` has ended or is among them.
    eventually("as many are open as may be", || connections_at(&api) == 16).await;
    while !attack.is_finished() {
        assert!(connections_at(&api) <= 16);
        invoke(&other, json!({})).await.unwrap();
    }
    let expected = "Sandbox.Timedout: Task timed out after 5.00 seconds";
    assert_eq!(attack.await.unwrap(), Err(InvokeError::function(expected)));
    assert_eq!(connections_at(&api), 0);
}
