//! One execution environment: a child process and its Runtime API.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_engine::patience::overdue;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::config::ProcessConfig;
use super::dialogue::{Answer, Dialogue, Invocation};
use super::group::ProcessGroup;
use super::launch::spawn;
use super::logs::{LastError, LogSink, LogTarget};
use super::refused_callers::RefusedCallers;
use super::runtime_api::Api;
use super::server::serve;
use super::supervise::{Ended, Stop, supervise};

/// The init phase's limit (Lambda developer guide, "Lambda execution environment lifecycle").
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// What environments of one function have in common.
pub(crate) struct Launch {
    pub(crate) config: ProcessConfig,
    pub(crate) sink: Option<LogSink>,
    pub(crate) tracker: TaskTracker,
}

impl Launch {
    /// How long an init may take; see the module.
    pub(crate) fn init_limit(&self) -> Duration {
        INIT_LIMIT.max(self.config.timeout)
    }
}

/// A running environment. Dropping it kills the process group at once; [`leave`](Self::leave) does not.
pub(crate) struct Environment {
    api: Arc<Api>,
    ended: watch::Receiver<Option<Ended>>,
    /// When it was last asked to take an event.
    asked: Instant,
    /// When it must be back for more at the latest.
    limit: Instant,
    group: Arc<ProcessGroup>,
    kill_on_drop: bool,
    _server: AbortOnDropHandle<()>,
}

/// An event that a runtime has.
pub(crate) struct Handed {
    answer: oneshot::Receiver<Answer>,
}

/// Why an environment did not take an event.
pub(crate) enum Unready {
    InitFailed(String),
    Ended(Ended),
    /// It did not ask for work in time. So many others tried to.
    TooSlow {
        refused_callers: u64,
    },
    /// It could not be heard, for what this daemon lacked.
    Exhausted(String),
}

/// How an invocation ended.
pub(crate) enum End {
    Answered(Answer),
    TimedOut,
    Ended(Ended),
    /// It could not be heard, for what this daemon lacked.
    Exhausted(String),
}

impl Environment {
    /// Starts a runtime; its init goes on after this returns.
    pub(crate) async fn start(launch: &Launch, stop: Stop) -> Result<Self, InvokeError> {
        let config = &launch.config;
        let no_listener = |error| {
            let message = format!(
                "function {}: cannot serve the Runtime API: {error}",
                config.name
            );
            InvokeError::new(InvokeErrorKind::Unavailable, message)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(no_listener)?;
        let address = listener.local_addr().map_err(no_listener)?;
        let child = spawn(config, address)?;
        let process_id = child.id().unwrap_or_default();
        tracing::debug!(function = %config.name, process_id, "started an environment");
        let group = Arc::new(ProcessGroup::new(process_id));
        let function: Arc<str> = Arc::from(config.name.as_str());
        let logs = LogTarget {
            function: Arc::clone(&function),
            process_id,
            sink: launch.sink.clone(),
            last_error: LastError::default(),
        };
        let (sender, ended) = watch::channel(None);
        launch
            .tracker
            .spawn(supervise(child, Arc::clone(&group), logs, stop, sender));
        let api = Arc::new(Api {
            dialogue: Dialogue::new(),
            authority: address.to_string(),
            refused_callers: RefusedCallers::new(function, process_id),
        });
        let server = serve(listener, Arc::clone(&api), Arc::clone(&group));
        let server = tokio::spawn(server);
        let now = Instant::now();
        Ok(Self {
            api,
            ended,
            asked: now,
            limit: now + launch.init_limit(),
            group,
            kill_on_drop: true,
            _server: AbortOnDropHandle::new(server),
        })
    }

    /// Tells whether it could take an event at this moment.
    pub(crate) fn is_waiting(&self) -> bool {
        self.api.dialogue.is_waiting() && !self.group.has_ended()
    }

    /// Waits until the runtime asks for work, and hands it `invocation` with a deadline `timeout` from then.
    pub(crate) async fn hand_over(
        &mut self,
        invocation: &Invocation,
        timeout: Duration,
    ) -> Result<Handed, Unready> {
        self.asked = Instant::now();
        loop {
            let limit = self.limit;
            let api = Arc::clone(&self.api);
            tokio::select! {
                biased;
                waiting = api.dialogue.waiting() => waiting.map_err(Unready::InitFailed)?,
                ended = self.end() => return Err(self.unless_exhausted(Unready::Exhausted, Unready::Ended(ended))),
                () = overdue(limit) => {
                    let slow = Unready::TooSlow { refused_callers: api.refused_callers.count() };
                    return Err(self.unless_exhausted(Unready::Exhausted, slow));
                }
            }
            if self.group.has_ended() {
                return Err(Unready::Ended(self.end().await));
            }
            let timeout_ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
            // A real process reads this, so it is real time whatever clock the engine runs on.
            let deadline_ms = Timestamp::now().as_millisecond().saturating_add(timeout_ms);
            let invocation = Invocation {
                deadline_ms,
                ..invocation.clone()
            };
            self.limit = Instant::now() + timeout;
            if let Some(answer) = self.api.dialogue.deliver(invocation) {
                return Ok(Handed { answer });
            }
        }
    }

    /// Waits for the answer to what was handed over.
    pub(crate) async fn answer(&mut self, handed: Handed) -> End {
        let limit = self.limit;
        tokio::select! {
            biased;
            Ok(answer) = handed.answer => End::Answered(answer),
            ended = self.end() => self.unless_exhausted(End::Exhausted, End::Ended(ended)),
            () = overdue(limit) => self.unless_exhausted(End::Exhausted, End::TimedOut),
        }
    }

    /// Returns what this daemon has lacked since it asked the environment, if it did, and else what that did.
    fn unless_exhausted<T>(&self, exhausted: impl FnOnce(String) -> T, otherwise: T) -> T {
        let what = self.api.dialogue.exhausted_since(self.asked);
        what.map_or(otherwise, exhausted)
    }

    /// Lets go without a kill; the supervisor ends the process.
    pub(crate) fn leave(mut self) {
        self.kill_on_drop = false;
    }

    async fn end(&mut self) -> Ended {
        match self.ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(ended)) => ended.clone(),
            Ok(None) | Err(_) => Ended::lost(),
        }
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        if self.kill_on_drop {
            self.group.kill();
        }
    }
}
