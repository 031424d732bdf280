//! The in-memory queue that pushes, beyond what the contract says.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, BasicProperties, PushedContent, PushedMessage, RabbitMqMessage,
};
use lambda_esm_engine::Clock;
use lambda_esm_engine::memory::{MemoryPushQueue, MemoryPushQueueOptions, PushQueueCall};
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, Outcome, PushQueueConsumer, PushQueueSource as _,
};

const START: Timestamp = Timestamp(1_700_000_000_000);

fn queue(options: MemoryPushQueueOptions) -> MemoryPushQueue {
    MemoryPushQueue::new(Clock::starting_at(START), "orders", options)
}

fn with(body: &'static str, properties: BasicProperties) -> RabbitMqMessage {
    RabbitMqMessage::new(body).with_properties(properties)
}

fn bodies(messages: &[PushedMessage]) -> Vec<&str> {
    let body = |message: &PushedMessage| match &message.content {
        PushedContent::RabbitMq(message) => message.body.clone(),
        PushedContent::ActiveMq(message) => message.body.clone(),
        _ => unreachable!("nothing else is published"),
    };
    let bodies = messages.iter().map(body);
    bodies
        .map(|body| str::from_utf8(body.to_vec().leak()).unwrap())
        .collect()
}

async fn settle(consumer: &dyn PushQueueConsumer, message: &PushedMessage, outcome: Outcome) {
    let tag = message.tag;
    consumer
        .settle(vec![DeliveryOutcome { tag, outcome }])
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn higher_priorities_come_first_also_when_they_go_back() {
    let queue = queue(MemoryPushQueueOptions::default().with_prioritised(true));
    let priority = |priority| BasicProperties::default().with_priority(Some(priority));
    for (body, level) in [("low", 1), ("high", 9), ("low too", 1), ("middle", 5)] {
        queue.publish(with(body, priority(level))).unwrap();
    }
    queue.publish(RabbitMqMessage::new("none")).unwrap();
    let consumer = queue.consume(ConsumeRequest::new(2)).await.unwrap();
    let first = consumer.next().await.unwrap();
    assert_eq!(bodies(&first), ["high", "middle"]);
    let failed = false;
    settle(&*consumer, &first[1], Outcome::Released { failed }).await;
    let again = consumer.next().await.unwrap();
    assert_eq!(bodies(&again), ["middle"]);
    for message in [&first[0], &again[0]] {
        settle(&*consumer, message, Outcome::Accepted).await;
    }
    let rest = consumer.next().await.unwrap();
    assert_eq!(bodies(&rest), ["low", "low too"]);
    assert_eq!((queue.ready(), queue.unsettled()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_expires_before_it_is_delivered_is_a_dead_letter_and_what_is_delivered_tells_its_time()
{
    let expires = || BasicProperties::default().with_expiration(Some("1000".to_owned()));
    let queue = queue(MemoryPushQueueOptions::default());
    queue.publish(with("first", expires())).unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let consumer = queue.consume(ConsumeRequest::new(1)).await.unwrap();
    let first = consumer.next().await.unwrap();
    assert_eq!(first[0].time_to_live, Some(Duration::from_millis(600)));
    queue.publish(with("second", expires())).unwrap();
    queue.publish(RabbitMqMessage::new("third")).unwrap();
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    // What a consumer has does not expire, until it goes back.
    assert!(queue.dead_letters().is_empty());
    let failed = true;
    settle(&*consumer, &first[0], Outcome::Released { failed }).await;
    let next = consumer.next().await.unwrap();
    assert_eq!(bodies(&next), ["third"]);
    assert_eq!(next[0].failed_deliveries, 0);
    assert_eq!(queue.dead_letters().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_activemq_expires_at_its_time() {
    let options = MemoryPushQueueOptions::default().with_engine(MqEngine::ActiveMq);
    let queue = queue(options);
    let message = ActiveMqMessage::new("orders", "ID:1", ActiveMqKind::Text, "x");
    let expiring = message
        .clone()
        .with_expiration(Some(START + Duration::from_secs(1)));
    queue.publish_many([expiring, message]).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let consumer = queue.consume(ConsumeRequest::new(10)).await.unwrap();
    assert_eq!(consumer.next().await.unwrap().len(), 1);
    assert_eq!(queue.dead_letters().len(), 1);
}

#[tokio::test]
async fn a_message_of_another_broker_is_refused() {
    let queue = queue(MemoryPushQueueOptions::default());
    let message = ActiveMqMessage::new("orders", "ID:1", ActiveMqKind::Text, "x");
    assert!(queue.publish(message).is_err());
    assert_eq!(queue.ready(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_fail_as_they_are_told_to_and_are_counted() {
    let queue = queue(MemoryPushQueueOptions::default());
    queue
        .publish_many(["a", "b"].map(RabbitMqMessage::new))
        .unwrap();
    queue.fail_next(PushQueueCall::Consume, 1, SourceErrorKind::Denied);
    let refused = queue.consume(ConsumeRequest::new(1)).await;
    assert_eq!(refused.err().unwrap().kind, SourceErrorKind::Denied);
    for call in [
        PushQueueCall::Next,
        PushQueueCall::Settle,
        PushQueueCall::Stop,
    ] {
        let consumer = queue.consume(ConsumeRequest::new(2)).await.unwrap();
        assert_eq!((queue.unsettled(), queue.consumers()), (2, 1));
        queue.fail_next(call, 1, SourceErrorKind::Throttled);
        let failed = match call {
            PushQueueCall::Next => consumer.next().await.err(),
            PushQueueCall::Settle => consumer.settle(Vec::new()).await.err(),
            _ => consumer.stop().await.err(),
        };
        assert_eq!(failed.unwrap().kind, SourceErrorKind::Throttled);
        // It ends the session.
        assert!(consumer.next().await.is_err());
        assert_eq!((queue.unsettled(), queue.consumers()), (0, 0));
        assert_eq!(queue.ready(), 2);
    }
    assert_eq!(queue.calls(PushQueueCall::Consume), 4);
    assert_eq!(queue.calls(PushQueueCall::Stop), 1);
}

#[tokio::test(start_paused = true)]
async fn consumers_are_cancelled_and_a_deleted_queue_is_not_found_until_it_is_there_again() {
    let queue = queue(MemoryPushQueueOptions::default());
    queue.publish(RabbitMqMessage::new("a")).unwrap();
    let consumer = queue.consume(ConsumeRequest::new(1)).await.unwrap();
    queue.cancel_consumers();
    assert_eq!(
        consumer.next().await.unwrap_err().kind,
        SourceErrorKind::Transient
    );
    let consumer = queue.consume(ConsumeRequest::new(1)).await.unwrap();
    assert_eq!(consumer.next().await.unwrap().len(), 1);
    queue.delete();
    assert_eq!(
        consumer.next().await.unwrap_err().kind,
        SourceErrorKind::NotFound
    );
    let refused = queue.consume(ConsumeRequest::new(1)).await;
    assert_eq!(refused.err().unwrap().kind, SourceErrorKind::NotFound);
    queue.set_problem(None);
    assert!(queue.consume(ConsumeRequest::new(1)).await.is_ok());
    assert_eq!(queue.ready(), 0);
}
