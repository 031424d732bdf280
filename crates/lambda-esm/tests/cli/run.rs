//! `run`: starting, trouble at run time, and stopping.

use std::path::Path;

use serde_json::Value;

use crate::daemon::{Daemon, wait_for};
use crate::fake_sqs::{FakeFunction, FakeSqs};
use crate::support::file;

fn decision(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    line["event"]["decision"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// One mapping from a queue to an HTTP function.
pub(crate) fn one_mapping(
    name: &str,
    queue: &FakeSqs,
    function: &FakeFunction,
    drain_seconds: f64,
) -> String {
    let text = format!(
        "endpoints: {{sqs: '{}'}}\ndrain_seconds: {drain_seconds}\nfunctions:\n  f: {{backend: http, url: '{}'}}\n\
         mappings:\n  - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url, function.url
    );
    file(name, &text)
}

#[test]
fn an_unreachable_endpoint_is_shown_while_other_mappings_go_on() {
    let queue = FakeSqs::with(&["a"]);
    let text = format!(
        "endpoints:\n  sqs: http://127.0.0.1:1\n  arns: {{'arn:aws:sqs:us-east-1:000000000000:orders': '{}'}}\n\
         functions: {{f: {{backend: simulated}}}}\nmappings:\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:gone', FunctionName: f}}\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url
    );
    let path = file("unreachable.yaml", &text);
    let daemon = Daemon::start(&[&path, "--json"]);
    wait_for(&daemon.out, |line| decision(line) == "succeeded");
    daemon.signal("-TERM");
    assert_eq!(daemon.code(), Some(0));

    let daemon = Daemon::start(&[&path]);
    assert!(
        wait_for(&daemon.out, |_| true).starts_with("reads the standard queue gone with up to 10")
    );
    let line = wait_for(&daemon.err, |line| line.contains("WARN"));
    assert!(
        line.contains("http://127.0.0.1:1") && line.contains("queue gone"),
        "{line}"
    );
    assert!(
        line.contains("source=arn:aws:sqs:us-east-1:000000000000:gone"),
        "{line}"
    );
    daemon.signal("-INT");
    assert_eq!(daemon.code(), Some(0));
}

#[test]
fn json_lines_tell_decisions_and_status_changes() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let path = one_mapping("json-lines.yaml", &queue, &function, 5.0);
    let daemon = Daemon::start(&[&path, "--json"]);
    function.answer();
    // A status line may come before or after the decisions.
    let (mut invoked, mut enabled) = (None, None);
    while invoked.is_none() || enabled.is_none() {
        let line = wait_for(&daemon.out, |_| true);
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["event"]["decision"] == "invoked" {
            invoked = Some(line);
        } else if line["status"]["state"] == "Enabled" {
            enabled = Some(line);
        }
    }
    let (invoked, enabled) = (invoked.unwrap(), enabled.unwrap());
    assert_eq!(
        (&invoked["function"], &invoked["event"]["records"]),
        (&"f".into(), &1.into())
    );
    assert!(invoked["time_ms"].as_i64().unwrap() > 0, "{invoked}");
    assert_eq!(invoked["mapping"], enabled["mapping"]);
    assert_eq!(
        enabled["status"]["source"],
        "arn:aws:sqs:us-east-1:000000000000:orders"
    );
}

#[test]
fn what_is_in_flight_is_finished_before_the_end() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let daemon = Daemon::start(&[&one_mapping("drain.yaml", &queue, &function, 60.0)]);
    function.wait_for_call();
    daemon.signal("-TERM");
    wait_for(&daemon.err, |line| {
        line.contains("SIGTERM: finishing what is in flight")
    });
    function.answer();
    wait_for(&daemon.err, |line| line.contains("stopped"));
    assert_eq!(daemon.code(), Some(0));
    assert_eq!(queue.deleted(), ["a"]);
}

#[test]
fn draining_ends_at_its_bound_and_deletes_nothing_unfinished() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let daemon = Daemon::start(&[&one_mapping("bound.yaml", &queue, &function, 0.1)]);
    function.wait_for_call();
    daemon.signal("-INT");
    assert_eq!(daemon.code(), Some(0));
    assert!(queue.deleted().is_empty());
}

#[test]
fn a_second_signal_stops_at_once() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let daemon = Daemon::start(&[&one_mapping("second.yaml", &queue, &function, 900.0)]);
    function.wait_for_call();
    daemon.signal("-TERM");
    wait_for(&daemon.err, |line| {
        line.contains("finishing what is in flight")
    });
    daemon.signal("-INT");
    wait_for(&daemon.err, |line| {
        line.starts_with("error: SIGINT again: stopped before")
    });
    assert_eq!(daemon.code(), Some(1));
    assert!(queue.deleted().is_empty());
}

#[test]
fn processes_of_functions_end_with_the_daemon() {
    let queue = FakeSqs::with(&["a"]);
    let text = format!(
        "endpoints: {{sqs: '{}'}}\ndrain_seconds: 0\nfunctions:\n  f:\n    backend: process\n    \
         command: [sh, -c, 'echo pid $$; exec sleep 1000']\nmappings:\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url
    );
    let daemon = Daemon::start(&[&file("processes.yaml", &text)]);
    let line = wait_for(&daemon.err, |line| line.contains("pid "));
    let process = line
        .split("pid ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    assert!(Path::new("/proc").join(&process).exists(), "{line}");
    daemon.signal("-TERM");
    assert_eq!(daemon.code(), Some(0));
    assert!(!Path::new("/proc").join(&process).exists());
}
