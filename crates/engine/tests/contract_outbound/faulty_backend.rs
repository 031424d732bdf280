//! Functions in this process, and a backend of them with a fault.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::contract::ContractFunctions;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, Run};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

const CONCURRENCY: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(3);

/// What is wrong with a backend, or odd and yet legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AnswersAreCut,
    AnswersAreMixedUp,
    AnswersAreOfFirst,
    ConcurrencyIsZero,
    DescribeNeverAnswers,
    DescribesUnknown,
    DropKeepsPlace,
    DropsGoOn,
    ErrorsAreSilent,
    EventsAreAscii,
    EventsAreReformatted,
    EventsAreSmall,
    EventsAreTrimmed,
    FactsChange,
    FailureIsAnswer,
    FailureIsUnavailable,
    FailureKeepsPlace,
    InvokeNeverAnswers,
    OneAtATime,
    RequestIdsAreSame,
    RunsMoreThanTold,
    TellsNoRun,
    TellsNothing,
    ThrottlesTooSoon,
    TimeoutIsEarly,
    TimeoutIsLong,
    TimeoutIsThrottled,
    TimeoutIsZero,
    TimeoutKeepsPlace,
    TimesOutNever,
    TooManyFail,
    TooManyGetStuck,
    TooManyWait,
    UnknownIsFunctionError,
}

/// A backend of the functions `echo`, `fails` and `silent` that keeps its promises but for one fault.
pub(crate) struct FaultyBackend {
    fault: Option<Fault>,
    places: Arc<Semaphore>,
    last: Mutex<Bytes>,
    runs: AtomicU64,
}

/// Returns what the functions of such a backend do.
pub(crate) fn functions() -> ContractFunctions {
    ContractFunctions::new("echo", |event| event)
        .failing("fails", "{}")
        .silent("silent", "{}")
        .unknown("unknown")
}

/// Returns facts that tell both.
pub(crate) fn facts(timeout: Duration, concurrency: usize) -> FunctionFacts {
    FunctionFacts::default()
        .with_timeout(Some(timeout))
        .with_concurrency(Some(concurrency))
}

fn throttled() -> InvokeError {
    let kind = InvokeErrorKind::throttled(None);
    InvokeError::new(kind, "all places are taken")
}

fn not_found(function: &FunctionRef) -> InvokeError {
    let text = format!("there is no function {}", function.name());
    InvokeError::new(InvokeErrorKind::NotFound, text)
}

