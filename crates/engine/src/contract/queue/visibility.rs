//! When a hidden message comes back.

use std::fmt::Debug;
use std::time::Duration;

use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::ledger::SKEW;
use super::settling::done_or_expired;
use super::shown::{After, body};
use super::trial::{LATE, PAUSE, Trial};
use crate::contract::promise::holds;
use crate::ports::SettleVerb::Delete;

const SHORTER: Duration = Duration::from_secs(3);

/// By how much the longer visibility timeout is longer than the queue's own.
const LONGER: Duration = Duration::from_secs(4);

/// A message in flight that must come back.
struct Hidden {
    message: QueueMessage,
    since: Instant,
    due: Duration,
    then: Then,
}

/// What is done with a message that has come back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    HideAgain,
    Release,
    DeleteByEither,
    Delete,
}

/// All at the same time, since a server takes as long as it says. The ledger looks at whether a message comes too
/// early, or was deleted.
pub(super) async fn hidden_messages_come_back_in_time(trial: &Trial<'_>) {
    let own = trial.facts.visibility_timeout;
    let deleted = trial.delivery_of("deleted while it is hidden").await;
    let mut hidden = Vec::new();
    for (sent, timeout, then) in [
        ("hidden longer", Some(own + LONGER), Then::Release),
        (
            "hidden as long as the queue says",
            None,
            Then::DeleteByEither,
        ),
        ("hidden shorter before", None, Then::Delete),
        ("hidden shorter", Some(SHORTER), Then::HideAgain),
    ] {
        hidden.extend(hide(trial, sent, timeout, then).await);
    }
    trial.delete(&[deleted]).await;
    while let Some(next) = hidden.iter().min_by_key(|each| each.since + each.due) {
        let again = (next.then == Then::HideAgain).then_some(SHORTER);
        let messages = trial.receive_hiding(10, trial.long_wait(), again).await;
        let now = Instant::now();
        for message in messages {
            let place = hidden.iter().position(|each| each.message.id == message.id);
            if let Some(place) = place {
                let before = hidden.swap_remove(place);
                is_back(&before, now, &body(&message));
                hidden.extend(goes_on(trial, before, message, now).await);
            }
        }
        for each in &hidden {
            is_back(each, now, &"nothing");
        }
        // A queue may have no waits.
        sleep(PAUSE).await;
    }
}

/// How many messages are hidden by one receive, if it brings as many.
const TOGETHER: usize = 2;

/// Sends messages and hides them.
async fn hide(trial: &Trial<'_>, what: &str, timeout: Option<Duration>, then: Then) -> Vec<Hidden> {
    for number in 1..=TOGETHER {
        trial.send(&format!("{what}: {number}")).await;
    }
    if then == Then::Delete {
        // What is over must not end what follows.
        for before in receive_hidden(trial, Some(SHORTER), then).await {
            trial.release(&[before.message]).await;
        }
    }
    receive_hidden(trial, timeout, then).await
}

async fn receive_hidden(trial: &Trial<'_>, timeout: Option<Duration>, then: Then) -> Vec<Hidden> {
    let mut hidden = Vec::new();
    while hidden.len() < TOGETHER {
        let left = TOGETHER - hidden.len();
        let messages = trial.receive_hiding(left, trial.at_once(), timeout).await;
        let promise = "a message that was sent or released can be received at once";
        holds(promise, !messages.is_empty(), "a message", &"none");
        let since = Instant::now();
        hidden.extend(messages.into_iter().map(|message| Hidden {
            message,
            since,
            due: timeout.unwrap_or(trial.facts.visibility_timeout),
            then,
        }));
    }
    hidden
}

/// Checks that a message is not too late.
fn is_back(hidden: &Hidden, now: Instant, seen: &impl Debug) {
    let elapsed = now - hidden.since;
    let limit = hidden.due + LATE;
    let earliest = hidden.due.saturating_sub(SKEW);
    let body = body(&hidden.message);
    holds(
        "a hidden message comes back when its visibility timeout ends, the receive's own if it has one",
        elapsed <= limit,
        format_args!("{body:?} {earliest:?} to {limit:?} after it was received"),
        &(seen, After(elapsed)),
    );
}

/// Does what is to be done with a message that has come back.
async fn goes_on(
    trial: &Trial<'_>,
    before: Hidden,
    message: QueueMessage,
    since: Instant,
) -> Option<Hidden> {
    match before.then {
        Then::HideAgain => {
            return Some(Hidden {
                message,
                since,
                due: SHORTER,
                then: Then::Release,
            });
        }
        Then::Release => {
            trial.release(std::slice::from_ref(&message)).await;
            let promise = "a message that came back can be released, and is there at once";
            let again = trial.expect(promise, &[body(&message)]).await;
            trial.delete(&again).await;
        }
        Then::Delete => trial.delete(&[message]).await,
        Then::DeleteByEither => {
            is_settled_by_either_receipt(trial, &before.message, &message).await;
        }
    }
    None
}

/// A queue may take the receipt of an earlier delivery, ignore it, or refuse it (SQS API reference, `DeleteMessage`).
async fn is_settled_by_either_receipt(
    trial: &Trial<'_>,
    earlier: &QueueMessage,
    latest: &QueueMessage,
) {
    let by_earlier = trial.settle(&[(Delete, earlier)]).await;
    done_or_expired(&by_earlier);
    let by_latest = trial.settle(&[(Delete, latest)]).await;
    done_or_expired(&by_latest);
    holds(
        "the receipt of the latest delivery deletes the message, if that of an earlier one has not",
        by_latest[0].is_ok() || by_earlier[0].is_ok(),
        "Ok for one of them",
        &(by_earlier, by_latest),
    );
}
