//! What every [`QueueSource`] must do, whatever its server.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::{QueueMessage, Receipt};
use tokio::time::Instant;

use crate::ports::{QueueSource, ReceiveRequest, SettleVerb, Settlement};

/// Checks the promises of [`QueueSource`] on an empty queue, and leaves it empty.
///
/// `send` puts one message with a body into the queue; the group is given for FIFO queues only.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn queue_source_contract(
    source: &dyn QueueSource,
    fifo: bool,
    send: impl AsyncFn(&str, Option<&str>),
) {
    let send = async |body: &str| send(body, fifo.then_some("g")).await;
    facts_are_sane(source).await;
    an_empty_queue_answers_at_once_or_after_the_wait(source).await;
    a_message_arrives_verbatim_and_stays_hidden(source, &send).await;
    a_released_message_is_visible_at_once(source, &send).await;
    a_waiting_receive_is_woken(source, &send).await;
    results_come_in_the_order_of_the_settlements(source, &send).await;
    a_receive_is_bounded(source, &send).await;
}

/// Checks what a FIFO queue promises on top, on an empty queue, and leaves it empty.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn fifo_contract(source: &dyn QueueSource, send: impl AsyncFn(&str, Option<&str>)) {
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        send(body, Some(group)).await;
    }
    let first = one(source).await;
    assert_eq!((body(&first), first.group.as_deref()), ("a1", Some("a")));
    let others = receive(source, 10, Duration::ZERO).await;
    let others: Vec<_> = others
        .iter()
        .map(|each| (body(each), each.group.as_deref()))
        .collect();
    assert_eq!(
        others,
        [("b1", Some("b"))],
        "a group with a message in flight is blocked"
    );

    settle_ok(source, SettleVerb::Release, &first).await;
    let again = receive(source, 10, Duration::from_secs(5)).await;
    let bodies: Vec<_> = again.iter().map(body).collect();
    assert_eq!(
        bodies,
        ["a1", "a2"],
        "a released message comes back before its successors"
    );
    for message in &again {
        settle_ok(source, SettleVerb::Delete, message).await;
    }
}

async fn facts_are_sane(source: &dyn QueueSource) {
    let facts = source.describe().await.unwrap();
    assert!(facts.receive_limit >= 1, "{facts:?}");
    assert!(facts.settle_limit >= 1, "{facts:?}");
    assert!(
        facts.visibility_timeout >= Duration::from_secs(10),
        "too short to test: {facts:?}"
    );
    assert!(facts.wait_step <= facts.longest_wait, "{facts:?}");
}

async fn an_empty_queue_answers_at_once_or_after_the_wait(source: &dyn QueueSource) {
    assert_eq!(receive(source, 10, Duration::ZERO).await, []);
    let wait = source
        .describe()
        .await
        .unwrap()
        .wait_step
        .max(Duration::from_secs(1));
    let start = Instant::now();
    assert_eq!(receive(source, 10, wait).await, []);
    // A server's clock may run a little ahead of ours.
    assert!(
        start.elapsed() >= wait.mul_f64(0.9),
        "did not wait: {:?}",
        start.elapsed()
    );
}

async fn a_message_arrives_verbatim_and_stays_hidden(
    source: &dyn QueueSource,
    send: &impl AsyncFn(&str),
) {
    let text = "{\"a\": \"ä€😀\", \"n\" : 1.0}\n\t<&>\"\\";
    send(text).await;
    let message = one(source).await;
    assert_eq!(body(&message), text);
    assert!(!message.id.is_empty() && !message.receipt.0.is_empty());
    assert_eq!(count(&message), "1");
    assert_eq!(
        receive(source, 10, Duration::ZERO).await,
        [],
        "the message is not hidden"
    );
    settle_ok(source, SettleVerb::Delete, &message).await;
}

async fn a_released_message_is_visible_at_once(
    source: &dyn QueueSource,
    send: &impl AsyncFn(&str),
) {
    send("again").await;
    let first = one(source).await;
    settle_ok(source, SettleVerb::Release, &first).await;
    let step = source.describe().await.unwrap().wait_step;
    let mut second = receive(source, 1, step).await;
    let second = second.pop().unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(count(&second), "2");
    settle_ok(source, SettleVerb::Delete, &second).await;
}

