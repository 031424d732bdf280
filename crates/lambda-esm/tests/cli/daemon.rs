//! A running daemon.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Said, command, command_after, lambda_esm};

/// Long enough for a busy machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running daemon. Killed if the test ends before it does.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) out: Receiver<String>,
    pub(crate) err: Receiver<String>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Daemon {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(command(&[&["run"], arguments].concat()))
    }

    /// Starts a daemon from a shell that has run `before`.
    pub(crate) fn start_after(before: &str, arguments: &[&str]) -> Self {
        Self::of(command_after(before, &[&["run"], arguments].concat()))
    }

    fn of(command: Command) -> Self {
        let (mut daemon, [out, err]) = Self::unread(command);
        (daemon.out, daemon.err) = (lines(out), lines(err));
        daemon
    }

    /// Starts a daemon whose standard output and error nobody reads yet.
    pub(crate) fn unread(mut command: Command) -> (Self, [File; 2]) {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = OwnedFd::from(child.stdout.take().unwrap());
        let err = OwnedFd::from(child.stderr.take().unwrap());
        let nothing = || channel().1;
        let daemon = Self {
            child,
            out: nothing(),
            err: nothing(),
        };
        (daemon, [out, err].map(File::from))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Returns the exit code if the end comes within a bound.
    pub(crate) fn code_in_time(mut self) -> Option<i32> {
        const STEP: Duration = Duration::from_millis(20);
        for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            thread::sleep(STEP);
        }
        None
    }
}

/// A daemon, and where its API is.
pub(crate) struct Served {
    pub(crate) daemon: Daemon,
    pub(crate) endpoint: String,
}

impl Served {
    pub(crate) fn start(path: &str) -> Self {
        let daemon = Daemon::start(&[path]);
        let told = "the Lambda API for event source mappings is at ";
        let line = wait_for(&daemon.err, |line| line.contains(told));
        let endpoint = line.split(told).nth(1).unwrap().to_owned();
        Self { daemon, endpoint }
    }

    pub(crate) fn mappings(&self, arguments: &[&str]) -> Said {
        let before = ["mappings", "--endpoint", &self.endpoint];
        lambda_esm(&[&before, arguments].concat())
    }

    /// Runs a command that succeeds and prints one JSON value.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.mappings(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }
}

pub(crate) fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    lines
}

/// Waits for a line of which `wanted` holds.
pub(crate) fn wait_for(lines: &Receiver<String>, wanted: impl Fn(&str) -> bool) -> String {
    let mut seen = Vec::new();
    loop {
        let line = lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("{error}: {seen:#?}"));
        if wanted(&line) {
            return line;
        }
        seen.push(line);
    }
}
