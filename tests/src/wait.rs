//! Waiting for what must happen.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a test waits for what must happen before it fails: far longer than it ever takes.
pub const PATIENCE: Duration = Duration::from_secs(180);

const STEP: Duration = Duration::from_millis(50);

/// Asks again and again until there is an answer.
///
/// # Panics
/// Panics if there is none within [`PATIENCE`]; `what` says what was waited for.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, ask).await
}

/// The same with a patience of the test's own, for what takes its time.
///
/// # Panics
/// Panics if there is no answer within `patience`.
pub async fn until_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited {patience:?} in vain: {what}");
        sleep(STEP).await;
    }
}