impl FaultyBackend {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let places = match fault {
            Some(Fault::ThrottlesTooSoon) => CONCURRENCY - 1,
            _ => CONCURRENCY,
        };
        Self {
            fault,
            places: Arc::new(Semaphore::new(places)),
            last: Mutex::default(),
            runs: AtomicU64::new(0),
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What the function sees of an event.
    fn arriving(&self, event: &Bytes) -> Bytes {
        let text = || String::from_utf8(event.to_vec()).unwrap();
        match self.fault {
            Some(Fault::EventsAreTrimmed) => text().trim().to_owned().into(),
            Some(Fault::EventsAreAscii) => text().replace(|c: char| !c.is_ascii(), "?").into(),
            Some(Fault::EventsAreReformatted) => {
                let value: serde_json::Value = serde_json::from_slice(event).unwrap();
                value.to_string().into()
            }
            _ => event.clone(),
        }
    }

    async fn echo(&self, event: Bytes) -> Bytes {
        let mix = self.has(Fault::AnswersAreMixedUp);
        let first = self.has(Fault::AnswersAreOfFirst);
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if mix || (first && last().is_empty()) {
            *last() = event.clone();
        }
        sleep(Duration::from_millis(10)).await;
        match self.fault {
            _ if mix || first => last().clone(),
            Some(Fault::AnswersAreCut) => event.slice(..event.len().min(1_000_000)),
            _ => event,
        }
    }

    async fn run(&self, request: &InvokeRequest) -> Result<Bytes, InvokeError> {
        let limit = match self.fault {
            Some(Fault::TimeoutIsEarly) => TIMEOUT / 2,
            Some(Fault::TimesOutNever) => Duration::from_secs(1_000_000),
            _ => TIMEOUT,
        };
        let event = self.arriving(&request.payload);
        let run = async {
            match request.function.name() {
                "silent" => pending().await,
                "fails" if self.has(Fault::FailureIsAnswer) => {
                    Ok("{\"errorMessage\":\"no\"}".into())
                }
                "fails" if self.has(Fault::FailureIsUnavailable) => {
                    Err(InvokeError::new(InvokeErrorKind::Unavailable, "no"))
                }
                "fails" if self.has(Fault::ErrorsAreSilent) => Err(InvokeError::function("")),
                "fails" => Err(InvokeError::function("no")),
                _ => Ok(self.echo(event).await),
            }
        };
        match timeout(limit, run).await {
            Ok(result) => result,
            Err(_) if self.has(Fault::TimeoutIsThrottled) => Err(throttled()),
            Err(_) => Err(InvokeError::function("timed out")),
        }
    }

    /// Runs the function when it has a place; most faults are in how it gets one and gives it back.
    async fn run_in_a_place(&self, request: &InvokeRequest) -> Result<Bytes, InvokeError> {
        let waits = self.has(Fault::TooManyWait) || self.has(Fault::OneAtATime);
        let place = if waits {
            let all = if self.has(Fault::OneAtATime) { 4 } else { 1 };
            self.places.acquire_many(all).await.unwrap()
        } else if let Ok(place) = self.places.try_acquire() {
            place
        } else {
            match self.fault {
                Some(Fault::TooManyFail) => return Err(InvokeError::function("too many")),
                Some(Fault::TooManyGetStuck) => return pending().await,
                Some(Fault::RunsMoreThanTold) => return self.run(request).await,
                _ => return Err(throttled()),
            }
        };
        let name = request.function.name();
        if self.has(Fault::DropsGoOn) && name != "fails" {
            place.forget();
            let places = Arc::clone(&self.places);
            let takes = Duration::from_millis(if name == "silent" { 900_000 } else { 9 });
            tokio::spawn(async move {
                sleep(takes).await;
                places.add_permits(1);
            });
            return self.run(request).await;
        }
        if self.has(Fault::DropKeepsPlace) {
            place.forget();
            let result = self.run(request).await;
            self.places.add_permits(1);
            return result;
        }
        let result = self.run(request).await;
        let is_kept = (self.has(Fault::FailureKeepsPlace) && name == "fails")
            || (self.has(Fault::TimeoutKeepsPlace) && name == "silent");
        if is_kept {
            place.forget();
        }
        result
    }
}

#[async_trait]
impl InvokeBackend for FaultyBackend {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        if self.has(Fault::InvokeNeverAnswers) {
            pending().await
        }
        if self.has(Fault::EventsAreSmall) && request.payload.len() > 6_000_000 {
            return Err(InvokeError::new(InvokeErrorKind::TOO_LARGE, "too large"));
        }
        if request.function.name() == "unknown" {
            let is_function_error = self.has(Fault::UnknownIsFunctionError);
            let error = not_found(&request.function);
            let kind = if is_function_error {
                InvokeErrorKind::Function
            } else {
                error.kind
            };
            return Err(InvokeError::new(kind, error.message).of(error.run));
        }
        let payload = self.run_in_a_place(&request).await?;
        let number = match self.fault {
            Some(Fault::RequestIdsAreSame) => 0,
            _ => self.runs.fetch_add(1, Ordering::Relaxed),
        };
        let mut answer = InvokeAnswer::from(payload);
        if !self.has(Fault::TellsNoRun) {
            answer.run = Run::default().with_request_id(Some(number.to_string()));
        }
        Ok(answer)
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        if self.has(Fault::DescribeNeverAnswers) {
            pending().await
        }
        if function.name() == "unknown" && !self.has(Fault::DescribesUnknown) {
            return Err(not_found(function));
        }
        if self.has(Fault::TellsNothing) {
            return Ok(FunctionFacts::default());
        }
        let seconds = match self.fault {
            Some(Fault::TimeoutIsZero) => 0,
            Some(Fault::TimeoutIsLong) => 901,
            Some(Fault::FactsChange) => 3 + self.runs.fetch_add(1, Ordering::Relaxed),
            _ => TIMEOUT.as_secs(),
        };
        let concurrency = if self.has(Fault::ConcurrencyIsZero) {
            0
        } else {
            CONCURRENCY
        };
        Ok(facts(Duration::from_secs(seconds), concurrency))
    }
}
