//! What the contract says of a queue.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Longer than the contract may take of paused time.
const HOUR: Duration = Duration::from_secs(3600);

/// Runs a contract on paused time, in a runtime of its own. Fails with the words of its panic.
pub(crate) fn outcome(contract: impl Future<Output = ()>) -> Result<(), String> {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    let run = async {
        let ended = timeout(HOUR, AssertUnwindSafe(contract).catch_unwind()).await;
        ended.expect("the contract ends within an hour of paused time")
    };
    runtime.block_on(run).map_err(|panic| {
        let text = panic.downcast::<String>();
        *text.expect("a broken promise is told in words")
    })
}

/// Checks that the contract has found a fault by the promise that it breaks, and prints a row of the table of faults.
pub(crate) fn is_found(fault: &str, promise: &str, outcome: Result<(), String>) {
    let Err(said) = outcome else {
        panic!("{fault}: the contract finds nothing wrong, where it should say: {promise}");
    };
    println!("{fault:36} | {}", said.lines().next().unwrap_or_default());
    let told = said.starts_with("broken promise: ") && said.contains(promise);
    assert!(
        told,
        "{fault}: the contract should say \"{promise}\", and says: {said}"
    );
    for part in ["\n expected: ", "\n     seen: "] {
        assert!(said.contains(part), "{fault}: no \"{part}\" in: {said}");
    }
}

/// Checks that the contract finds nothing wrong.
pub(crate) fn is_kept(queue: &str, outcome: Result<(), String>) {
    if let Err(said) = outcome {
        panic!("{queue}: the contract should find nothing, and says: {said}");
    }
}
