//! The contract of topics finds what is wrong with a topic, and says which promise it breaks.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod consumer;
mod events;
mod fault;
mod faulty;
mod harmless;
mod pages;
mod records;
mod subject;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use lambda_esm_core::record::TimestampType;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::topic_source_contract;

use fault::{FAULTS, Fault};
use harmless::HARMLESS;
use subject::{MemoryTopics, START};

#[tokio::test(start_paused = true)]
async fn a_topic_without_fault_keeps_every_promise() {
    for kind in [TimestampType::CreateTime, TimestampType::LogAppendTime] {
        assert_eq!(broken_promise(None, kind).await, None, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_by_the_promise_that_it_breaks() {
    let mut wrong = Vec::new();
    for (fault, promise) in FAULTS {
        let Some(message) = broken_promise(Some(*fault), TimestampType::CreateTime).await else {
            println!("{fault:?} | SURVIVES");
            wrong.push(format!("{fault:?} survives"));
            continue;
        };
        let first = message.lines().next().unwrap_or_default();
        println!("{fault:?} | {first}");
        let is_told = first.starts_with("broken promise: ") && first.contains(promise);
        if !is_told || !message.contains("\n expected: ") || !message.contains("\n     seen: ") {
            wrong.push(format!("{fault:?} should break {promise:?}: {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_a_topic_may_do_breaks_no_promise() {
    for (harmless, because) in HARMLESS {
        let broken = broken_promise(Some(*harmless), TimestampType::CreateTime).await;
        assert_eq!(broken, None, "{harmless:?} is allowed: {because}");
        println!("{harmless:?} | {because}");
    }
}

#[test]
fn each_fault_is_in_one_table() {
    let faults = FAULTS.iter().map(|(fault, _)| fault);
    let harmless = HARMLESS.iter().map(|(fault, _)| fault);
    let mut all: Vec<_> = faults
        .chain(harmless)
        .map(|each| format!("{each:?}"))
        .collect();
    let number = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), number);
    assert!(FAULTS.len() >= 55, "{}", FAULTS.len());
}

/// Returns what the contract says of topics with a fault; `None` if it finds none.
async fn broken_promise(fault: Option<Fault>, kind: TimestampType) -> Option<String> {
    let subject = MemoryTopics::new(fault, kind);
    let checked = topic_source_contract(&subject, Clock::starting_at(START));
    let panic = AssertUnwindSafe(Box::pin(checked))
        .catch_unwind()
        .await
        .err()?;
    Some(match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => format!("{:?}", panic.downcast_ref::<&str>()),
    })
}
