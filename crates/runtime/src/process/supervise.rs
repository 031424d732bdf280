//! Watches one child from its start to its end.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::excerpt::excerpt;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::group::ProcessGroup;
use super::logs::{LogStream, LogTarget};

/// The grace when a backend is dropped without [`shutdown`](super::ProcessBackend::shutdown).
const DROP_GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the rest of the output of a process that ended. Only a descendant that left the
/// process group can hold the pipes open for longer.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// The most of a last error line that is shown, in bytes.
const ERROR_EXCERPT: usize = 300;

/// How a child ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    how: String,
    /// The last line on standard error, empty if there is none.
    last_error: String,
}

impl Ended {
    pub(crate) fn lost() -> Self {
        Self {
            how: "runtime lost".to_owned(),
            last_error: String::new(),
        }
    }

    /// Says how the runtime ended, `when` it did, and what it said last.
    pub(crate) fn words(&self, when: &str) -> String {
        let Self { how, last_error } = self;
        if last_error.is_empty() {
            return format!("{how}{when}");
        }
        format!("{how}{when}; its last error line: {last_error}")
    }
}

/// Says when all environments are to end: `Some(grace)`, or the sender is gone.
pub(crate) type Stop = watch::Receiver<Option<Duration>>;

/// Kills the group and forgets its number when dropped: the leader was waited for, or never will be.
struct Reap(Arc<ProcessGroup>);

impl Drop for Reap {
    fn drop(&mut self) {
        self.0.reaped();
    }
}

/// Waits for `child`, empties its pipes, and then publishes how it ended. Ends it first if `stop` says so.
pub(crate) async fn supervise(
    mut child: Child,
    group: Arc<ProcessGroup>,
    logs: LogTarget,
    mut stop: Stop,
    ended: watch::Sender<Option<Ended>>,
) {
    let reap = Reap(Arc::clone(&group));
    let mut output = JoinSet::new();
    if let Some(stdout) = child.stdout.take() {
        output.spawn(logs.clone().pump(LogStream::Stdout, stdout));
    }
    if let Some(stderr) = child.stderr.take() {
        output.spawn(logs.clone().pump(LogStream::Stderr, stderr));
    }
    let status = tokio::select! {
        status = child.wait() => status,
        grace = stopping(&mut stop) => {
            group.terminate();
            match tokio::time::timeout(grace, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    group.kill();
                    child.wait().await
                }
            }
        }
    };
    drop(reap);
    let all = async { while output.join_next().await.is_some() {} };
    if tokio::time::timeout(OUTPUT_GRACE, all).await.is_err() {
        tracing::debug!(function = %logs.function, "a descendant keeps a function's output open");
    }
    let how = match status {
        Ok(status) => describe(status),
        Err(error) => format!("runtime lost: {error}"),
    };
    let last_error = excerpt(logs.last_error.get().trim(), ERROR_EXCERPT);
    ended.send_replace(Some(Ended { how, last_error }));
}

async fn stopping(stop: &mut Stop) -> Duration {
    stop.wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|grace| *grace)
        .unwrap_or(DROP_GRACE)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("runtime exited with status {code}"),
        (None, Some(signal)) => format!("runtime was ended by signal {signal}"),
        (None, None) => format!("runtime ended: {status}"),
    }
}
