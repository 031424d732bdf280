//! How long a receive waits, and what ends it.

use std::time::Duration;

use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::calls;
use super::shown::After;
use super::trial::{LATE, PAUSE, Trial, in_time};
use crate::contract::promise::{broken, equal};

const EMPTY: &str = "the contract is given an empty queue";

/// Longer than any queue lets a receive wait.
const A_DAY: Duration = Duration::from_secs(86_400);

/// When something happens after a receive has begun to wait.
const MEANWHILE: Duration = Duration::from_millis(400);

pub(super) async fn an_empty_queue_answers_after_the_wait(trial: &Trial<'_>) {
    finds_nothing_at_once(trial).await;
    let longest = trial.long_wait();
    let mut waits = vec![trial.at_once().min(longest), longest];
    waits.dedup();
    for wait in waits {
        let receive = async {
            let begun = Instant::now();
            let messages = trial.receive(10, wait).await;
            equal(EMPTY, &messages, &Vec::new());
            let promise = "a receive that finds nothing answers when its wait is over, not before and not much later";
            // A server's clock may run a little ahead of ours.
            in_time(promise, begun, wait.mul_f64(0.9), wait + LATE);
        };
        // One that waits is in nobody's way.
        tokio::join!(receive, finds_nothing_at_once(trial));
    }
}

async fn finds_nothing_at_once(trial: &Trial<'_>) {
    let begun = Instant::now();
    trial.expect_none(EMPTY).await;
    let promise = "a receive that is not to wait answers at once";
    in_time(promise, begun, Duration::ZERO, LATE);
}

pub(super) async fn a_message_that_is_there_is_not_waited_for(trial: &Trial<'_>) {
    trial.send("there").await;
    let begun = Instant::now();
    let messages = trial.receive(10, trial.long_wait()).await;
    let promise = "a receive that finds a message brings it, and does not wait for more";
    equal(promise, &messages.len(), &1);
    in_time(promise, begun, Duration::ZERO, LATE);
    trial.delete(&messages).await;
    trial.send("there too").await;
    let promise = "a wait longer than the queue allows is cut, and is no error";
    let receive = trial.receive(10, A_DAY);
    let messages = calls::bounded(promise, Duration::ZERO, receive).await;
    equal(promise, &messages.len(), &1);
    trial.delete(&messages).await;
}

pub(super) async fn a_waiting_receive_is_woken(trial: &Trial<'_>) {
    let promise = "a receive that waits answers as soon as a message is sent";
    let send = async {
        sleep(MEANWHILE).await;
        trial.send("late").await;
    };
    let (messages, ()) = tokio::join!(waits_for_one(trial, promise), send);
    let promise = "a receive that waits answers as soon as a message is released";
    let release = async {
        sleep(MEANWHILE).await;
        trial.release(&messages).await;
    };
    let (again, ()) = tokio::join!(waits_for_one(trial, promise), release);
    trial.delete(&again).await;
}

/// Receives what comes within `MEANWHILE`, in as many waits as that takes.
pub(super) async fn waits_for_one(trial: &Trial<'_>, promise: &str) -> Vec<QueueMessage> {
    let begun = Instant::now();
    let limit = MEANWHILE + LATE;
    loop {
        let messages = trial.receive(1, trial.long_wait()).await;
        if !messages.is_empty() {
            in_time(promise, begun, Duration::ZERO, limit);
            return messages;
        }
        let elapsed = begun.elapsed();
        if elapsed > limit {
            let expected = format_args!("a message after {MEANWHILE:?} to {limit:?}");
            broken(promise, expected, &("none", After(elapsed)));
        }
        // A queue may have no waits.
        sleep(PAUSE).await;
    }
}
