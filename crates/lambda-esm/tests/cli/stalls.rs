//! `run`, whose standard output and error nobody reads, or nobody any more.

use std::io::{BufRead as _, BufReader};

use crate::daemon::{Daemon, wait_for};
use crate::fake_http::serve;
use crate::fake_sqs::FakeSqs;
use crate::support::{command, file};

/// How many messages make more lines than a pipe holds, whatever is told of them.
const MESSAGES: usize = 300;

/// A queue with many messages, and the configuration of a function that takes them all.
fn many_messages(name: &str) -> (FakeSqs, String) {
    let bodies: Vec<String> = (0..MESSAGES).map(|index| format!("m{index}")).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let queue = FakeSqs::with(&bodies);
    let function = serve(|_| (200, "null".to_owned()));
    let text = format!(
        "endpoints: {{sqs: '{}'}}\nfunctions: {{f: {{backend: http, url: '{function}'}}}}\nmappings:\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f, BatchSize: 1}}\n",
        queue.url
    );
    let path = file(name, &text);
    (queue, path)
}

#[test]
fn a_log_that_nobody_reads_stops_neither_deliveries_nor_the_end() {
    let (queue, path) = many_messages("stalled-log.yaml");
    let (daemon, _unread) = Daemon::unread(command(&["run", &path, "-vv"]));
    queue.wait_for_deleted(MESSAGES);
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}

#[test]
fn a_log_whose_reader_went_away_stops_neither_deliveries_nor_the_end() {
    let (queue, path) = many_messages("closed-log.yaml");
    let (daemon, [_unread, err]) = Daemon::unread(command(&["run", &path, "-v"]));
    drop(err);
    queue.wait_for_deleted(MESSAGES);
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}

#[test]
fn decisions_that_nobody_reads_stop_neither_deliveries_nor_the_end() {
    let (queue, path) = many_messages("stalled-json.yaml");
    let (daemon, [_unread, err]) = Daemon::unread(command(&["run", &path, "--json"]));
    queue.wait_for_deleted(MESSAGES);
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
    let log: Vec<String> = BufReader::new(err).lines().map_while(Result::ok).collect();
    let told = log
        .iter()
        .any(|line| line.contains("nobody reads standard output"));
    assert!(told, "{log:#?}");
}

#[test]
fn decisions_whose_reader_went_away_end_the_daemon_in_order() {
    let (_queue, path) = many_messages("closed-json.yaml");
    let (daemon, [out, err]) = Daemon::unread(command(&["run", &path, "--json"]));
    drop(out);
    assert_eq!(daemon.code_in_time(), Some(141));
    let log: Vec<String> = BufReader::new(err).lines().map_while(Result::ok).collect();
    assert!(
        log.iter().all(|line| !line.contains("panicked")),
        "{log:#?}"
    );
}

#[test]
fn a_failure_that_nobody_reads_ends_with_its_exit_code() {
    // A pipe that is full already.
    let path = file("unread-failure.yaml", "colour: red\n");
    let fill = "dd if=/dev/zero bs=65536 count=1 >&2 2>/dev/null";
    let before = format!("{fill}; true");
    let command = crate::support::command_after(&before, &["run", &path]);
    let (daemon, _unread) = Daemon::unread(command);
    assert_eq!(daemon.code_in_time(), Some(78));
}

#[test]
fn what_a_function_prints_cannot_steer_the_terminal_that_shows_the_log() {
    let queue = FakeSqs::with(&["a"]);
    let print =
        r"printf 'said a\rb\013c\033[2Jd\342\200\256e\342\200\250f\302\233g\n'; exec sleep 1000";
    let text = format!(
        "endpoints: {{sqs: '{}'}}\ndrain_seconds: 0\nfunctions:\n  f: {{backend: process, command: [sh, -c, \"{}\"]}}\n\
         mappings:\n  - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url,
        print.replace('\\', "\\\\")
    );
    let daemon = Daemon::start(&[&file("steering.yaml", &text)]);
    let line = wait_for(&daemon.err, |line| line.contains("said a"));
    let shown = r"said a\rb\u{b}c\u{1b}[2Jd\u{202e}e\u{2028}f\u{9b}g";
    assert!(line.contains(shown), "{line:?}");
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}
