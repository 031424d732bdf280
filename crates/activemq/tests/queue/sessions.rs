//! What sessions promise: bounds, order, counts, dead letters.

use lambda_esm_engine::ports::Outcome;

use crate::activemq::Broker;
use crate::scene::{FAILED, Queue, RELEASED, failures, numbers, texts};

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_prefetch_is_delivered_at_a_time_and_what_is_accepted_makes_room() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(30).await;
    let consumer = queue.consume(10).await;
    let first = consumer.take(10).await;
    assert_eq!(texts(&first), numbers(0..10));
    consumer.nothing_comes().await;
    consumer.settle(&first[3..6], Outcome::Accepted).await;
    let second = consumer.take(3).await;
    assert_eq!(texts(&second), numbers(10..13));
    consumer.nothing_comes().await;
    consumer.close().await;
    let rest = queue.consume(100).await.take(27).await;
    assert_eq!(texts(&rest), numbers((0..3).chain(6..30)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_back_comes_again_in_order_before_what_was_sent_after_it() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(20).await;
    let consumer = queue.consume(5).await;
    let first = consumer.take(5).await;
    consumer.settle(&first[..3], RELEASED).await;
    let again = consumer.take(3).await;
    assert_eq!(texts(&again), numbers(0..3));
    assert_eq!(failures(&again), [0; 3]);
    consumer.settle(&again, FAILED).await;
    let again = consumer.take(3).await;
    assert_eq!(texts(&again), numbers(0..3));
    assert_eq!(failures(&again), [1; 3]);
    consumer.settle(&again, FAILED).await;
    let again = consumer.take(3).await;
    assert_eq!(failures(&again), [2; 3]);
    consumer.settle(&again, RELEASED).await;
    let again = consumer.take(3).await;
    assert_eq!(failures(&again), [2; 3]);
    consumer.settle(&again, Outcome::Accepted).await;
    consumer.settle(&first[3..], Outcome::Accepted).await;
    let next = consumer.take(5).await;
    assert_eq!(texts(&next), numbers(5..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_is_a_dead_letter_at_once() {
    // One with dead letters of its own.
    let Some(broker) = Broker::start().await else {
        return;
    };
    let queue = Queue::at(&broker.amqp(), broker.jms());
    queue.fill(3).await;
    let consumer = queue.consume(10).await;
    let messages = consumer.take(3).await;
    consumer.settle(&messages[..2], Outcome::Rejected).await;
    consumer.settle(&messages[2..], Outcome::Accepted).await;
    consumer.close().await;
    assert!(queue.jms.read(&queue.name).await.is_empty());
    let letters = queue.jms.read("ActiveMQ.DLQ").await;
    let letters: Vec<&String> = letters.iter().map(|letter| &letter.text).collect();
    assert_eq!(letters, ["0", "1"]);
}
