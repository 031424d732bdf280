//! The `lambda-esm` command as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// Returns the command that was built beside the running test.
///
/// # Panics
/// Panics if there is none: it belongs to another package, which cargo does not build for this one's tests.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("lambda-esm");
    assert!(
        binary.is_file(),
        "{} is missing: build it with `cargo build -p lambda-esm --features full`, for a bench with --release",
        binary.display()
    );
    binary
}

/// A running `lambda-esm run --json`. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    log: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
    api: watch::Receiver<Option<String>>,
}

/// What its log says before the endpoint of its API.
const API: &str = "the Lambda API for event source mappings is at ";

impl Daemon {
    /// Starts it with a configuration, which is written into `folder`.
    #[must_use]
    pub fn start(folder: &Path, configuration: &Value) -> Self {
        Self::start_with(folder, configuration, &[])
    }

    /// The same, with further variables in its environment.
    #[must_use]
    pub fn start_with(folder: &Path, configuration: &Value, variables: &[(&str, &str)]) -> Self {
        let file = folder.join("lambda-esm.yaml");
        fs::write(&file, configuration.to_string()).unwrap();
        Self::spawn(&file, variables)
    }

    /// Starts it with a configuration file.
    #[must_use]
    pub fn run(file: &Path) -> Self {
        Self::spawn(file, &[])
    }

    fn spawn(file: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .args(["run", "--json"])
            .arg(file)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let sink = lines.clone();
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                let line = serde_json::from_str(&line).unwrap();
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let (found, api) = watch::channel(None);
        let logged = Arc::<Mutex<Vec<String>>>::default();
        let sink = logged.clone();
        tokio::spawn(async move {
            // Through the macro, so that the log is shown only if the test fails.
            while let Ok(Some(line)) = log.next_line().await {
                println!("{line}");
                if let Some((_, endpoint)) = line.split_once(API) {
                    found.send_replace(Some(endpoint.trim().to_owned()));
                }
                sink.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Self {
            child,
            lines,
            log: logged,
            reader,
            api,
        }
    }

    /// Waits until it serves its API, and returns the endpoint.
    pub async fn api(&self) -> String {
        let mut api = self.api.clone();
        let endpoint = timeout(PATIENCE, api.wait_for(Option::is_some)).await;
        let endpoint = endpoint.unwrap_or_else(|_| panic!("no API within {PATIENCE:?}"));
        endpoint.unwrap().clone().unwrap()
    }

    /// Returns its resident memory in KiB.
    #[must_use]
    pub fn resident(&self) -> u64 {
        resident(self.pid())
    }

    /// Returns its process identifier.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Returns what it printed so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns what it logged so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Halts it as it is, until it [goes on](Self::go_on).
    pub fn halt(&self) {
        self.send(Signal::STOP);
    }

    /// Lets it go on after a halt.
    pub fn go_on(&self) {
        self.send(Signal::CONT);
    }

    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Kills it, without a chance to clean up.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop with `SIGTERM`, and waits for its end. Returns its status and all it printed.
    pub async fn stop(mut self) -> (ExitStatus, Vec<Value>) {
        self.send(Signal::TERM);
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status
            .unwrap_or_else(|_| panic!("did not stop within {PATIENCE:?}"))
            .unwrap();
        (&mut self.reader).await.unwrap();
        (status, self.lines())
    }
}

/// Returns the resident memory of a process in KiB.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().split_whitespace().next();
    number.unwrap().parse().unwrap()
}

/// Returns the processes that have `text` in their environment.
#[must_use]
pub fn processes_with(text: &str) -> Vec<u32> {
    let text = text.as_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end while it is looked at, or belong to somebody else.
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(text.len()).any(|part| part == text) {
            found.push(pid);
        }
    }
    found
}
