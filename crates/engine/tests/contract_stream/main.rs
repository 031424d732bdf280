//! The contract of streams finds what is wrong with a stream, and says which promise it breaks.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod fault;
mod faulty;
mod harmless;
mod listing;
mod pages;
mod records;
mod source;
mod starts;
mod world;

use lambda_esm_engine::memory::StreamKind;

use fault::FAULTS;
use harmless::HARMLESS;
use world::broken_promise;

#[tokio::test(start_paused = true)]
async fn a_stream_without_fault_keeps_every_promise() {
    for kind in [StreamKind::Kinesis, StreamKind::DynamoDb] {
        for shards in [1, 3] {
            let broken = broken_promise(kind, shards, None).await;
            assert_eq!(broken, None, "{kind:?} with {shards} shards");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_by_the_promise_that_it_breaks() {
    let mut wrong = Vec::new();
    for (fault, kind, promise) in FAULTS {
        let Some(message) = broken_promise(*kind, 3, Some(*fault)).await else {
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
async fn what_a_stream_may_do_breaks_no_promise() {
    for (harmless, kind, because) in HARMLESS {
        let broken = broken_promise(*kind, 3, Some(*harmless)).await;
        assert_eq!(broken, None, "{harmless:?} is allowed: {because}");
        println!("{harmless:?} | {because}");
    }
}

#[test]
fn each_fault_is_in_one_table() {
    let faults = FAULTS.iter().map(|(fault, kind, _)| (fault, kind));
    let harmless = HARMLESS.iter().map(|(fault, kind, _)| (fault, kind));
    let mut all: Vec<_> = faults
        .chain(harmless)
        .map(|each| format!("{each:?}"))
        .collect();
    let number = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), number);
    assert!(FAULTS.len() >= 45, "{}", FAULTS.len());
}
