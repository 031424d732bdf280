//! Time limits under which an answer that is there already wins, however late its timer fires.
//!
//! While a process is stopped, or has no turn on a busy machine, answers go on to arrive in its sockets, and
//! timers to expire. Once it goes on, both are there at the same instant; but the timer is a step away, and an
//! answer several: the socket is read, the message is put together, another task is told. So a timer that fires
//! much later than it should is no proof that nothing came, and a little time is given to look.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A timer that fires so much later than it should was held up. On a machine that has time it is a few
/// milliseconds late at most.
const LATE: Duration = Duration::from_millis(250);

/// How long what is there may take to be found: 6 MB are read in milliseconds, and a busy machine has some time
/// for each of several tasks.
const CATCH_UP: Duration = Duration::from_secs(2);

/// How often in a row. A process whose timers are late again and again is out of breath for good, and its limits
/// must hold nevertheless.
const TIMES: u32 = 5;

/// Returns when it is later than `deadline`, and there was time since to notice what had come before.
///
/// Wait for the answer beside it, with `biased;` and the answer first.
pub async fn overdue(mut deadline: Instant) {
    for _ in 0..=TIMES {
        sleep_until(deadline).await;
        if deadline.elapsed() < LATE {
            return;
        }
        deadline = Instant::now() + CATCH_UP;
    }
}

/// Waits for `answer` up to `limit`; `None` if that was not enough.
pub fn within<T>(
    limit: Duration,
    answer: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    // A call of an SDK is large, and would be moved about in here.
    let mut answer = Box::pin(answer);
    async move {
        let Some(deadline) = Instant::now().checked_add(limit) else {
            return Some(answer.await);
        };
        tokio::select! {
            biased;
            answer = &mut answer => Some(answer),
            () = overdue(deadline) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::time::{advance, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    /// An answer that comes at the end of a chain of tasks, each of which tells the next, as from a socket.
    async fn through_tasks(first: oneshot::Receiver<()>) {
        let mut last = first;
        for _ in 0..20 {
            let (sender, receiver) = oneshot::channel();
            tokio::spawn(async move {
                drop(last.await);
                sender.send(()).unwrap_or_default();
            });
            last = receiver;
        }
        drop(last.await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_come_while_the_process_was_stopped_is_in_time() {
        let (sender, receiver) = oneshot::channel();
        let waiting = tokio::spawn(within(3 * SECOND, through_tasks(receiver)));
        tokio::task::yield_now().await;
        // Half a minute passes in which nothing runs. Meanwhile the answer comes.
        sender.send(()).unwrap();
        advance(30 * SECOND).await;
        assert_eq!(waiting.await.unwrap(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_come_is_too_late_soon_after_the_process_goes_on() {
        let waiting = tokio::spawn(within(3 * SECOND, std::future::pending::<()>()));
        tokio::task::yield_now().await;
        advance(30 * SECOND).await;
        let begun = Instant::now();
        assert_eq!(waiting.await.unwrap(), None);
        assert_eq!(begun.elapsed(), CATCH_UP);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_is_stopped_again_and_again_gives_up_all_the_same() {
        let waiting = tokio::spawn(within(3 * SECOND, std::future::pending::<()>()));
        for _ in 0..=TIMES {
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            advance(30 * SECOND).await;
        }
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_holds_to_the_moment_while_nothing_is_stopped() {
        let begun = Instant::now();
        assert_eq!(within(3 * SECOND, sleep(4 * SECOND)).await, None);
        assert_eq!(begun.elapsed(), 3 * SECOND);
        assert_eq!(within(3 * SECOND, sleep(2 * SECOND)).await, Some(()));
        assert_eq!(within(Duration::MAX, async { 7 }).await, Some(7));
    }
}
