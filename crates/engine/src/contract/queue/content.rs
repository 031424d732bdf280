//! What is delivered is what was sent.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::record::{AttributeValue, MessageAttribute, QueueMessage};
use tokio::time::sleep;

use super::calls;
use super::trial::Trial;
use crate::contract::promise::{equal, holds};
use crate::ports::SettleVerb::{Delete, Release};

/// The largest message of SQS for most of its life, and of most servers that stand in for it.
const LARGEST: usize = 256 * 1024;

/// Bodies of all the characters that SQS allows (SQS API reference, `SendMessage`), each of which something that
/// parses, trims, escapes or normalizes would change.
const BODIES: [&str; 16] = [
    "{\"a\": \"ä€😀\", \"n\" : 1.0}\n\t<&>\"\\",
    "{ \"b\": 1.50e2, \"a\" : \"\\u00e9\\/\", \"a\":null }",
    " leading, and trailing \n",
    "\r\n\t two\r\nlines, \rthree\n\n",
    " ",
    "\n",
    "0",
    "null",
    "\u{1F980}\u{10FFFD}",
    "\u{FEFF}byte order mark, line separator\u{2028}, next line\u{85}, no-break space\u{A0}",
    "e\u{301} is not é",
    "%20+&amp;&#65;\\u0041\\n${body}",
    "eyJhIjoxfQ==",
    "\"quoted\"",
    "\u{7F}\u{9F}\u{D7FF}\u{E000}\u{FFFD}",
    "Case and case",
];

pub(super) async fn bodies_are_delivered_as_they_were_sent(trial: &Trial<'_>) {
    let largest = "0123456789abcde\n".repeat(LARGEST / 16);
    for body in BODIES.into_iter().chain([largest.as_str()]) {
        let message = trial.delivery_of(body).await;
        comes_again(trial, message, body).await;
    }
}

pub(super) async fn attributes_are_delivered_as_they_were_sent(trial: &Trial<'_>) {
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    let attributes = [
        ("Title", "String", text(" The Whistler é😀\t")),
        ("a.b-c_D", "String.custom", text("{\"a\": 1}")),
        ("WeeksOn", "Number", text("6")),
        ("Share", "Number.float", text("-0.50")),
        (
            "Cover",
            "Binary",
            AttributeValue::Binary(vec![0, 255, 10, 13]),
        ),
        (
            "Back",
            "Binary.png",
            AttributeValue::Binary((0..=255).collect()),
        ),
    ];
    for several in [&attributes[..], &attributes[..1], &attributes[4..5]] {
        let body = format!("with {} attributes, {} first", several.len(), several[0].0);
        let mut message = trial.message(&body);
        let attributes = several.iter().map(|(name, kind, value)| {
            let attribute = MessageAttribute::new((*kind).to_owned(), value.clone());
            ((*name).to_owned(), attribute)
        });
        message.attributes = attributes.collect();
        trial.send_message(message).await;
        let promise = "a message that was sent can be received at once";
        let message = trial.expect(promise, &[&body]).await.remove(0);
        comes_again(trial, message, &body).await;
    }
}

/// Has a message delivered once more, with all that it had before.
async fn comes_again(trial: &Trial<'_>, message: QueueMessage, body: &str) {
    trial.release(&[message]).await;
    let promise = "a message that was released is there at once";
    let again = trial.expect(promise, &[body]).await;
    trial.delete(&again).await;
}

/// Not for FIFO queues, which may take the second for the first once more. The ledger tells messages by their
/// bodies, so this is without it.
pub(super) async fn messages_that_are_equal_are_two(trial: &Trial<'_>) {
    let twin = trial.message("one of two that are equal");
    for _ in 0..2 {
        trial.send_aside(twin.clone()).await;
    }
    let mut messages = calls::receive(trial.source, 1, trial.at_once()).await;
    messages.extend(calls::receive(trial.source, 1, trial.at_once()).await);
    let ids: BTreeSet<_> = messages.iter().map(|message| &message.id).collect();
    let promise = "messages with the same body are two messages";
    holds(promise, ids.len() == 2, "two ids", &ids);
    calls::settle_ok(trial.source, Delete, &messages[0]).await;
    calls::settle_ok(trial.source, Release, &messages[1]).await;
    let left = calls::one(trial.source).await;
    equal(promise, &left.id, &messages[1].id);
    calls::settle_ok(trial.source, Delete, &left).await;
}

/// The ledger looks at the times of every delivery. Here sending and receiving are so far apart that none can be
/// taken for the other.
pub(super) async fn times_are_told(trial: &Trial<'_>) {
    trial.send("lies there").await;
    sleep(Duration::from_millis(2200)).await;
    let promise = "a message stays until it is received";
    let first = trial.expect(promise, &["lies there"]).await;
    trial.release(&first).await;
    sleep(Duration::from_millis(100)).await;
    let promise = "a message that was released is there at once";
    let second = trial.expect(promise, &["lies there"]).await;
    trial.delete(&second).await;
}
