//! Receives in several threads, of queues within the process.

use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use lambda_esm_core::record::QueueMessage;
use tokio::runtime::Handle;

use super::calls;
use super::trial::Trial;
use crate::contract::promise::{equal, succeeds};
use crate::ports::QueueSource;

/// How many threads receive.
const THREADS: usize = 4;

/// How many messages there are for them.
const MESSAGES: usize = 200;

/// The ledger looks at whether a message is delivered twice. Threads have no time of their own to wait in, so this is
/// for sources of which a receive that would wait may be dropped.
pub(super) async fn each_message_goes_to_one_thread(trial: &Trial<'_>) {
    for number in 0..MESSAGES {
        trial.send(&format!("for several threads: {number}")).await;
    }
    let (source, runtime) = (trial.source, Handle::current());
    let call = trial.call(&calls::request(1, Duration::ZERO, None));
    let together = Barrier::new(THREADS);
    let pages = thread::scope(|scope| {
        let (runtime, together) = (&runtime, &together);
        let receive = |_| {
            scope.spawn(move || {
                let _entered = runtime.enter();
                together.wait();
                receive_all(source)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(receive).collect();
        let ended = threads.into_iter().map(thread::ScopedJoinHandle::join);
        ended.collect::<Vec<_>>()
    });
    let mut found = Vec::new();
    for pages in pages {
        let pages = pages.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        for messages in pages {
            trial.came(&messages, &call);
            found.extend(messages);
        }
    }
    trial.delete(&found).await;
    let total = found.len() + trial.delete_the_rest().await;
    let promise = "no message is lost between receives in several threads";
    equal(promise, &total, &MESSAGES);
}

/// Receives until a receive finds nothing, or would wait.
fn receive_all(source: &dyn QueueSource) -> Vec<Vec<QueueMessage>> {
    let mut pages = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    loop {
        let mut receive = source.receive(calls::request(1, Duration::ZERO, None));
        let Poll::Ready(answer) = receive.as_mut().poll(&mut context) else {
            return pages;
        };
        let messages = succeeds("a receive succeeds, also if it is empty", answer).messages;
        if messages.is_empty() {
            return pages;
        }
        pages.push(messages);
    }
}
