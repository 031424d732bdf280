//! When a hidden message comes back.

use std::time::Duration;

use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::ledger::SKEW;
use super::settling::done_or_expired;
use super::shown::{After, body};
use super::trial::{LATE, PAUSE, Trial};
use crate::contract::promise::{broken, equal, holds};
use crate::ports::SettleVerb::Delete;

const SHORTER: Duration = Duration::from_secs(3);

/// By how much the longer visibility timeout is longer than the queue's own.
const LONGER: Duration = Duration::from_secs(4);

/// A message in flight that must come back.
struct Hidden {
    message: QueueMessage,
    since: Instant,
    due: Duration,
}

/// All at the same time, since a server takes as long as it says. The ledger looks at whether a message comes too
/// early, or was deleted.
pub(super) async fn hidden_messages_come_back_in_time(trial: &Trial<'_>) {
    let own = trial.facts.visibility_timeout;
    let deleted = trial.delivery_of("deleted while it is hidden").await;
    let mut hidden = Vec::new();
    for (sent, timeout, due) in [
        ("hidden longer", Some(own + LONGER), own + LONGER),
        ("hidden as long as the queue says", None, own),
        ("hidden shorter", Some(SHORTER), SHORTER),
    ] {
        hidden.push(hide(trial, sent, timeout, due).await);
    }
    trial.delete(&[deleted]).await;
    // The shortest comes last, and its turn is first.
    while let Some(mut next) = hidden.pop() {
        if next.due == SHORTER {
            // Once more, while there is time until the next one.
            next = comes_back(trial, &next, Some(SHORTER)).await;
        }
        let again = comes_back(trial, &next, None).await.message;
        if next.due == own {
            is_settled_by_either_receipt(trial, &next.message, &again).await;
        } else {
            trial.release(std::slice::from_ref(&again)).await;
            let promise = "a message that came back can be released, and is there at once";
            let again = trial.expect(promise, &[body(&again)]).await;
            trial.delete(&again).await;
        }
    }
}

async fn hide(trial: &Trial<'_>, sent: &str, timeout: Option<Duration>, due: Duration) -> Hidden {
    trial.send(sent).await;
    let mut messages = trial.receive_hiding(1, trial.at_once(), timeout).await;
    let promise = "a message that was sent can be received at once";
    equal(promise, &messages.len(), &1);
    Hidden {
        message: messages.remove(0),
        since: Instant::now(),
        due,
    }
}

/// Receives a message that was hidden, and hides it again.
async fn comes_back(trial: &Trial<'_>, hidden: &Hidden, again: Option<Duration>) -> Hidden {
    let promise = "a hidden message comes back when its visibility timeout ends, which is that of the receive if it asks for one";
    let limit = hidden.due + LATE;
    let earliest = hidden.due.saturating_sub(SKEW);
    let expected = format!(
        "{:?} {earliest:?} to {limit:?} after it was received",
        body(&hidden.message)
    );
    loop {
        let mut messages = trial.receive_hiding(1, trial.long_wait(), again).await;
        let elapsed = hidden.since.elapsed();
        if let Some(message) = messages.pop() {
            let right = message.id == hidden.message.id && elapsed <= limit;
            holds(promise, right, &expected, &(body(&message), After(elapsed)));
            return Hidden {
                message,
                since: Instant::now(),
                due: again.unwrap_or(trial.facts.visibility_timeout),
            };
        }
        if elapsed > limit {
            broken(promise, &expected, &("nothing", After(elapsed)));
        }
        // A queue may have no waits.
        sleep(PAUSE).await;
    }
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
