//! What the tests of the process backend share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{InvokeBackend, InvokeRequest, Run};
use lambda_esm_runtime::process::{LogLine, LogSink, ProcessBackend, ProcessConfig};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::mpsc;

/// How long a test waits for what must happen, before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A function on the scripted runtime beside this file, with a timeout nobody meets by accident.
pub(crate) fn scripted(env: &[(&str, &str)]) -> ProcessConfig {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/runtime.py");
    let command = vec!["python3".to_owned(), script.display().to_string()];
    config(command)
        .with_timeout(Duration::from_secs(60))
        .with_env(strings(env))
}

pub(crate) fn config(command: Vec<String>) -> ProcessConfig {
    ProcessConfig::new("orders", command)
}

pub(crate) fn strings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) fn backend(config: ProcessConfig) -> Arc<ProcessBackend> {
    Arc::new(ProcessBackend::new(config).unwrap())
}

pub(crate) fn logging_backend(
    config: ProcessConfig,
) -> (Arc<ProcessBackend>, mpsc::UnboundedReceiver<LogLine>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let sink: LogSink = Arc::new(move |line| drop(sender.send(line)));
    (
        Arc::new(ProcessBackend::new(config).unwrap().with_log_sink(sink)),
        receiver,
    )
}

pub(crate) fn request(event: &Value) -> InvokeRequest {
    InvokeRequest::new(
        Arc::new(FunctionRef::parse("orders").unwrap()),
        Bytes::from(event.to_string()),
    )
}

/// Returns the answer or the error, without the ids that differ each time.
pub(crate) async fn invoke(backend: &ProcessBackend, event: Value) -> Result<Value, InvokeError> {
    let call = backend.invoke(request(&event));
    let body = tokio::time::timeout(PATIENCE, call)
        .await
        .expect("the invocation ends")
        .map_err(|error| error.of(Run::default()))?;
    Ok(serde_json::from_slice(&body.payload).expect("a JSON response"))
}

/// The process id in a response of the scripted runtime.
pub(crate) fn pid(response: &Value) -> u64 {
    response["pid"].as_u64().unwrap()
}

/// Ends a process as a crash would, and returns when it is dead. It blocks, so that nothing in this thread's
/// tokio runtime can learn of it meanwhile.
pub(crate) fn kill(pid: u64) {
    let process = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(process, Signal::KILL).unwrap();
    while is_running(pid) {
        std::thread::yield_now();
    }
}

/// Names the file to which the daemon writes its function's process id.
const DAEMON_FILE: &str = "LAMBDA_ESM_TEST_DAEMON_FILE";

/// Kills a daemon whose function is idle, and waits for the function's process to end.
///
/// The daemon is this test program once more, told by a variable to play that part in the test `name`.
pub(crate) fn kill_the_daemon(name: &str, config: impl FnOnce() -> ProcessConfig) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Ok(file) = std::env::var(DAEMON_FILE) {
        return runtime.block_on(be_the_daemon(config(), Path::new(&file)));
    }
    let folder = Folder::new();
    let file = folder.file("pid");
    let daemon = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(DAEMON_FILE, &file)
        .spawn()
        .unwrap();
    let daemon = Daemon(daemon);
    let function = runtime.block_on(pid_in(&file));
    assert!(is_running(function));
    drop(daemon);
    runtime.block_on(eventually("the function's process is gone", || {
        !is_running(function)
    }));
}

/// Runs `daemon` in a process of its own, so that it may be done what the other tests here would not bear, and
/// `meanwhile` in this one; both are given a folder. The daemon is this test program once more, told by a variable
/// to play that part in the test `name`.
pub(crate) fn in_a_daemon(
    name: &str,
    daemon: impl AsyncFnOnce(&Path),
    meanwhile: impl FnOnce(&std::process::Child, &Folder),
) {
    const FOLDER: &str = "LAMBDA_ESM_TEST_DAEMON_FOLDER";
    // Says that there is a test of this name, and that it ran.
    const RAN: &str = "ran";
    if let Some(folder) = std::env::var_os(FOLDER) {
        std::fs::write(Path::new(&folder).join(RAN), "").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(daemon(Path::new(&folder)));
    }
    let folder = Folder::new();
    let daemon = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder.path())
        .spawn()
        .unwrap();
    let mut daemon = Daemon(daemon);
    meanwhile(&daemon.0, &folder);
    assert!(daemon.0.wait().unwrap().success());
    assert!(folder.path().join(RAN).exists(), "no test is called {name}");
}

/// A daemon that is killed when dropped, even by a failing test.
struct Daemon(std::process::Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn be_the_daemon(config: ProcessConfig, file: &Path) {
    let backend = backend(config);
    let process = pid(&invoke(&backend, serde_json::json!({})).await.unwrap());
    let part = file.with_extension("part");
    std::fs::write(&part, process.to_string()).unwrap();
    std::fs::rename(part, file).unwrap();
    std::future::pending::<()>().await;
}

/// Tells whether a process of that id exists and is not a zombie.
pub(crate) fn is_running(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .trim_start()
            .starts_with('Z')
    })
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "never happened: {what}"
    );
}

/// Waits for a process id that a function writes to `file`.
pub(crate) async fn pid_in(file: &Path) -> u64 {
    eventually("the function writes its process id", || file.exists()).await;
    std::fs::read_to_string(file).unwrap().parse().unwrap()
}

/// A folder of its own for one test, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("lambda-esm-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
