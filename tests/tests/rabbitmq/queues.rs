//! Dead letters, delivery limits, priorities and expiration.

use std::time::Duration;

use lambda_esm_core::push_queue::Outcome;
use lambda_esm_core::record::FieldValue;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};
use lambda_esm_tests::until;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::consumer::{Consumer, FAILED, bodies, content};

/// Returns why a message is a dead letter.
fn reason(headers: &FieldTable) -> &AMQPValue {
    let deaths = headers.inner()["x-death"].as_array().unwrap().as_slice();
    &deaths[0].as_field_table().unwrap().inner()["reason"]
}

#[tokio::test]
async fn what_is_rejected_becomes_a_dead_letter() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    for options in [RabbitQueueOptions::default(), RabbitQueueOptions::quorum()] {
        let dead = rabbit.queue("dead", RabbitQueueOptions::default()).await;
        let options = options
            .set("x-dead-letter-exchange", "")
            .set("x-dead-letter-routing-key", dead.name());
        let queue = rabbit.queue("rejected", options).await;
        queue.publish(["1", "2", "3"]).await;
        let consumer = Consumer::of(&queue, 3).await;
        let messages = consumer.take(3).await;
        consumer.settle(&messages[..2], Outcome::Rejected).await;
        consumer.settle(&messages[2..], Outcome::Accepted).await;
        for body in ["1", "2"] {
            let letter = async || dead.take().await;
            let (found, headers) = until("a dead letter", letter).await;
            assert_eq!(found, body.as_bytes());
            assert_eq!(*reason(&headers), AMQPValue::LongString("rejected".into()));
        }
        consumer.0.close().await;
        assert_eq!((queue.ready().await, dead.ready().await), (0, 0));
    }
}

#[tokio::test]
async fn a_quorum_queue_counts_deliveries_up_to_its_limit() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let dead = rabbit.queue("dead", RabbitQueueOptions::default()).await;
    let options = RabbitQueueOptions::quorum()
        .set_number("x-delivery-limit", 2)
        .set("x-dead-letter-exchange", "")
        .set("x-dead-letter-routing-key", dead.name());
    let queue = rabbit.queue("limit", options).await;
    queue.publish(["1"]).await;
    let consumer = Consumer::of(&queue, 1).await;
    for count in [None, Some(1), Some(2)] {
        let messages = consumer.take(1).await;
        let headers = content(&messages[0]).properties.headers.iter().flatten();
        let counts = headers.filter(|(name, _)| name == "x-delivery-count");
        let counts: Vec<_> = counts.map(|(_, value)| value.clone()).collect();
        let expected = count.map(FieldValue::Integer);
        assert_eq!(counts, Vec::from_iter(expected));
        assert_eq!(messages[0].failed_deliveries, 0);
        consumer.settle(&messages, FAILED).await;
    }
    let (_, headers) = until("a dead letter", async || dead.take().await).await;
    let limit = AMQPValue::LongString("delivery_limit".into());
    assert_eq!(*reason(&headers), limit);
    consumer.gets_nothing().await;
}

#[tokio::test]
async fn the_most_urgent_comes_first() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let options = RabbitQueueOptions::default().set_number("x-max-priority", 9);
    let queue = rabbit.queue("priority", options).await;
    for (priority, body) in [(1, "low"), (5, "first"), (9, "high"), (5, "second")] {
        let properties = BasicProperties::default().with_priority(priority);
        queue.publish_with(properties, body.as_bytes()).await;
    }
    let consumer = Consumer::of(&queue, 2).await;
    let messages = consumer.take(2).await;
    assert_eq!(bodies(&messages), ["high", "first"]);
    assert_eq!(content(&messages[0]).properties.priority, Some(9));
    consumer.settle(&messages, FAILED).await;
    let messages = consumer.take(2).await;
    assert_eq!(bodies(&messages), ["high", "first"]);
    consumer.settle(&messages, Outcome::Accepted).await;
    assert_eq!(bodies(&consumer.take(2).await), ["second", "low"]);
}

#[tokio::test]
async fn a_message_that_expires_says_when() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("expiry", RabbitQueueOptions::default()).await;
    let properties = BasicProperties::default().with_expiration("60000".into());
    queue.publish_with(properties, b"mortal").await;
    queue.publish(["immortal"]).await;
    let messages = Consumer::of(&queue, 2).await.take(2).await;
    let lives = messages.iter().map(|message| message.time_to_live);
    let expected = [Some(Duration::from_secs(60)), None];
    assert_eq!(Vec::from_iter(lives), expected);
}
