//! What is shown of a function's URL, and of what it answers: in the log, in decisions, status and screens.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::daemon::{Daemon, Served, wait_for};
use crate::fake_http::serve;
use crate::fake_sqs::FakeSqs;
use crate::support::{file, lambda_esm};

/// What the function answers: its own URL, which it knows, and characters that steer terminals.
const ANSWER: &str =
    "no POST /hook?code=hunter2 \r\u{b}\u{1b}[2J\u{9b}\u{202e}\u{2066}\u{2028}here";
const SHOWN: &str = r"no POST /hook?(not shown) \r\u{b}\u{1b}[2J\u{9b}\u{202e}\u{2066}\u{2028}here";

/// A function that refuses everything, behind a URL with a key.
fn refusing(name: &str, more: &str) -> String {
    let queue = FakeSqs::with(&["a"]);
    let function = serve(|_| (404, ANSWER.to_owned()));
    let text = format!(
        "endpoints: {{sqs: '{}'}}\ndrain_seconds: 0\n{more}functions: {{f: {{backend: http, url: '{function}/hook?code=hunter2'}}}}\n\
         mappings:\n  - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url
    );
    file(name, &text)
}

/// Asserts that a text shows the answer, and neither the key nor what steers terminals.
fn assert_shown(what: &str, text: &str, shown: &str) {
    assert!(text.contains(shown), "{what}: {text:?}");
    let steers = |letter: char| {
        letter.is_control() && letter != '\n'
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(
        !text.contains("hunter2") && !text.contains(steers),
        "{what}: {text:?}"
    );
}

fn get(endpoint: &str, path: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn status_decisions_and_screens_show_neither_the_query_of_a_url_nor_what_steers_a_terminal() {
    let served = Served::start(&refusing("shown.yaml", "api: {listen: '127.0.0.1:0'}\n"));
    let line = wait_for(&served.daemon.err, |line| line.contains("no POST"));
    assert_shown("log", &line, SHOWN);
    let escaped = SHOWN.replace('\\', "\\\\");
    assert_shown("/status", &get(&served.endpoint, "/status"), &escaped);
    let listed = served.json(&["list", "--json"]);
    let uuid = listed["EventSourceMappings"][0]["UUID"].as_str().unwrap();
    let events = get(
        &served.endpoint,
        &format!("/mappings/{uuid}/events?last=100"),
    );
    assert_shown("/events", &events, &escaped);
    assert_shown(
        "mappings events",
        &served.mappings(&["events", uuid]).out,
        SHOWN,
    );
    assert_shown("mappings list", &served.mappings(&["list"]).out, SHOWN);
    let top = lambda_esm(&["top", "--once", "--endpoint", &served.endpoint]);
    assert_shown("top", &top.out, SHOWN);
}

#[test]
fn decisions_as_json_and_check_show_no_query_of_a_url() {
    let path = refusing("shown-json.yaml", "");
    let daemon = Daemon::start(&[&path, "--json", "-v"]);
    let line = wait_for(&daemon.out, |line| line.contains("\"deferred\""));
    assert_shown("--json", &line, &SHOWN.replace('\\', "\\\\"));
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
    let said = lambda_esm(&["check", &path]).out;
    assert_shown("check", &said, "/hook");
}
