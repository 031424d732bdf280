//! What ends a session is told within ten seconds, and loses nothing.

use std::time::Duration;

use lambda_esm_core::fault::ReasonCode::ConfigNotValid;
use lambda_esm_core::fault::SourceErrorKind::{NotFound, Transient};
use lambda_esm_core::push_queue::{ConsumeRequest, DeliveryOutcome, Outcome};
use lambda_esm_engine::ports::PushQueueSource;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitBroker, RabbitQueue, RabbitQueueOptions};
use lambda_esm_tests::until;
use tokio::time::timeout;

use crate::consumer::{Consumer, TOLD, bodies, content, numbers, refusal, says, source};

#[tokio::test]
async fn a_queue_that_is_deleted_ends_the_session() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    for options in [RabbitQueueOptions::default(), RabbitQueueOptions::quorum()] {
        let queue = rabbit.queue("deleted", options).await;
        let consumer = Consumer::of(&queue, 10).await;
        queue.delete().await;
        let end = consumer.end(TOLD).await;
        let texts = [queue.name(), "the queue was deleted", rabbit.plain()];
        says(&end, Transient, None, &texts);
        assert_eq!(consumer.0.next().await, Err(end), "it stays so");
        let again = refusal(&source(rabbit.plain(), queue.name())).await;
        says(&again, NotFound, Some(ConfigNotValid), &[queue.name()]);
    }
}

/// Consumes a queue of a broker that has just begun, which may need a moment.
async fn restored(queue: &RabbitQueue, prefetch: usize) -> Consumer {
    let source = source(queue.rabbit().plain(), queue.name());
    let consume = async || source.consume(ConsumeRequest::new(prefetch)).await.ok();
    Consumer(until("the queue can be consumed", consume).await)
}

/// On a classic queue alone: a quorum queue of RabbitMQ 3.10 that has one member may find no leader any more when its broker
/// is killed in its first minute.
#[tokio::test]
async fn a_broker_that_dies_or_restarts_ends_the_session_and_keeps_the_messages() {
    let Some(mut broker) = RabbitBroker::start(&[]).await else {
        return;
    };
    let rabbit = broker.rabbit();
    let queue = rabbit.queue("loss", RabbitQueueOptions::default()).await;
    queue.publish(numbers(1..=6)).await;
    // Killed last: a broker writes down late which queues there are.
    for killed in [false, true] {
        let consumer = restored(&queue, 3).await;
        let messages = consumer.take(3).await;
        assert_eq!(bodies(&messages), numbers(1..=3));
        if killed {
            broker.kill().await;
        } else {
            broker.terminate().await;
        }
        let end = consumer.end(TOLD).await;
        says(&end, Transient, None, &[rabbit.plain()]);
        let outcome = DeliveryOutcome {
            tag: messages[0].tag,
            outcome: Outcome::Accepted,
        };
        let settled = consumer.0.settle(vec![outcome]).await;
        assert_eq!(settled, Err(end), "it stays so");
        let refused = refusal(&source(rabbit.plain(), queue.name())).await;
        says(&refused, Transient, None, &["no broker can be reached"]);
        broker.restart().await;
    }
    let consumer = restored(&queue, 6).await;
    let messages = consumer.take(6).await;
    assert_eq!(bodies(&messages), numbers(1..=6));
    consumer.settle(&messages, Outcome::Accepted).await;
    consumer.0.close().await;
    assert_eq!(queue.ready().await, 0);
}

#[tokio::test]
async fn a_broker_that_is_silent_or_loses_patience_ends_the_session() {
    let Some(broker) = RabbitBroker::start(&["consumer_timeout = 1000"]).await else {
        return;
    };
    let rabbit = broker.rabbit();
    for options in [RabbitQueueOptions::default(), RabbitQueueOptions::quorum()] {
        let queue = rabbit.queue("patience", options).await;
        queue.publish(["1"]).await;
        let consumer = Consumer::of(&queue, 1).await;
        consumer.take(1).await;
        let end = consumer.end(TOLD).await;
        let texts = [queue.name(), "consumer_timeout", rabbit.plain()];
        says(&end, Transient, None, &texts);
        let consumer = Consumer::of(&queue, 1).await;
        let again = consumer.take(1).await;
        assert!(content(&again[0]).redelivered);
        consumer.settle(&again, Outcome::Accepted).await;
    }
    let queue = rabbit.queue("silence", RabbitQueueOptions::default()).await;
    let (silent, left) = (Consumer::of(&queue, 1).await, Consumer::of(&queue, 1).await);
    broker.halt(true);
    timeout(Duration::from_secs(6), left.0.close())
        .await
        .expect("who leaves waits no longer than for a goodbye");
    let end = silent.end(Duration::from_secs(25)).await;
    says(&end, Transient, None, &[rabbit.plain(), "no heartbeat"]);
    broker.halt(false);
}
