//! Receives at the same time.

use std::time::Duration;

use futures::future::join_all;
use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::shown::After;
use super::trial::{LATE, Trial};
use crate::contract::promise::{equal, holds};

/// How many receives wait at a time.
const RECEIVES: usize = 6;

/// When messages are sent to receives that wait.
const MEANWHILE: Duration = Duration::from_millis(300);

/// The ledger looks at whether a message is delivered twice.
pub(super) async fn each_message_goes_to_one_receive(trial: &Trial<'_>) {
    let wait = trial.long_wait();
    let send = async |what: &str| {
        for number in 0..RECEIVES {
            trial.send(&format!("{what}: {number}")).await;
        }
        Instant::now()
    };
    let receive = async || {
        let messages = trial.receive(1, wait).await;
        (messages, Instant::now())
    };

    let sent = send("for receives that find it").await;
    let found = join_all((0..RECEIVES).map(|_| receive())).await;
    finish(trial, found, sent).await;

    let sending = async {
        sleep(MEANWHILE).await;
        send("for receives that wait").await
    };
    let waiting = join_all((0..RECEIVES).map(|_| receive()));
    let (found, sent) = tokio::join!(waiting, sending);
    finish(trial, found, sent).await;
}

/// Checks what receives brought, and when they ended, and deletes it.
async fn finish(trial: &Trial<'_>, found: Vec<(Vec<QueueMessage>, Instant)>, sent: Instant) {
    let mut total = 0;
    for (messages, ended) in found {
        let late = ended.saturating_duration_since(sent);
        holds(
            "each receive that waits answers as soon as there is a message for it",
            late <= LATE,
            format_args!("at most {LATE:?} after the last message"),
            &After(late),
        );
        total += messages.len();
        trial.delete(&messages).await;
    }
    total += trial.delete_the_rest().await;
    let promise = "no message is lost between receives at the same time";
    equal(promise, &total, &RECEIVES);
}
