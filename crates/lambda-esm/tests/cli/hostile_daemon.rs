//! What answers at the daemon's address may not be a daemon: every command comes to an end all the same.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::fake_http;
use crate::support::lambda_esm;

const UUID: &str = "00000000-0000-4000-8000-000000000000";

/// Answers each request with a head, and then with a chunk of a body again and again.
fn endless(head: &'static str, chunk: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || pour(stream, head, chunk));
        }
    });
    url
}

fn pour(mut stream: TcpStream, head: &str, chunk: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    stream
        .write_all(format!("HTTP/1.1 {head}\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes())?;
    let chunk = chunk.repeat(64 * 1024 / chunk.len());
    let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
    loop {
        stream.write_all(chunk.as_bytes())?;
    }
}

fn fails(url: &str, command: &[&str], words: &str) {
    let (verb, rest) = command.split_first().unwrap();
    let said = lambda_esm(&[&[verb, "--endpoint", url], rest].concat());
    assert_eq!(said.code, 1, "{command:?}: {said:?}");
    assert!(said.err.contains(words), "{command:?}: {said:?}");
    assert!(
        said.err.len() < 10_000 && said.out.is_empty(),
        "{command:?}"
    );
}

#[test]
fn answers_without_end_are_given_up() {
    let json = endless("200 OK\r\ncontent-type: application/json", "0,");
    let list = ["mappings", "list"];
    let follow = ["mappings", "events", "--follow", UUID];
    for command in [&list[..], &["mappings", "get", UUID], &["top", "--once"]] {
        fails(
            &json,
            command,
            "answers without end: more than 67108864 bytes",
        );
    }
    fails(&json, &follow, "an event of more than 4194304 bytes");
    let refusal = endless("400 Bad Request\r\nx-amzn-errortype: X", "0,");
    for command in [&list[..], &follow] {
        fails(
            &refusal,
            command,
            "answers without end: more than 65536 bytes",
        );
    }
}

#[test]
fn a_list_that_leads_nowhere_new_is_given_up() {
    for marker in ["same", "sp ace&x=1"] {
        let page = format!("{{\"EventSourceMappings\": [], \"NextMarker\": \"{marker}\"}}");
        let url = fake_http::serve(move |_| (200, page.clone()));
        let words = format!("gives the marker '{marker}' for the next page");
        fails(&url, &["mappings", "list"], &words);
    }
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let url = fake_http::serve(move |_| {
        let page = count.fetch_add(1, Ordering::Relaxed);
        (
            200,
            format!("{{\"EventSourceMappings\": [], \"NextMarker\": \"m{page}\"}}"),
        )
    });
    fails(
        &url,
        &["mappings", "list"],
        "lists mappings without end: more than 1000 pages",
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1_000);
}

#[test]
fn a_long_refusal_is_not_repeated_whole() {
    let body = format!("{{\"message\": \"{}\"}}", "x".repeat(60_000));
    let url = fake_http::serve(move |_| (400, body.clone()));
    fails(&url, &["mappings", "list"], "(60013 characters)");
}
