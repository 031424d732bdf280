//! Messages come as they were published, in their order, when they are there.

use bytes::Bytes;
use lambda_esm_core::record::{ActiveMqKind, FieldValue, PushedContent, PushedMessage};
use tokio::time::{Instant, sleep};

use super::queue::{A_WHILE, Queue, body, is_redelivered, numbers};
use super::session::Session;
use super::subject::{MessageToPublish, PushQueueContract};
use crate::contract::bound::{dropped_after, ends, ends_within};
use crate::contract::promise::{equal, holds, succeeds};
use crate::contract::same_bytes::same_bytes;
use crate::ports::Outcome;

pub(super) const ORDER: &str = "messages come in the order of the queue, each once";

pub(super) async fn come_as_they_were_published(subject: &dyn PushQueueContract) {
    let queue = Queue::make(subject).await;
    let mut session = Session::begin(&queue, 10).await;
    for message in samples() {
        let published = subject.publish(&queue.name, message.clone());
        ends("publishing", published).await;
        let found = session.read(1).await;
        equal(ORDER, &found.len(), &1);
        is_as_it_was_published(&found[0], &message);
        session.settle(&found, Outcome::Accepted).await;
    }
    session.close().await;
}

/// Returns messages with whatever may be told apart.
fn samples() -> Vec<MessageToPublish> {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let many: Vec<u8> = every.iter().copied().cycle().take(300_000).collect();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut full = MessageToPublish::text("with properties");
    full.correlation_id = Some("order 17/ä€😀".to_owned());
    full.kind = Some("a kind".to_owned());
    full.priority = Some(7);
    full.headers = vec![
        header("zebra", "first"),
        header("ant", "second, ä€😀"),
        header("empty", ""),
    ];
    vec![
        MessageToPublish::text("plain"),
        MessageToPublish::text("ä€😀 \u{0} \r\n"),
        MessageToPublish::bytes(Bytes::new()),
        MessageToPublish::bytes(every),
        MessageToPublish::bytes(many),
        full,
        MessageToPublish::text("without properties again"),
    ]
}

fn is_as_it_was_published(message: &PushedMessage, published: &MessageToPublish) {
    same_bytes(
        "a body comes byte for byte as it was published",
        body(message),
        &published.body,
    );
    let seen = shown(message);
    equal(
        "the properties come as they were published",
        &(seen.correlation_id, seen.kind),
        &(published.correlation_id.clone(), published.kind.clone()),
    );
    if let Some(priority) = published.priority {
        equal(
            "the priority comes as it was published",
            &seen.priority,
            &Some(priority),
        );
    }
    let headers = seen.headers.into_iter();
    let ours = |name: &str| published.headers.iter().any(|(known, _)| known == name);
    let mut headers: Vec<_> = headers.filter(|(name, _)| ours(name)).collect();
    let mut expected = published.headers.clone();
    // A map has no order.
    headers.sort();
    expected.sort();
    equal("headers come as they were published", &headers, &expected);
    if let PushedContent::ActiveMq(message) = &message.content {
        let kind = match published.is_text {
            true => ActiveMqKind::Text,
            false => ActiveMqKind::Bytes,
        };
        equal("a text is told from bytes", &message.kind, &kind);
    }
    is_fresh(message);
}

/// Checks what holds of a message that was not delivered before.
fn is_fresh(message: &PushedMessage) {
    equal(
        "a message that was not delivered before is not shown as redelivered",
        &(is_redelivered(message), message.failed_deliveries),
        &(false, 0),
    );
    equal(
        "a message without expiration does not expire",
        &message.time_to_live,
        &None,
    );
}

/// Returns what a message shows of what the contract publishes.
fn shown(message: &PushedMessage) -> MessageToPublish {
    let mut shown = MessageToPublish::default();
    match &message.content {
        PushedContent::RabbitMq(message) => {
            let properties = message.properties.clone();
            shown.correlation_id = properties.correlation_id;
            shown.kind = properties.kind;
            shown.priority = properties.priority;
            let headers = properties.headers.into_iter().flatten();
            shown.headers = headers.map(|(name, value)| (name, text(&value))).collect();
        }
        PushedContent::ActiveMq(message) => {
            shown.correlation_id.clone_from(&message.correlation_id);
            shown.kind.clone_from(&message.jms_type);
            shown.priority = Some(message.priority);
            shown.headers.clone_from(&message.properties);
        }
        _ => {}
    }
    shown
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::LongString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

pub(super) async fn come_in_order_up_to_the_prefetch(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    queue.publish(30).await;
    let mut session = Session::begin(&queue, 5).await;
    let mut all = session.read(5).await;
    session
        .reads_nothing("no more messages are delivered and not settled than the prefetch")
        .await;
    // Room for two, though they are not the first.
    session.settle(&all[1..3], Outcome::Accepted).await;
    let promise = "what is settled makes room for as many";
    let more = session.read(2).await;
    equal(promise, &more.len(), &2);
    session
        .reads_nothing("no more messages are delivered and not settled than the prefetch")
        .await;
    session.settle(&all[..1], Outcome::Accepted).await;
    session.settle(&all[3..], Outcome::Accepted).await;
    session.settle(&more, Outcome::Accepted).await;
    all.extend(more);
    while all.len() < 30 {
        let more = session.read(1).await;
        equal(ORDER, &more.is_empty(), &false);
        session.settle(&more, Outcome::Accepted).await;
        all.extend(more);
    }
    equal(ORDER, &numbers(&all), &(0..30).collect::<Vec<_>>());
    for message in &all {
        is_fresh(message);
    }
    session.reads_nothing(ORDER).await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}

pub(super) async fn are_waited_for(subject: &dyn PushQueueContract) {
    let mut queue = Queue::make(subject).await;
    let mut session = Session::begin(&queue, 50).await;
    session
        .reads_nothing("a read waits until there is a message")
        .await;
    let consumer = session.consumer.clone();
    let start = Instant::now();
    let reading = tokio::spawn(async move { (consumer.next().await, Instant::now()) });
    sleep(A_WHILE).await;
    queue.publish(1).await;
    let promise = "a read that waits ends as soon as there is a message";
    let waits = A_WHILE * 10;
    let read = ends_within(waits, "a read of a message that is there", reading).await;
    let (read, ended) = succeeds(promise, read);
    let first = succeeds(promise, read);
    equal(promise, &numbers(&first), &vec![0]);
    holds(
        promise,
        ended - start >= A_WHILE,
        "no read before that",
        &(ended - start),
    );
    session.settle(&first, Outcome::Accepted).await;

    // Futures that are dropped while they wait, however far they came.
    let mut found = Vec::new();
    for polls in 0..12 {
        queue.publish(1).await;
        dropped_after(polls, async {
            if let Ok(messages) = session.consumer.next().await {
                found.extend(messages);
            }
        })
        .await;
    }
    found.extend(session.read(12 - found.len()).await);
    equal(
        "a read that is dropped while it waits loses no message",
        &numbers(&found),
        &(1..13).collect::<Vec<_>>(),
    );
    session.settle(&found, Outcome::Accepted).await;
    session.close().await;
    queue.has("what is accepted is gone", 0).await;
}