async fn a_waiting_receive_is_woken(source: &dyn QueueSource, send: &impl AsyncFn(&str)) {
    let wait = Duration::from_secs(10);
    let start = Instant::now();
    let (messages, ()) = tokio::join!(receive(source, 10, wait), send("late"));
    assert_eq!(messages.len(), 1);
    assert!(
        start.elapsed() < wait,
        "waited to the end: {:?}",
        start.elapsed()
    );
    settle_ok(source, SettleVerb::Delete, &messages[0]).await;
}

async fn results_come_in_the_order_of_the_settlements(
    source: &dyn QueueSource,
    send: &impl AsyncFn(&str),
) {
    assert_eq!(source.settle(&[]).await.unwrap(), []);
    for body in ["one", "two"] {
        send(body).await;
    }
    let messages = several(source, 2).await;
    let bogus = Receipt("no-such-receipt".to_owned());
    let settlements = [
        settlement(SettleVerb::Release, &messages[0].receipt),
        settlement(SettleVerb::Delete, &bogus),
        settlement(SettleVerb::Delete, &messages[1].receipt),
    ];
    let results = source.settle(&settlements).await.unwrap();
    let kinds: Vec<_> = results
        .iter()
        .map(|each| each.as_ref().map_err(|error| error.kind))
        .collect();
    assert_eq!(kinds, [Ok(&()), Err(SourceErrorKind::Expired), Ok(&())]);
    let released = one(source).await;
    assert_eq!(released.id, messages[0].id);
    settle_ok(source, SettleVerb::Delete, &released).await;
}

async fn a_receive_is_bounded(source: &dyn QueueSource, send: &impl AsyncFn(&str)) {
    let limit = source.describe().await.unwrap().receive_limit.min(100);
    let all = limit + 2;
    for number in 0..all {
        send(&number.to_string()).await;
    }
    let two = receive(source, 2, Duration::from_secs(5)).await;
    assert!(
        (1..=2).contains(&two.len()),
        "asked for 2, got {}",
        two.len()
    );
    for message in &two {
        settle_ok(source, SettleVerb::Delete, message).await;
    }
    let mut seen: BTreeSet<_> = two.into_iter().map(|message| message.id).collect();
    while seen.len() < all {
        let page = receive(source, usize::MAX, Duration::from_secs(5)).await;
        assert!(
            (1..=limit).contains(&page.len()),
            "limit {limit}, got {}",
            page.len()
        );
        for message in page {
            settle_ok(source, SettleVerb::Delete, &message).await;
            assert!(seen.insert(message.id), "delivered twice");
        }
    }
    assert_eq!(receive(source, 10, Duration::ZERO).await, []);
}

/// Receives with the queue's own visibility timeout.
///
/// # Panics
/// Panics if the queue cannot be read.
pub async fn receive(source: &dyn QueueSource, max: usize, wait: Duration) -> Vec<QueueMessage> {
    source
        .receive(ReceiveRequest::new(max, wait))
        .await
        .unwrap()
        .messages
}

/// Receives the one message that must be there.
///
/// # Panics
/// Panics if there is none.
pub async fn one(source: &dyn QueueSource) -> QueueMessage {
    let mut messages = receive(source, 1, Duration::from_secs(5)).await;
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

async fn several(source: &dyn QueueSource, number: usize) -> Vec<QueueMessage> {
    let mut messages = Vec::new();
    while messages.len() < number {
        let page = receive(source, number - messages.len(), Duration::from_secs(5)).await;
        assert!(
            !page.is_empty(),
            "{} of {number} messages arrived",
            messages.len()
        );
        messages.extend(page);
    }
    messages
}

/// Settles one delivery, which must succeed.
///
/// # Panics
/// Panics if it does not.
pub async fn settle_ok(source: &dyn QueueSource, verb: SettleVerb, message: &QueueMessage) {
    let results = source
        .settle(&[settlement(verb, &message.receipt)])
        .await
        .unwrap();
    assert_eq!(results, [Ok(())]);
}

fn settlement(verb: SettleVerb, receipt: &Receipt) -> Settlement {
    Settlement::new(receipt.clone(), verb)
}

fn body(message: &QueueMessage) -> &str {
    let content = message.content.sqs().unwrap();
    &content.body
}

fn count(message: &QueueMessage) -> &str {
    let content = message.content.sqs().unwrap();
    let attribute = content
        .attributes
        .iter()
        .find(|(name, _)| name == "ApproximateReceiveCount");
    &attribute.unwrap().1
}
