//! What comes in which order, and how much at a time; on classic and on quorum queues.

use std::time::Duration;

use lambda_esm_core::push_queue::Outcome;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueue, RabbitQueueOptions};
use lambda_esm_tests::until;
use tokio::time::timeout;

use crate::consumer::{Consumer, FAILED, bodies, content, numbers};

/// Returns a classic queue and a quorum queue with a delivery limit, both with numbered messages.
async fn queues(what: &str, messages: usize) -> Vec<RabbitQueue> {
    let Some(rabbit) = Rabbit::shared() else {
        return Vec::new();
    };
    let mut queues = Vec::new();
    let limited = RabbitQueueOptions::quorum().set_number("x-delivery-limit", 10);
    for options in [RabbitQueueOptions::default(), limited] {
        let kind = if queues.is_empty() {
            "classic"
        } else {
            "quorum"
        };
        let queue = rabbit.queue(&format!("{what}-{kind}"), options).await;
        queue.publish(numbers(1..=messages)).await;
        queues.push(queue);
    }
    queues
}

#[tokio::test]
async fn no_more_are_delivered_than_asked_for_until_some_are_settled() {
    for queue in queues("prefetch", 10).await {
        let consumer = Consumer::of(&queue, 4).await;
        let first = consumer.take(4).await;
        assert_eq!(bodies(&first), numbers(1..=4));
        consumer.gets_nothing().await;
        consumer.settle(&first[1..3], Outcome::Accepted).await;
        assert_eq!(bodies(&consumer.take(2).await), numbers(5..=6));
        consumer.gets_nothing().await;
    }
}

#[tokio::test]
async fn what_is_released_comes_again_in_order_before_what_was_not_sent_yet() {
    for queue in queues("release", 9).await {
        let consumer = Consumer::of(&queue, 6).await;
        let first = consumer.take(6).await;
        assert!(first.iter().all(|one| !content(one).redelivered));
        consumer
            .settle([5, 2, 3, 0].map(|at| &first[at]), FAILED)
            .await;
        let again = consumer.take(4).await;
        assert_eq!(bodies(&again), ["1", "3", "4", "6"], "{queue:?}");
        assert!(again.iter().all(|one| content(one).redelivered));
        consumer
            .settle([&first[1], &first[4]], Outcome::Accepted)
            .await;
        let next = consumer.take(2).await;
        assert_eq!(bodies(&next), ["7", "8"], "{queue:?}");
        // All at once, as when a whole batch has failed.
        consumer.settle(again.iter().chain(&next), FAILED).await;
        let again = consumer.take(6).await;
        let order = ["1", "3", "4", "6", "7", "8"];
        assert_eq!(bodies(&again), order, "{queue:?}");
        consumer.settle(&again, Outcome::Accepted).await;
        assert_eq!(bodies(&consumer.take(1).await), ["9"]);
    }
}

#[tokio::test]
async fn what_is_not_settled_when_a_session_is_closed_comes_again_in_order() {
    for queue in queues("close", 6).await {
        let consumer = Consumer::of(&queue, 4).await;
        let first = consumer.take(4).await;
        consumer.settle(&first[1..2], Outcome::Accepted).await;
        assert_eq!(bodies(&consumer.take(1).await), ["5"]);
        consumer.0.close().await;
        let error = consumer.0.next().await.unwrap_err();
        assert!(error.message.contains("is closed"), "{error}");
        let second = Consumer::of(&queue, 10).await;
        assert_eq!(bodies(&second.take(5).await), ["1", "3", "4", "5", "6"]);
        second.gets_nothing().await;
    }
}

/// RabbitMQ 3.10 and newer, so that its log can be cut short; 4 has a limit of 20 unless another is set.
#[tokio::test]
async fn a_quorum_queue_without_a_limit_puts_what_is_released_at_its_end_and_the_rest_in_its_place()
{
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("end", RabbitQueueOptions::quorum()).await;
    queue.publish(numbers(1..=6)).await;
    let consumer = Consumer::of(&queue, 4).await;
    let first = consumer.take(4).await;
    consumer.settle(&first[..2], FAILED).await;
    assert_eq!(bodies(&consumer.take(2).await), ["5", "6"]);
    consumer.0.close().await;
    let second = Consumer::of(&queue, 10).await;
    let order = ["3", "4", "5", "6", "1", "2"];
    assert_eq!(bodies(&second.take(6).await), order);
}

#[tokio::test]
async fn a_consumer_that_stops_gets_what_was_sent_and_can_settle_it() {
    for queue in queues("stop", 5).await {
        let consumer = Consumer::of(&queue, 1).await;
        let first = consumer.take(1).await;
        consumer.settle(&first, Outcome::Accepted).await;
        until("the second is sent", async || {
            (queue.ready().await == 3).then_some(())
        })
        .await;
        consumer.0.stop().await.unwrap();
        let second = consumer.take(1).await;
        assert_eq!(bodies(&second), ["2"]);
        consumer.settle(&second, Outcome::Accepted).await;
        consumer.gets_nothing().await;
        consumer.0.close().await;
        let rest = Consumer::of(&queue, 10).await.take(3).await;
        assert_eq!(bodies(&rest), numbers(3..=5));
        assert!(rest.iter().all(|one| !content(one).redelivered));
    }
}

#[tokio::test]
async fn who_gives_up_waiting_loses_nothing() {
    for queue in queues("waiting", 0).await {
        let consumer = Consumer::of(&queue, 1_000).await;
        let publishing = queue.publish(numbers(1..=1_000));
        let reading = async {
            let mut read = Vec::new();
            while read.len() < 1_000 {
                let next = timeout(Duration::from_micros(50), consumer.0.next()).await;
                if let Ok(messages) = next {
                    read.extend(messages.unwrap());
                }
            }
            read
        };
        let ((), read) = tokio::join!(publishing, reading);
        assert_eq!(bodies(&read), numbers(1..=1_000));
        consumer.settle(&read, Outcome::Accepted).await;
        consumer.0.close().await;
        assert_eq!(queue.ready().await, 0);
    }
}

#[tokio::test]
async fn consumers_compete_for_messages() {
    for queue in queues("compete", 4).await {
        let (first, second) = (Consumer::of(&queue, 2).await, Consumer::of(&queue, 2).await);
        let mut all = first.take(2).await;
        all.extend(second.take(2).await);
        assert_eq!(bodies(&all), numbers(1..=4));
        first.gets_nothing().await;
        second.gets_nothing().await;
    }
}
