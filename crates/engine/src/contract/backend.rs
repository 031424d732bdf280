//! What every [`InvokeBackend`] must do, wherever its functions run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use tokio::time::{Instant, sleep, timeout};

use super::bound::{dropped_after, ends, ends_within};
use super::promise::{broken, equal, holds, succeeds};
use super::same_bytes::same_bytes;
use crate::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};

/// The longest timeout of a function (Lambda quotas).
const LONGEST: Duration = Duration::from_secs(900);

/// How much later than its timeout an invocation may end: processes are killed, connections closed.
const GRACE: Duration = Duration::from_secs(15);

/// How many times a call is polled at most before it is dropped.
const POLLS: usize = 6;

/// So many invocations at a time are made of a function that can run more, or does not tell.
const MANY: usize = 50;

const VERBATIM: &str = "the function gets the event, and the caller the answer, byte for byte";
const OWN: &str = "of invocations at the same time, each is given its own answer";
const UP_TO: &str = "up to its concurrency, a function is not throttled";
const PLACE: &str = "an invocation that is over gives its place back";
const UNKNOWN: &str = "a function that is not there is NotFound";
const FAILURE: &str = "a function that fails is a Function error";
const TIMEOUT: &str = "a function that takes longer than its timeout fails then, as Function";

/// What the functions behind a backend do, as [`backend_contract`] needs to know.
#[derive(Clone, Debug)]
pub struct ContractFunctions {
    function: Arc<FunctionRef>,
    answer: fn(Bytes) -> Bytes,
    failing: Option<InvokeRequest>,
    silent: Option<InvokeRequest>,
    unknown: Option<Arc<FunctionRef>>,
}

impl ContractFunctions {
    /// Returns the function `name`, which answers every other event with what `answer` makes of it, soon. Best it is
    /// the event itself: otherwise the contract sees less of what arrives.
    ///
    /// # Panics
    /// Panics if that is no name of a function.
    #[must_use]
    pub fn new(name: &str, answer: fn(Bytes) -> Bytes) -> Self {
        Self {
            function: reference(name),
            answer,
            failing: None,
            silent: None,
            unknown: None,
        }
    }

    /// Adds that the function `name`, the same or another, fails if it is given `event`.
    ///
    /// # Panics
    /// Panics if that is no name of a function.
    #[must_use]
    pub fn failing(mut self, name: &str, event: impl Into<Bytes>) -> Self {
        self.failing = Some(request(&reference(name), event.into()));
        self
    }

    /// Adds that the function `name`, the same or another, never answers `event`. The contract waits for its timeout,
    /// and, if the backend goes on with calls that were given up, until that ends.
    ///
    /// # Panics
    /// Panics if that is no name of a function.
    #[must_use]
    pub fn silent(mut self, name: &str, event: impl Into<Bytes>) -> Self {
        self.silent = Some(request(&reference(name), event.into()));
        self
    }

    /// Adds that there is no function `name`. A backend that takes any name has none.
    ///
    /// # Panics
    /// Panics if that is no name of a function.
    #[must_use]
    pub fn unknown(mut self, name: &str) -> Self {
        self.unknown = Some(reference(name));
        self
    }
}

/// Checks the promises of [`InvokeBackend`] with functions that nobody else calls meanwhile.
///
/// The promises, each of which is named when it is broken:
///
/// * Events and answers arrive byte for byte: white space, characters and numbers as they are, and 6 MB.
/// * Of invocations at the same time each is given its own answer; if runs have request ids, no two have the same.
/// * A function error is [`Function`](InvokeErrorKind::Function); an unknown function is
///   [`NotFound`](InvokeErrorKind::NotFound), invoked or described. An error says why.
/// * A function is described the same each time: with a concurrency of at least 1 and a timeout of at most 900 s, where
///   they are told.
/// * Up to that concurrency it is not throttled. Beyond it, invocations are
///   [`Throttled`](InvokeErrorKind::Throttled) or wait; they do not fail, and none waits for ever.
/// * A function that takes longer than the timeout told fails then, as `Function`, and not before.
/// * An invocation that is over, because it was answered, failed, took too long or was dropped, gives its place back:
///   within 900 s, for a call that was given up may go on.
/// * Every call ends.
///
/// It may run on tokio's paused time if the backend waits for nothing but that. A backend that has processes or
/// a server needs the real time: stopped time flies while they work.
///
/// ```
/// use lambda_esm_engine::contract::{ContractFunctions, backend_contract};
/// use lambda_esm_engine::functions::Closure;
/// use lambda_esm_engine::ports::InvokeRequest;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let echo = Closure::new(async |request: InvokeRequest| Ok(request.payload));
/// backend_contract(&echo, &ContractFunctions::new("echo", |event| event)).await;
/// # }
/// ```
///
/// # Panics
/// Panics if a promise is broken.
pub async fn backend_contract(backend: &dyn InvokeBackend, functions: &ContractFunctions) {
    let calls = Calls {
        backend,
        function: &functions.function,
        answer: functions.answer,
        facts: facts(backend, &functions.function).await,
    };
    calls.events_arrive_verbatim().await;
    calls.answers_are_not_mixed_up().await;
    calls.too_many_are_throttled_or_wait().await;
    if let Some(failing) = &functions.failing {
        calls.a_failure_is_a_function_error(failing).await;
    }
    if let Some(unknown) = &functions.unknown {
        calls.an_unknown_function_is_not_found(unknown).await;
    }
    calls.a_dropped_invocation_is_over().await;
    if let Some(silent) = &functions.silent {
        calls.a_timeout_is_a_function_error(silent).await;
    }
}

