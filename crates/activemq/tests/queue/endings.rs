//! How sessions end, and what the next one finds.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{DeliveryOutcome, Outcome};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::activemq::Broker;
use crate::line::Line;
use crate::scene::{Consumer, FAILED, PATIENCE, Queue, RELEASED, failures, jms, numbers, texts};
use crate::servers::variable;

async fn ends(consumer: &Consumer) -> SourceError {
    let next = timeout(PATIENCE, consumer.0.next()).await;
    next.expect("the session ends").unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_stop_nothing_more_comes_and_what_came_can_be_settled() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(5).await;
    let consumer = queue.consume(10).await;
    let messages = consumer.take(5).await;
    consumer.0.stop().await.unwrap();
    queue.fill(3).await;
    consumer.nothing_comes().await;
    consumer.settle(&messages[..2], Outcome::Accepted).await;
    consumer.settle(&messages[2..3], RELEASED).await;
    consumer.settle(&messages[3..4], FAILED).await;
    consumer.nothing_comes().await;
    consumer.close().await;
    let left = queue.consume(10).await.take(6).await;
    assert_eq!(texts(&left), numbers((2..5).chain(0..3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_settled_when_a_session_closes_is_in_the_queue_in_its_place_as_if_never_delivered()
 {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(8).await;
    let consumer = queue.consume(5).await;
    let first = consumer.take(5).await;
    consumer.settle(&first[1..2], Outcome::Accepted).await;
    consumer.settle(&first[2..4], FAILED).await;
    let again = consumer.take(3).await;
    // What takes the place of the accepted one may be sent before the others go back.
    let mut came = texts(&again);
    came.sort();
    assert_eq!(came, numbers([2, 3, 5]));
    consumer.close().await;
    let next = queue.consume(10).await.take(7).await;
    assert_eq!(texts(&next), numbers([0, 2, 3, 4, 5, 6, 7]));
    assert_eq!(failures(&next), [0; 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_gives_and_takes_nothing_more() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(1).await;
    let consumer = queue.consume(1).await;
    let tag = consumer.take(1).await[0].tag;
    consumer.0.close().await;
    let ended = ends(&consumer).await;
    assert!(ended.message.contains(&queue.name), "{ended}");
    let outcome = Outcome::Accepted;
    let settled = consumer
        .0
        .settle(vec![DeliveryOutcome { tag, outcome }])
        .await;
    assert_eq!(settled, Err(ended));
    assert!(consumer.0.stop().await.is_err());
    consumer.0.close().await;
    queue.consume(1).await.take(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_dropped_gives_back_what_it_has() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(3).await;
    let consumer = queue.consume(3).await;
    consumer.take(3).await;
    drop(consumer);
    let next = queue.consume(3).await.take(3).await;
    assert_eq!(texts(&next), numbers(0..3));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_waited_for_in_vain_come_to_who_waits_next() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    let consumer = queue.consume(10).await;
    for _ in 0..3 {
        consumer.nothing_comes().await;
    }
    queue.fill(20).await;
    // Each wait is given up at once, most of them before anything has come.
    let mut messages = Vec::new();
    while messages.len() < 10 {
        if let Ok(next) = timeout(Duration::ZERO, consumer.0.next()).await {
            messages.extend(next.unwrap());
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(texts(&messages), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_ends_the_session_and_counts_as_a_failure_of_what_was_delivered() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    queue.fill(6).await;
    let line = Line::to(&variable("LAMBDA_ESM_TEST_ACTIVEMQ").unwrap()).await;
    let through = queue.through(&line.address);
    let consumer = through.consume(4).await;
    let messages = consumer.take(4).await;
    consumer.settle(&messages[..1], Outcome::Accepted).await;
    consumer.take(1).await;
    let address = line.address.clone();
    let cut = Instant::now();
    line.cut().await;
    let ended = ends(&consumer).await;
    assert!(cut.elapsed() < Duration::from_secs(10));
    assert_eq!(ended.kind, SourceErrorKind::Transient, "{ended}");
    assert!(ended.message.contains(&address), "{ended}");
    assert!(ended.message.contains(&queue.name), "{ended}");
    assert_eq!(ends(&consumer).await, ended);
    let next = queue.consume(10).await.take(5).await;
    assert_eq!(texts(&next), numbers(1..6));
    assert_eq!(failures(&next), [1, 1, 1, 1, 0]);
    assert!(jms(&next[0]).redelivered && !jms(&next[4]).redelivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_restarted_has_all_that_was_not_accepted() {
    let Some(mut broker) = Broker::start().await else {
        return;
    };
    let queue = Queue::at(&broker.amqp(), broker.jms());
    queue.fill(500).await;
    let consumer = queue.consume(200).await;
    let messages = consumer.take(200).await;
    consumer.settle(&messages[..100], Outcome::Accepted).await;
    consumer.take(100).await;
    broker.kill().await;
    let ended = ends(&consumer).await;
    assert_eq!(ended.kind, SourceErrorKind::Transient, "{ended}");
    broker.restart().await;
    let consumer = queue.consume(1_000).await;
    let mut texts = texts(&consumer.take(400).await);
    // What was accepted right before may come again; nothing else is missing or twice.
    let repeated = texts
        .iter()
        .filter(|text| text.parse::<usize>().unwrap() < 100)
        .count();
    texts.extend(crate::scene::texts(&consumer.take(repeated).await));
    texts.drain(..repeated);
    assert_eq!(texts, numbers(100..500));
    consumer.nothing_comes().await;
    broker.terminate().await;
    let ended = ends(&consumer).await;
    assert_eq!(ended.kind, SourceErrorKind::Transient, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_compete_and_each_message_comes_to_one_of_them() {
    let Some(queue) = Queue::shared() else {
        return;
    };
    let consumers = [queue.consume(20).await, queue.consume(20).await];
    queue.fill(200).await;
    let (sender, mut got) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (who, consumer) in consumers.into_iter().enumerate() {
        let sender = sender.clone();
        tasks.spawn(async move {
            loop {
                let messages = consumer.0.next().await.unwrap();
                consumer.settle(&messages, Outcome::Accepted).await;
                sender.send((who, texts(&messages))).unwrap();
            }
        });
    }
    let mut shares = [0; 2];
    let mut all = Vec::new();
    while all.len() < 200 {
        let next = timeout(PATIENCE, got.recv()).await;
        let (who, texts) = next.expect("messages are there").unwrap();
        shares[who] += texts.len();
        all.extend(texts);
    }
    assert!(shares.iter().all(|share| *share >= 20), "{shares:?}");
    all.sort();
    let mut expected = numbers(0..200);
    expected.sort();
    assert_eq!(all, expected);
}
