//! Calls to a queue, each of which must end within a bound.

use std::future::{Future, poll_fn};
use std::time::Duration;

use lambda_esm_core::fault::SourceError;
use lambda_esm_core::record::{QueueMessage, Receipt};

use crate::contract::promise::{broken, equal, holds, succeeds};
use crate::patience;
use crate::ports::{QueueFacts, QueueSource, ReceiveRequest, SettleVerb, Settlement};

/// What `settle` does with deliveries in flight.
pub(super) const SETTLED: &str =
    "deliveries in flight can be settled, up to settle_limit at a time, whatever became of others";

/// How long a call may take beyond what it was asked to wait, until it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a call may ask to be polled. One that waits for something is polled when it comes.
const POLLS: u32 = 100_000;

/// How long `one` waits for a message that must be there.
const A_WHILE: Duration = Duration::from_secs(5);

/// Receives with the queue's own visibility timeout.
///
/// # Panics
/// Panics if the queue cannot be read, or does not answer.
pub async fn receive(source: &dyn QueueSource, max: usize, wait: Duration) -> Vec<QueueMessage> {
    receive_hiding(source, max, wait, None).await
}

/// Receives the one message that must be there.
///
/// # Panics
/// Panics if there is none.
pub async fn one(source: &dyn QueueSource) -> QueueMessage {
    let mut messages = receive(source, 1, A_WHILE).await;
    let promise = "a receive of one brings the message that is there";
    equal(promise, &messages.len(), &1);
    messages.remove(0)
}

/// Settles one delivery, which must succeed.
///
/// # Panics
/// Panics if it does not.
pub async fn settle_ok(source: &dyn QueueSource, verb: SettleVerb, message: &QueueMessage) {
    let results = settle(source, &[settlement(verb, &message.receipt)]).await;
    equal(SETTLED, &results, &vec![Ok(())]);
}

/// Receives, and hides what comes for as long as `hidden` says.
pub(super) async fn receive_hiding(
    source: &dyn QueueSource,
    max: usize,
    wait: Duration,
    hidden: Option<Duration>,
) -> Vec<QueueMessage> {
    let answer = source.receive(request(max, wait, hidden));
    let promise = "a receive answers within a bound beyond its wait";
    let received = bounded(promise, wait, answer).await;
    let received = succeeds("a receive succeeds, also if it is empty", received);
    let promise = "what was sent in a form that can be delivered is not unreadable";
    equal(promise, &received.unreadable, &Vec::new());
    holds(
        "a receive returns no more than max messages",
        received.messages.len() <= max,
        format_args!("at most {max}"),
        &received.messages.len(),
    );
    received.messages
}

pub(super) async fn describe(source: &dyn QueueSource) -> QueueFacts {
    let promise = "describe answers within a bound";
    let facts = bounded(promise, Duration::ZERO, source.describe()).await;
    succeeds("describe succeeds for a queue that exists", facts)
}

/// Settles, and returns one result for each settlement.
pub(super) async fn settle(
    source: &dyn QueueSource,
    settlements: &[Settlement],
) -> Vec<Result<(), SourceError>> {
    let promise = "settle answers within a bound";
    let results = bounded(promise, Duration::ZERO, source.settle(settlements)).await;
    let promise =
        "the outer error of settle means that the outcome of all is unknown, not that some failed";
    let results = succeeds(promise, results);
    holds(
        "settle returns one result for each settlement",
        results.len() == settlements.len(),
        format_args!("as many as {}", settlements.len()),
        &results,
    );
    results
}

pub(super) fn request(max: usize, wait: Duration, hidden: Option<Duration>) -> ReceiveRequest {
    ReceiveRequest::new(max, wait).with_visibility_timeout(hidden)
}

pub(super) fn settlement(verb: SettleVerb, receipt: &Receipt) -> Settlement {
    Settlement::new(receipt.clone(), verb)
}

/// Waits for an answer that `promise` says comes, if late. A call that asks again and again to be polled keeps paused
/// time from passing, so that is bounded too.
pub(super) async fn bounded<T>(
    promise: &str,
    wait: Duration,
    answer: impl Future<Output = T>,
) -> T {
    let limit = wait + PATIENCE;
    let mut answer = std::pin::pin!(answer);
    let mut polls = 0;
    let answer = poll_fn(|context| {
        polls += 1;
        if polls > POLLS {
            let promise = "a call that waits sleeps until there is something to do";
            let expected = format_args!("at most {POLLS} polls");
            broken(promise, expected, &format_args!("{polls} polls"));
        }
        answer.as_mut().poll(context)
    });
    match patience::within(limit, answer).await {
        Some(answer) => answer,
        None => broken(promise, format_args!("an answer within {limit:?}"), &"none"),
    }
}