/// Returns what is told of a function, twice the same.
async fn facts(backend: &dyn InvokeBackend, function: &FunctionRef) -> FunctionFacts {
    let describe = || async {
        let described = ends("describe", backend.describe(function)).await;
        succeeds("a function that is there is described", described)
    };
    let (facts, again) = (describe().await, describe().await);
    equal("a function is described the same each time", &again, &facts);
    let some = facts.concurrency.is_none_or(|most| most >= 1);
    holds("a concurrency is at least 1", some, "1 or more", &facts);
    let is_one = |timeout| timeout > Duration::ZERO && timeout <= LONGEST;
    let one = facts.timeout.is_none_or(is_one);
    let promise = "a timeout is longer than nothing and at most 900 s";
    holds(promise, one, "more than 0 s, at most 900 s", &facts);
    facts
}

/// A function that answers, and what is known of it.
struct Calls<'a> {
    backend: &'a dyn InvokeBackend,
    function: &'a Arc<FunctionRef>,
    answer: fn(Bytes) -> Bytes,
    facts: FunctionFacts,
}

impl Calls<'_> {
    /// So many must be able to run at a time.
    fn most(&self) -> usize {
        at_a_time(self.facts)
    }

    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let limit = self.facts.timeout.unwrap_or(LONGEST) + GRACE;
        let result = ends_within(limit, "invoke", self.backend.invoke(request)).await;
        if let Err(error) = &result {
            let words = !error.message.trim().is_empty();
            holds("an error says why", words, "a message", error);
        }
        result
    }

    async fn call(&self, event: &Bytes) -> Result<InvokeAnswer, InvokeError> {
        self.invoke(request(self.function, event.clone())).await
    }

    fn check(&self, promise: &str, event: &Bytes, answer: &InvokeAnswer) {
        let expected = (self.answer)(event.clone());
        same_bytes(promise, &answer.payload, &expected);
    }

    async fn events_arrive_verbatim(&self) {
        let odd = "{\"a\" : \"ä€😀 e\u{301} \\u00e9 \\/ <&>\",\r\n\t\"a\":1.0, \"n\":12345678901234567890.10 } ";
        let frame = "{\"text\":\"\"}".len();
        let largest = format!("{{\"text\":\"{}\"}}", text(MAX_PAYLOAD_BYTES - frame));
        for event in ["{}".to_owned(), odd.to_owned(), largest] {
            let event = Bytes::from(event);
            let answer = succeeds(VERBATIM, self.call(&event).await);
            self.check(VERBATIM, &event, &answer);
        }
    }

    async fn answers_are_not_mixed_up(&self) {
        let mut ids = BTreeSet::new();
        let told = self.facts.concurrency;
        // More than once: places may be lost, and answers left over.
        for round in 0..3 {
            let events = events(round, told.unwrap_or(MANY).min(MANY));
            let answers = join_all(events.iter().map(|event| self.call(event))).await;
            for (event, answer) in events.iter().zip(answers) {
                if told.is_none() && is_throttled(&answer) {
                    continue;
                }
                let promise = if is_throttled(&answer) { UP_TO } else { OWN };
                let answer = succeeds(promise, answer);
                self.check(OWN, event, &answer);
                if let Some(id) = answer.run.request_id {
                    let promise = "no two runs have the same request id";
                    holds(promise, ids.insert(id.clone()), "another id", &id);
                }
            }
        }
    }

    async fn too_many_are_throttled_or_wait(&self) {
        let promise = "beyond its concurrency, a function is throttled or waits, and does not fail";
        let events = events(9, self.most() * 3);
        let answers = join_all(events.iter().map(|event| self.call(event))).await;
        for (event, answer) in events.iter().zip(&answers) {
            match answer {
                Ok(answer) => self.check(OWN, event, answer),
                Err(_) => holds(promise, is_throttled(answer), "Throttled", answer),
            }
        }
        let answered = answers.iter().filter(|answer| answer.is_ok()).count();
        holds(UP_TO, answered > 0, "at least one answer", &answered);
        self.all_places_are_free().await;
    }

    /// Checks that the function takes as many invocations as it can run, if not now, then once calls that were
    /// given up have ended elsewhere.
    async fn all_places_are_free(&self) {
        let start = Instant::now();
        let events = events(7, self.most());
        loop {
            let answers = join_all(events.iter().map(|event| self.call(event))).await;
            let throttled = answers.iter().find(|answer| is_throttled(answer));
            let Some(throttled) = throttled else {
                for (event, answer) in events.iter().zip(answers) {
                    self.check(OWN, event, &succeeds(PLACE, answer));
                }
                return;
            };
            let waits = start.elapsed() < LONGEST + GRACE;
            holds(
                PLACE,
                waits,
                "an answer, after 900 s at the latest",
                throttled,
            );
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn a_failure_is_a_function_error(&self, failing: &InvokeRequest) {
        facts(self.backend, &failing.function).await;
        for _ in 0..=self.most() {
            let result = self.invoke(failing.clone()).await;
            let promise = if is_throttled(&result) {
                PLACE
            } else {
                FAILURE
            };
            is_function_error(promise, &result);
        }
        self.all_places_are_free().await;
    }

    async fn an_unknown_function_is_not_found(&self, unknown: &Arc<FunctionRef>) {
        let invoked = self
            .invoke(request(unknown, Bytes::from_static(b"{}")))
            .await;
        is_not_found("invoke", invoked.err());
        let described = ends("describe", self.backend.describe(unknown)).await;
        is_not_found("describe", described.err());
    }

    async fn a_dropped_invocation_is_over(&self) {
        for polls in 1..=POLLS {
            let events = events(5, self.most());
            let calls = events.iter();
            let calls = calls.map(|event| dropped_after(polls, self.call(event)));
            join_all(calls).await;
            self.all_places_are_free().await;
        }
    }

    async fn a_timeout_is_a_function_error(&self, silent: &InvokeRequest) {
        let told = facts(self.backend, &silent.function).await;
        let most = at_a_time(told);
        let begun = (0..most).map(|_| self.backend.invoke(silent.clone()));
        let begun = begun.map(|call| timeout(Duration::from_millis(100), call));
        drop(join_all(begun).await);
        self.all_places_are_free().await;
        if let Some(limit) = told.timeout {
            // More than once: places may be lost.
            for _ in 0..2 {
                join_all((0..most).map(|_| self.times_out(silent, limit))).await;
            }
            self.all_places_are_free().await;
        }
    }

    async fn times_out(&self, silent: &InvokeRequest, limit: Duration) {
        let (begin, late) = (Instant::now(), limit + GRACE);
        loop {
            let start = Instant::now();
            let Ok(result) = timeout(late, self.backend.invoke(silent.clone())).await else {
                broken(
                    TIMEOUT,
                    format_args!("an error within {late:?}"),
                    &format_args!("none"),
                )
            };
            if is_throttled(&result) {
                let waits = begin.elapsed() < LONGEST + GRACE;
                holds(PLACE, waits, "a run, after 900 s at the latest", &result);
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            is_function_error(TIMEOUT, &result);
            // A clock elsewhere may run a little ahead of ours.
            let early = start.elapsed() < limit.mul_f64(0.9);
            let expected = format_args!("an error after {limit:?}");
            return holds(TIMEOUT, !early, expected, &start.elapsed());
        }
    }
}

/// Returns how many invocations a function must be able to run at a time, of those that are tried.
fn at_a_time(facts: FunctionFacts) -> usize {
    facts.concurrency.unwrap_or(1).min(MANY)
}

fn is_function_error(promise: &str, result: &Result<InvokeAnswer, InvokeError>) {
    let error = result.as_ref().err();
    let is_one = error.is_some_and(|error| error.kind == InvokeErrorKind::Function);
    holds(promise, is_one, "an error of kind Function", result);
}

fn is_not_found(call: &str, error: Option<InvokeError>) {
    let kind = error.as_ref().map(|error| error.kind);
    let is_one = kind == Some(InvokeErrorKind::NotFound);
    holds(UNKNOWN, is_one, format_args!("NotFound of {call}"), &error);
}

const fn is_throttled(result: &Result<InvokeAnswer, InvokeError>) -> bool {
    matches!(result, Err(error) if matches!(error.kind, InvokeErrorKind::Throttled { .. }))
}

fn reference(name: &str) -> Arc<FunctionRef> {
    let parsed = FunctionRef::parse(name);
    Arc::new(parsed.unwrap_or_else(|| panic!("{name:?} is no name of a function")))
}

fn request(function: &Arc<FunctionRef>, payload: Bytes) -> InvokeRequest {
    InvokeRequest::new(Arc::clone(function), payload)
}

/// Returns so many events, all different, and some long.
fn events(round: usize, number: usize) -> Vec<Bytes> {
    let event = |number: usize| {
        let length = if number.is_multiple_of(7) { 50_000 } else { 10 };
        format!(
            "{{\"round\":{round},\"number\":{number},\"text\":\"{}\"}}",
            text(length)
        )
        .into()
    };
    (0..number).map(event).collect()
}

/// Returns a text of so many bytes.
fn text(bytes: usize) -> String {
    let mut text = "ä€😀 ".repeat(bytes / "ä€😀 ".len());
    text.push_str(&"x".repeat(bytes - text.len()));
    text
}
