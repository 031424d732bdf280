//! The in-memory queue keeps the contract of the real ones, and SQS's rules beyond it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::QueueMessage;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{
    MessageToSend, fifo_contract, one, queue_source_contract, receive, settle_ok,
};
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
use lambda_esm_engine::ports::{QueueSource as _, ReceiveRequest, SettleVerb, Settlement};

/// The clock of a queue that is made at the same moment.
fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_700_000_000_000))
}

fn queue(options: MemoryQueueOptions) -> MemoryQueue {
    MemoryQueue::new(clock(), options)
}

fn standard() -> MemoryQueue {
    queue(MemoryQueueOptions::default())
}

fn fifo() -> MemoryQueue {
    queue(MemoryQueueOptions::default().with_fifo(true))
}

fn send(queue: &MemoryQueue, body: &str) {
    queue.send(SendMessage::new(body)).unwrap();
}

async fn put(queue: &MemoryQueue, asked: MessageToSend) {
    let mut message = SendMessage::new(asked.body);
    message.group = asked.group;
    message.attributes = asked.attributes;
    queue.send(message).unwrap();
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() {
    let queue = standard();
    let send = async |message| put(&queue, message).await;
    queue_source_contract(&queue, clock(), false, send).await;
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_as_a_fifo_queue() {
    let (queue, clock) = (fifo(), clock());
    let send = async |message| put(&queue, message).await;
    queue_source_contract(&queue, clock, true, send).await;
    fifo_contract(&queue, clock, send).await;
}

fn attribute<'a>(message: &'a QueueMessage, name: &str) -> Option<&'a str> {
    let sqs = message.content.sqs()?;
    let found = sqs.attributes.iter().find(|(each, _)| each == name)?;
    Some(&found.1)
}

#[tokio::test(start_paused = true)]
async fn a_message_reappears_when_its_visibility_timeout_ends_and_not_before() {
    let queue = standard();
    send(&queue, "x");
    let first = one(&queue).await;
    tokio::time::sleep(Duration::from_millis(29_990)).await;
    assert_eq!(receive(&queue, 1, Duration::ZERO).await, []);
    let second = receive(&queue, 1, Duration::from_secs(20)).await.remove(0);
    assert_eq!(
        (&second.id, second.receipt == first.receipt),
        (&first.id, false)
    );
    assert_eq!(attribute(&second, "ApproximateReceiveCount"), Some("2"));
    assert_eq!(
        attribute(&second, "ApproximateFirstReceiveTimestamp"),
        attribute(&first, "ApproximateFirstReceiveTimestamp")
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_receipt_does_not_delete_a_message_that_was_delivered_anew() {
    let queue = standard();
    send(&queue, "x");
    let first = one(&queue).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    let second = one(&queue).await;
    settle_ok(&queue, SettleVerb::Delete, &first).await;
    assert_eq!(queue.counts(), (0, 1, 0));
    settle_ok(&queue, SettleVerb::Delete, &second).await;
    assert_eq!(queue.counts(), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_late_deletion_of_a_message_not_delivered_anew_still_deletes_it() {
    let queue = standard();
    send(&queue, "x");
    let first = one(&queue).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    settle_ok(&queue, SettleVerb::Delete, &first).await;
    assert_eq!(queue.counts(), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_receive_may_ask_for_another_visibility_timeout() {
    let queue = standard();
    send(&queue, "x");
    let request = ReceiveRequest::new(1, Duration::ZERO)
        .with_visibility_timeout(Some(Duration::from_secs(100)));
    assert_eq!(queue.receive(request).await.unwrap().messages.len(), 1);
    tokio::time::sleep(Duration::from_secs(99)).await;
    assert_eq!(queue.counts(), (0, 1, 0));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(queue.counts(), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_appears_after_its_delay() {
    let queue = standard();
    let message = SendMessage::new("x").with_delay(Duration::from_secs(5));
    queue.send(message).unwrap();
    assert_eq!(queue.counts(), (0, 0, 1));
    let start = tokio::time::Instant::now();
    assert_eq!(receive(&queue, 1, Duration::from_secs(20)).await.len(), 1);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_ignores_a_duplicate_for_five_minutes() {
    let queue = fifo();
    let message = SendMessage::new("same").in_group("g");
    let first = queue.send(message.clone()).unwrap();
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(queue.send(message.clone()).unwrap(), first);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_ne!(queue.send(message).unwrap(), first);
    assert_eq!(queue.counts().0, 2);
    assert!(queue.send(SendMessage::new("no group")).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_fifo_queue_that_dies_makes_way_for_the_next() {
    let dead = fifo();
    let queue = queue(
        MemoryQueueOptions::default()
            .with_fifo(true)
            .with_redrive(Some(Redrive::new(dead.clone(), 2))),
    );
    for body in ["one", "two"] {
        queue.send(SendMessage::new(body).in_group("g")).unwrap();
    }
    for _ in 0..2 {
        let messages = receive(&queue, 1, Duration::ZERO).await;
        let settlement = Settlement::new(messages[0].receipt.clone(), SettleVerb::Release);
        queue.settle(&[settlement]).await.unwrap();
    }
    let next = one(&queue).await;
    assert_eq!(attribute(&next, "ApproximateReceiveCount"), Some("1"));
    assert_eq!((queue.counts(), dead.counts()), ((0, 1, 0), (1, 0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_seed_makes_the_identifiers_of_messages_and_their_numbers_are_in_them() {
    let seeded = |seed| queue(MemoryQueueOptions::default().with_seed(Some(seed)));
    let ids = |queue: &MemoryQueue| -> Vec<String> {
        let send = |body: &str| queue.send(SendMessage::new(body)).unwrap();
        ["one", "two"].map(send).into()
    };
    let (first, again, other) = (ids(&seeded(7)), ids(&seeded(7)), ids(&seeded(8)));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first[1].ends_with("-000000000002"), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_sent_later_has_the_time_it_came() {
    let queue = standard();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let sent = Timestamp(1_700_000_000_000) + Duration::from_secs(3);
    queue.send_at(SendMessage::new("late"), sent).unwrap();
    let message = one(&queue).await;
    assert_eq!(attribute(&message, "SentTimestamp"), Some("1700000003000"));
}
