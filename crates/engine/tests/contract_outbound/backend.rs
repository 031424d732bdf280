//! The contract of backends.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::contract::{ContractFunctions, backend_contract};
use lambda_esm_engine::functions::{Closure, Functions};
use lambda_esm_engine::ports::InvokeRequest;
use lambda_esm_engine::simulated::{Behaviour, Runtime, Simulated};

use crate::faulty_backend::{Fault, FaultyBackend, facts, functions};
use crate::table::Table;

const VERBATIM: &str = "the function gets the event, and the caller the answer, byte for byte";
const OWN: &str = "of invocations at the same time, each is given its own answer";
const UP_TO: &str = "up to its concurrency, a function is not throttled";
const BEYOND: &str = "beyond its concurrency, a function is throttled or waits, and does not fail";
const FAILURE: &str = "a function that fails is a Function error";
const UNKNOWN: &str = "a function that is not there is NotFound";
const TIMEOUT: &str = "a function that takes longer than its timeout fails then, as Function";
const FACTS: &str = "a timeout is longer than nothing and at most 900 s";
const PLACE: &str = "an invocation that is over gives its place back";
const ENDS: &str = "every call ends";

const FAULTS: [(Fault, &str); 28] = [
    (Fault::EventsAreTrimmed, VERBATIM),
    (Fault::EventsAreAscii, VERBATIM),
    (Fault::EventsAreReformatted, VERBATIM),
    (Fault::EventsAreSmall, VERBATIM),
    (Fault::AnswersAreCut, VERBATIM),
    (Fault::AnswersAreOfFirst, VERBATIM),
    (Fault::AnswersAreMixedUp, OWN),
    (
        Fault::RequestIdsAreSame,
        "no two runs have the same request id",
    ),
    (Fault::InvokeNeverAnswers, ENDS),
    (Fault::FailureIsAnswer, FAILURE),
    (Fault::FailureIsUnavailable, FAILURE),
    (Fault::ErrorsAreSilent, "an error says why"),
    (Fault::UnknownIsFunctionError, UNKNOWN),
    (Fault::DescribesUnknown, UNKNOWN),
    (Fault::DescribeNeverAnswers, ENDS),
    (
        Fault::FactsChange,
        "a function is described the same each time",
    ),
    (Fault::ConcurrencyIsZero, "a concurrency is at least 1"),
    (Fault::TimeoutIsZero, FACTS),
    (Fault::TimeoutIsLong, FACTS),
    (Fault::ThrottlesTooSoon, UP_TO),
    (Fault::TooManyFail, BEYOND),
    (Fault::TooManyGetStuck, ENDS),
    (Fault::FailureKeepsPlace, PLACE),
    (Fault::DropKeepsPlace, PLACE),
    (Fault::TimeoutKeepsPlace, PLACE),
    (Fault::TimeoutIsEarly, TIMEOUT),
    (Fault::TimeoutIsThrottled, PLACE),
    (Fault::TimesOutNever, TIMEOUT),
];

/// What the contract lets pass, and why.
const LEGAL: [(Fault, &str); 6] = [
    (
        Fault::TooManyWait,
        "a line inside is no fault as long as it moves",
    ),
    (
        Fault::OneAtATime,
        "they wait, and nobody can see whether they run",
    ),
    (
        Fault::RunsMoreThanTold,
        "the engine sends no more than it is told",
    ),
    (Fault::TellsNoRun, "the engine gives batches ids of its own"),
    (Fault::TellsNothing, "a backend tells what it can"),
    (
        Fault::DropsGoOn,
        "a server does not learn that its caller is gone",
    ),
];

async fn check(fault: impl Into<Option<Fault>>) {
    backend_contract(&FaultyBackend::new(fault.into()), &functions()).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_with_a_fault_is_found_by_the_promise_it_breaks() {
    let mut table = Table::default();
    for (fault, promise) in FAULTS {
        table.finds(fault, promise, check(fault)).await;
    }
    table.end(FAULTS.len());
}

#[tokio::test(start_paused = true)]
async fn a_backend_without_a_fault_passes() {
    check(None).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_may_do_what_no_promise_forbids() {
    for (fault, why) in LEGAL {
        println!("{fault:?} passes: {why}");
        check(fault).await;
    }
}

#[tokio::test(start_paused = true)]
async fn closures_keep_the_contract() {
    let facts = facts(Duration::from_secs(3), 7);
    let echo = Closure::new(async |request: InvokeRequest| Ok(request.payload));
    let fails = Closure::new(async |_| Err(InvokeError::function("no")));
    let silent = Closure::new(|_| pending());
    let mut backend = Functions::default();
    backend.insert("echo", Arc::new(echo.with_facts(facts)));
    backend.insert("fails", Arc::new(fails));
    backend.insert("silent", Arc::new(silent.with_facts(facts)));
    backend_contract(&backend, &functions()).await;
}

#[tokio::test(start_paused = true)]
async fn simulated_functions_keep_the_contract() {
    let behaviour = Behaviour::default()
        .with_runtime(Runtime::Constant(Duration::from_millis(100)))
        .with_concurrency(Some(5));
    let fails = behaviour.with_error_rate(1.0);
    let silent = behaviour.with_runtime(Runtime::Constant(Duration::MAX));
    let mut backend = Functions::default();
    for (name, behaviour) in [("works", behaviour), ("fails", fails), ("silent", silent)] {
        backend.insert(name, Arc::new(Simulated::new(behaviour)));
    }
    let functions = ContractFunctions::new("works", |_| Bytes::from_static(b"null"));
    let functions = functions
        .failing("fails", "{}")
        .silent("silent", "{}")
        .unknown("unknown");
    backend_contract(&backend, &functions).await;
}
