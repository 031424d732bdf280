//! The order and the locks of message groups.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use lambda_esm_core::record::QueueMessage;
use tokio::time::{Instant, sleep};

use super::cancellation::{POINTS, Receive};
use super::message::MessageToSend;
use super::shown::{After, attribute, body};
use super::trial::{LATE, PAUSE, Trial};
use super::waiting::waits_for_one;
use crate::contract::promise::{broken, equal, holds};

/// Groups that differ in case or in a sign only (SQS API reference, `SendMessage`: letters, digits and punctuation).
const GROUPS: [&str; 4] = ["a", "A", "a.", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"];

const ORDER: &str = "the messages of a group are delivered in the order in which they were sent";

const BLOCKED: &str = "a group with a message in flight is blocked, and no other group is";

const RELEASED: &str = "a released message comes at once, and before those that were sent after it";

const NEXT: &str =
    "when the messages of a group that are in flight are settled, the next one is there at once";

async fn send(trial: &Trial<'_>, messages: &[(&str, &str)]) {
    for (group, body) in messages {
        let message = MessageToSend::new(body, Some((*group).to_owned()));
        trial.send_message(message).await;
    }
}

/// Receives what `promise` says comes next, in this order.
async fn take(trial: &Trial<'_>, promise: &str, bodies: &[&str]) -> Vec<QueueMessage> {
    let messages = trial.receive(bodies.len(), trial.at_once()).await;
    let found: Vec<_> = messages.iter().map(body).collect();
    equal(promise, &found, &bodies.to_vec());
    messages
}

pub(super) async fn groups_keep_their_order(trial: &Trial<'_>) {
    let mut expected: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // In the order of time, not of the alphabet.
    for number in ["5", "3", "4", "1", "2"] {
        for group in GROUPS {
            let sent = format!("message {number} of group {group}");
            send(trial, &[(group, &sent)]).await;
            expected.entry(group).or_default().push(sent);
        }
    }
    let mut left: usize = expected.values().map(Vec::len).sum();
    let mut found: BTreeMap<String, Vec<QueueMessage>> = BTreeMap::new();
    let mut most = [1, 2, 3].into_iter();
    while left > 0 {
        let max = most.next().unwrap_or(usize::MAX);
        let messages = trial.receive(max, trial.at_once()).await;
        holds(NEXT, !messages.is_empty(), "a message", &"none");
        trial.delete(&messages).await;
        left = left.saturating_sub(messages.len());
        for message in messages {
            let group = message.group.clone().unwrap_or_default();
            found.entry(group).or_default().push(message);
        }
    }
    for (group, expected) in expected {
        let found = found.remove(group).unwrap_or_default();
        let bodies: Vec<_> = found.iter().map(body).collect();
        equal(ORDER, &bodies, &expected);
        let numbers: Vec<_> = found.iter().map(sequence_number).collect();
        let grows = numbers.is_sorted_by(|left, right| left.is_some() && left < right);
        let promise = "SequenceNumber is a number that grows along a group";
        holds(promise, grows, "numbers that grow", &numbers);
    }
}

fn sequence_number(message: &QueueMessage) -> Option<u128> {
    attribute(message, "SequenceNumber")?.parse().ok()
}

pub(super) async fn a_group_in_flight_is_blocked(trial: &Trial<'_>) {
    send(trial, &[("lock", "blocks"), ("lock", "is blocked")]).await;
    let first = take(trial, ORDER, &["blocks"]).await;
    send(trial, &[("Lock", "is not blocked")]).await;
    let other = trial.receive(10, trial.at_once()).await;
    let found: Vec<_> = other.iter().map(body).collect();
    equal(BLOCKED, &found, &vec!["is not blocked"]);
    trial.expect_none(BLOCKED).await;
    // Neither settling the other group nor its next message opens this one.
    trial.delete(&other).await;
    send(trial, &[("Lock", "is not blocked either")]).await;
    let other = trial.receive(10, trial.at_once()).await;
    let found: Vec<_> = other.iter().map(body).collect();
    equal(BLOCKED, &found, &vec!["is not blocked either"]);
    trial.delete(&other).await;
    trial.delete(&first).await;
    let next = take(trial, NEXT, &["is blocked"]).await;
    trial.delete(&next).await;
}

pub(super) async fn released_messages_come_first(trial: &Trial<'_>) {
    send(trial, &[("r", "r1"), ("r", "r2"), ("r", "r3")]).await;
    for _ in 0..2 {
        let first = take(trial, RELEASED, &["r1"]).await;
        trial.release(&first).await;
    }
    for reversed in [true, false] {
        let mut first = trial.receive(2, trial.at_once()).await;
        let found: Vec<_> = first.iter().map(body).collect();
        // A receive may bring fewer than it is asked for.
        let expected = &["r1", "r2"][..found.len().clamp(1, 2)];
        equal(RELEASED, &found, &expected.to_vec());
        if reversed {
            first.reverse();
        }
        for message in first {
            if reversed {
                // One that comes before all that are in flight need not wait for them.
                trial.expect_none(BLOCKED).await;
            }
            trial.release(&[message]).await;
        }
    }
    for each in ["r1", "r2", "r3"] {
        let first = take(trial, RELEASED, &[each]).await;
        trial.delete(&first).await;
    }
}

pub(super) async fn a_group_is_blocked_until_all_of_it_is_settled(trial: &Trial<'_>) {
    send(trial, &[("s", "s1"), ("s", "s2"), ("s", "s3")]).await;
    let mut first = trial.receive(2, trial.at_once()).await;
    let found: Vec<_> = first.iter().map(body).collect();
    // A receive may bring fewer than it is asked for.
    let bodies = ["s1", "s2", "s3"];
    let (expected, left) = bodies.split_at(found.len().clamp(1, 2));
    equal(ORDER, &found, &expected.to_vec());
    while let Some(message) = first.pop() {
        trial.expect_none(BLOCKED).await;
        trial.delete(&[message]).await;
    }
    for each in left {
        let next = take(trial, NEXT, &[each]).await;
        trial.delete(&next).await;
    }
}

pub(super) async fn a_deletion_makes_way_for_the_next(trial: &Trial<'_>) {
    send(trial, &[("n", "n1"), ("n", "n2"), ("n", "n3")]).await;
    let first = take(trial, ORDER, &["n1"]).await;
    trial.delete(&first).await;
    let second = take(trial, NEXT, &["n2"]).await;
    let delete = async {
        sleep(Duration::from_millis(300)).await;
        trial.delete(&second).await;
    };
    let (third, ()) = tokio::join!(waits_for_one(trial, NEXT), delete);
    trial.delete(&third).await;
}

/// For a source whose receives may be dropped.
pub(super) async fn a_dropped_receive_leaves_a_group_as_it_was(trial: &Trial<'_>) {
    let promise =
        "a receive that is dropped while it waits leaves groups open, and their messages in order";
    for point in 1..=POINTS {
        let sent = ["first", "second"].map(|each| format!("{each} when dropped at {point}"));
        send(trial, &[("d", &sent[0]), ("d", &sent[1])]).await;
        let mut receive = Receive::begin(trial);
        let came = receive.poll(point).await;
        drop(receive);
        let messages = came.unwrap_or_default();
        trial.delete(&messages).await;
        for each in &sent[messages.len().min(2)..] {
            let next = take(trial, promise, &[each]).await;
            trial.delete(&next).await;
        }
        if !messages.is_empty() {
            return;
        }
    }
}

pub(super) async fn a_group_goes_to_one_receive_at_a_time(trial: &Trial<'_>) {
    let wait = trial.long_wait();
    let receives = join_all((0..3).map(|_| trial.receive(1, wait)));
    let sending = async {
        sleep(Duration::from_millis(300)).await;
        send(trial, &[("o", "o1"), ("o", "o2"), ("o", "o3")]).await;
    };
    let (found, ()) = tokio::join!(receives, sending);
    let found: Vec<_> = found.into_iter().flatten().collect();
    let bodies: Vec<_> = found.iter().map(body).collect();
    // A wait may have ended before the message came.
    let expected = &["o1"][..bodies.len().min(1)];
    let promise = "of receives at the same time one gets messages of a group";
    equal(promise, &bodies, &expected.to_vec());
    trial.delete(&found).await;
    for each in &["o1", "o2", "o3"][found.len()..] {
        let next = take(trial, NEXT, &[each]).await;
        trial.delete(&next).await;
    }
}

pub(super) async fn a_message_whose_visibility_timeout_ends_comes_first(trial: &Trial<'_>) {
    let promise =
        "a message whose visibility timeout ends comes back before those that were sent after it";
    send(trial, &[("v", "v1"), ("v", "v2")]).await;
    take(trial, ORDER, &["v1"]).await;
    let begun = Instant::now();
    let due = trial.facts.visibility_timeout;
    send(trial, &[("w", "w1")]).await;
    let other = take(trial, BLOCKED, &["w1"]).await;
    trial.delete(&other).await;
    loop {
        let messages = trial.receive(1, trial.long_wait()).await;
        let elapsed = begun.elapsed();
        if !messages.is_empty() {
            let found: Vec<_> = messages.iter().map(body).collect();
            // The ledger looks at whether it comes too early.
            let right = found == ["v1"] && elapsed <= due + LATE;
            let expected = format_args!("[\"v1\"] at most {:?} after it was received", due + LATE);
            holds(promise, right, expected, &(&found, After(elapsed)));
            trial.delete(&messages).await;
            break;
        }
        if elapsed > due + LATE {
            broken(promise, "[\"v1\"]", &("nothing", After(elapsed)));
        }
        sleep(PAUSE).await;
    }
    let next = take(trial, NEXT, &["v2"]).await;
    trial.delete(&next).await;
}
