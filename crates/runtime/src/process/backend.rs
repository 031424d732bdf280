//! The pool of execution environments of one function.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, Run};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::config::ProcessConfig;
use super::dialogue::Invocation;
use super::environment::{End, Environment, Handed, Launch, Unready};
use super::logs::LogSink;
use crate::error::ConfigError;

/// Runs one function in local processes; see the [module](super) for how they live and die.
///
/// It must be used and dropped within a tokio runtime with I/O and time enabled.
pub struct ProcessBackend {
    launch: Launch,
    /// One permit for each invocation that may run.
    slots: Semaphore,
    /// Answered environments, the most recently used last.
    idle: Mutex<Vec<Environment>>,
    stop: watch::Sender<Option<Duration>>,
}

impl ProcessBackend {
    /// Returns a backend for the function of `config`. Nothing is started before the first invocation.
    ///
    /// # Errors
    /// Those of [`ProcessConfig::validate`].
    pub fn new(config: ProcessConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let slots = Semaphore::new(config.concurrency);
        let launch = Launch {
            config,
            sink: None,
            tracker: TaskTracker::new(),
        };
        let idle = Mutex::default();
        Ok(Self {
            launch,
            slots,
            idle,
            stop: watch::Sender::new(None),
        })
    }

    /// Sends every line that the function prints to `sink` as well.
    #[must_use]
    pub fn with_log_sink(mut self, sink: LogSink) -> Self {
        self.launch.sink = Some(sink);
        self
    }

    /// Ends all environments: `SIGTERM` to each process group, and `SIGKILL` to what is left of it after
    /// `grace` or once its leader has exited. Returns when every leader is gone. Invocations that are under
    /// way fail as crashed, and later ones with
    /// [`Unavailable`](lambda_esm_core::fault::InvokeErrorKind::Unavailable).
    pub async fn shutdown(&self, grace: Duration) {
        self.stop.send_replace(Some(grace));
        self.launch.tracker.close();
        self.launch.tracker.wait().await;
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the most recently used environment that waits for work, else the most recently used one.
    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle();
        match idle.iter().rposition(Environment::is_waiting) {
            Some(index) => Some(idle.remove(index)),
            None => idle.pop(),
        }
    }

    /// Finds or starts an environment that takes `invocation`.
    async fn place(&self, invocation: &Invocation) -> Result<(Environment, Handed), InvokeError> {
        let timeout = self.launch.config.timeout;
        while let Some(mut environment) = self.take_idle() {
            // An environment that ended since its last answer never saw this event, so it is no failure.
            if let Ok(handed) = environment.hand_over(invocation, timeout).await {
                return Ok((environment, handed));
            }
        }
        let mut environment = Environment::start(&self.launch, self.stop.subscribe()).await?;
        match environment.hand_over(invocation, timeout).await {
            Ok(handed) => Ok((environment, handed)),
            Err(unready) => Err(self.init_error(unready)),
        }
    }

    fn accept(&self, request: &InvokeRequest) -> Result<Invocation, InvokeError> {
        let config = &self.launch.config;
        if self.stop.borrow().is_some() {
            let message = format!("function {}: the backend is shut down", config.name);
            return Err(InvokeError::new(InvokeErrorKind::Unavailable, message));
        }
        let size = request.payload.len();
        if size > MAX_PAYLOAD_BYTES {
            let message = format!(
                "RequestTooLargeException: payload of {size} bytes is larger than {MAX_PAYLOAD_BYTES} bytes"
            );
            return Err(InvokeError::new(InvokeErrorKind::TOO_LARGE, message));
        }
        let id = Uuid::new_v4();
        Ok(Invocation {
            id: id.to_string(),
            function_arn: request.function.arn(&config.region, &config.account_id),
            trace_id: trace_id(id),
            // Set when it is handed over.
            deadline_ms: 0,
            payload: request.payload.clone(),
        })
    }

    fn init_error(&self, unready: Unready) -> InvokeError {
        let words = match unready {
            Unready::InitFailed(words) => words,
            Unready::Ended(ended) => ended.words(" before it asked for an event"),
            Unready::TooSlow { refused_callers } => {
                let limit = self.launch.init_limit().as_secs_f64();
                let mut words =
                    format!("runtime did not ask for an event within {limit:.2} seconds");
                if refused_callers > 0 {
                    words.push_str("; others tried to, and were refused: the log says why");
                }
                words
            }
            Unready::Exhausted(what) => return self.not_heard(&what),
        };
        InvokeError::function(format!("Runtime.InitError: {words}"))
    }

    /// The function may have run. But that it was not heard is no fault of its own, so it does not count.
    fn not_heard(&self, what: &str) -> InvokeError {
        let name = &self.launch.config.name;
        let message = format!("function {name}: lambda-esm could not hear its runtime: {what}");
        InvokeError::new(InvokeErrorKind::Unavailable, message)
    }

    fn throttled(&self) -> InvokeError {
        let ProcessConfig {
            name, concurrency, ..
        } = &self.launch.config;
        InvokeError::new(
            InvokeErrorKind::throttled(None),
            format!(
                "TooManyRequestsException: ReservedFunctionConcurrentInvocationLimitExceeded: \
                 all {concurrency} environments of function {name} are busy"
            ),
        )
    }
}

#[async_trait]
impl InvokeBackend for ProcessBackend {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let invocation = self.accept(&request)?;
        // Declared first, so that a dropped future kills its environment before the slot is free.
        let _slot = self.slots.try_acquire().map_err(|_| self.throttled())?;
        let (mut environment, handed) = self.place(&invocation).await?;
        let answer = match environment.answer(handed).await {
            End::Answered(answer) => {
                self.idle().push(environment);
                answer
            }
            End::TimedOut => {
                let limit = self.launch.config.timeout.as_secs_f64();
                Err(format!(
                    "Sandbox.Timedout: Task timed out after {limit:.2} seconds"
                ))
            }
            End::Ended(ended) => Err(format!("Runtime.ExitError: {}", ended.words(""))),
            End::Exhausted(what) => return Err(self.not_heard(&what)),
        };
        // The version is for the mapping's qualifier to say: the one command stands for all versions.
        let run = Run::default().with_request_id(Some(invocation.id));
        match answer {
            Ok(payload) => Ok(InvokeAnswer::new(payload).of(run)),
            Err(message) => Err(InvokeError::function(message).of(run)),
        }
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let ProcessConfig {
            timeout,
            concurrency,
            ..
        } = &self.launch.config;
        Ok(FunctionFacts::default()
            .with_timeout(Some(*timeout))
            .with_concurrency(Some(*concurrency)))
    }
}

impl Drop for ProcessBackend {
    fn drop(&mut self) {
        // With the sender of `stop` gone, the supervisors end the processes, with a grace.
        for environment in self.idle().drain(..) {
            environment.leave();
        }
    }
}

impl fmt::Debug for ProcessBackend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.launch.config;
        formatter
            .debug_struct("ProcessBackend")
            .field("config", config)
            .finish_non_exhaustive()
    }
}

/// An X-Ray trace header that is not sampled (X-Ray developer guide, "Tracing header").
fn trace_id(id: Uuid) -> String {
    let hex = id.simple().to_string();
    let seconds = Timestamp::now().as_second();
    format!("Root=1-{seconds:08x}-{};Sampled=0", &hex[..24])
}
