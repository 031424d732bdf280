//! A bound on the calls that contracts make, so that a call that never ends is told of in words.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use super::promise::broken;

/// More than adapters give their servers.
const LONGEST_CALL: Duration = Duration::from_secs(60);

/// Waits for a call that has nothing to wait for itself; `what` names it.
pub(super) async fn ends<T>(what: &str, call: impl Future<Output = T>) -> T {
    ends_within(LONGEST_CALL, what, call).await
}

/// Waits for a call that may take so long.
pub(super) async fn ends_within<T>(
    limit: Duration,
    what: &str,
    call: impl Future<Output = T>,
) -> T {
    match timeout(limit, call).await {
        Ok(answer) => answer,
        Err(_) => broken(
            "every call ends",
            format_args!("an answer to {what} within {limit:?}"),
            &format_args!("none"),
        ),
    }
}

/// Polls a call so often, others having their turn in between, and drops it.
pub(super) async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) {
    let mut call = std::pin::pin!(call);
    for _ in 0..polls {
        if futures::poll!(call.as_mut()).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
