//! `run`: which signals end it, how, and what functions see of them.

use std::fs;
use std::process::Command;

use crate::daemon::{Daemon, wait_for};
use crate::fake_sqs::{FakeFunction, FakeSqs};
use crate::run::one_mapping;
use crate::support::file;

#[test]
fn every_signal_that_asks_to_stop_lets_what_is_in_flight_finish() {
    for name in ["HUP", "INT", "QUIT", "TERM", "XCPU"] {
        let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
        let path = one_mapping(&format!("stop-{name}.yaml"), &queue, &function, 60.0);
        let daemon = Daemon::start(&[&path]);
        function.wait_for_call();
        daemon.signal(&format!("-{name}"));
        let told = format!("SIG{name}: finishing what is in flight");
        wait_for(&daemon.err, |line| line.contains(&told));
        function.answer();
        assert_eq!(daemon.code_in_time(), Some(0), "{name}");
        assert_eq!(queue.deleted(), ["a"], "{name}");
    }
}

#[test]
fn a_terminal_that_closes_sends_sighup_twice_and_cuts_nothing_short() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let daemon = Daemon::start(&[&one_mapping("twice.yaml", &queue, &function, 60.0)]);
    function.wait_for_call();
    for signal in ["-HUP", "-HUP", "-CONT", "-HUP"] {
        daemon.signal(signal);
        if signal == "-CONT" {
            wait_for(&daemon.err, |line| line.contains("finishing"));
        }
    }
    // Signals are seen in the order of their kinds: after this one, the last SIGHUP was.
    daemon.signal("-USR1");
    wait_for(&daemon.err, |line| line.contains("SIGUSR1"));
    function.answer();
    assert_eq!(daemon.code_in_time(), Some(0));
    assert_eq!(queue.deleted(), ["a"]);
}

#[test]
fn signals_that_ask_for_nothing_are_told_and_end_nothing() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let daemon = Daemon::start(&[&one_mapping("nothing.yaml", &queue, &function, 60.0)]);
    function.wait_for_call();
    for name in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XFSZ"] {
        daemon.signal(&format!("-{name}"));
        let told = format!("SIG{name}: nothing to do");
        wait_for(&daemon.err, |line| line.contains(&told));
        daemon.signal("-PIPE");
    }
    function.answer();
    queue.wait_for_deleted(1);
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}

#[test]
fn under_nohup_a_terminal_that_closes_ends_nothing() {
    let (queue, function) = (FakeSqs::with(&["a"]), FakeFunction::start());
    let path = one_mapping("nohup.yaml", &queue, &function, 60.0);
    let daemon = Daemon::start_after("trap '' HUP", &[&path]);
    function.wait_for_call();
    daemon.signal("-HUP");
    daemon.signal("-TERM");
    let line = wait_for(&daemon.err, |line| line.contains("finishing"));
    assert!(line.contains("SIGTERM"), "{line}");
    function.answer();
    assert_eq!(daemon.code_in_time(), Some(0));
}

#[test]
fn a_signal_during_the_start_ends_it_in_order() {
    let path = file("start.fifo", "");
    fs::remove_file(&path).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    for signal in ["-HUP", "-TERM", "-QUIT"] {
        let daemon = Daemon::start(&[&path, "-v"]);
        // Nobody writes the configuration.
        wait_for(&daemon.err, |line| line.contains("the limit of open files"));
        daemon.signal(signal);
        assert_eq!(daemon.code_in_time(), Some(0), "{signal}");
    }
}

/// Returns a line of a process's status as a number.
fn status(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let mask = line.unwrap().split_whitespace().next().unwrap();
    u64::from_str_radix(mask, 16).unwrap()
}

#[test]
fn functions_have_the_signals_and_the_limit_of_open_files_from_before() {
    let queue = FakeSqs::with(&["a"]);
    let tell = "until [ $(ulimit -Sn) = 200 ]; do sleep 0.05; done; echo limit $(ulimit -Sn) $(ulimit -Hn); \
                grep Sig /proc/self/status; exec sleep 1000";
    let text = format!(
        "endpoints: {{sqs: '{}'}}\ndrain_seconds: 0\nfunctions:\n  f: {{backend: process, command: [sh, -c, '{tell}']}}\n\
         mappings:\n  - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n",
        queue.url
    );
    let before = "ulimit -Sn 200; ulimit -Hn 300";
    let daemon = Daemon::start_after(before, &[&file("inherited.yaml", &text)]);
    wait_for(&daemon.err, |line| line.contains("limit 200 300"));
    let mut seen = String::new();
    while !seen.contains("SigCgt") {
        let line = wait_for(&daemon.err, |line| line.contains("Sig"));
        seen += line
            .split(" Sig")
            .nth(1)
            .map(|rest| format!("Sig{rest}\n"))
            .unwrap()
            .as_str();
    }
    let own = fs::read_to_string("/proc/self/status").unwrap();
    assert_eq!(status(&seen, "SigBlk:"), 0, "{seen}");
    // What the C library keeps to itself, such as signal 32, is none of ours.
    const STANDARD: u64 = 0x7fff_ffff;
    let only_there = STANDARD & status(&seen, "SigIgn:") & !status(&own, "SigIgn:");
    assert_eq!(only_there, 0, "{seen}");
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let files: Vec<&str> = files.unwrap().split_whitespace().skip(3).take(2).collect();
    assert_eq!(files, ["300", "300"]);
    daemon.signal("-TERM");
    assert_eq!(daemon.code_in_time(), Some(0));
}
