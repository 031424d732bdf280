//! The contract of brokers' queues finds what is wrong with a queue, and says which promise it breaks.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod consumer;
mod fault;
mod faulty;
mod spoilt;
mod subject;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_engine::contract::push_queue_contract;

use fault::{FAULTS, Fault, HARMLESS};
use subject::MemoryQueues;

#[tokio::test(start_paused = true)]
async fn a_queue_without_fault_keeps_every_promise() {
    for engine in [MqEngine::RabbitMq, MqEngine::ActiveMq] {
        assert_eq!(broken_promise(None, engine).await, None, "{engine:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_by_the_promise_that_it_breaks() {
    let mut wrong = Vec::new();
    for (fault, promise) in FAULTS {
        let Some(message) = broken_promise(Some(*fault), fault.engine()).await else {
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
async fn what_a_queue_may_do_breaks_no_promise() {
    for (harmless, because) in HARMLESS {
        for engine in [MqEngine::RabbitMq, MqEngine::ActiveMq] {
            let broken = broken_promise(Some(*harmless), engine).await;
            assert_eq!(broken, None, "{harmless:?} is allowed: {because}");
        }
        println!("{harmless:?} | {because}");
    }
}

#[test]
fn each_fault_is_in_one_table() {
    let all = FAULTS.iter().chain(HARMLESS);
    let mut all: Vec<_> = all.map(|(fault, _)| format!("{fault:?}")).collect();
    let number = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), number);
    assert!(FAULTS.len() >= 45, "{}", FAULTS.len());
}

/// Returns what the contract says of queues with a fault; `None` if it finds none.
async fn broken_promise(fault: Option<Fault>, engine: MqEngine) -> Option<String> {
    let subject = MemoryQueues::new(fault, engine);
    let checked = push_queue_contract(&subject);
    let panic = AssertUnwindSafe(Box::pin(checked))
        .catch_unwind()
        .await
        .err()?;
    Some(match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => format!("{:?}", panic.downcast_ref::<&str>()),
    })
}
