//! A whole queue: each message once, in the order of the queue, and nothing left over.

use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};
use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::until_within;
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::seen::{body, numbers};
use super::stage::{map, stage};

const MESSAGES: usize = 200_000;
const BATCH: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_thousand_messages_of_rabbitmq_are_handled_once_in_order_and_acknowledged() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let mut stage = stage(&rabbit, [("whole", fine())]).await;
    let queue = rabbit.queue("whole", RabbitQueueOptions::default()).await;
    let begun = Instant::now();
    map(
        &stage,
        queue.name(),
        "whole",
        &json!({ "BatchSize": BATCH }),
    )
    .await;
    for first in (0..MESSAGES).step_by(20_000) {
        queue.publish((first..first + 20_000).map(body)).await;
    }
    println!("{MESSAGES} messages published within {:?}", begun.elapsed());
    until_within(
        Duration::from_secs(300),
        "every message arrived",
        async || (stage.functions.records("whole") >= MESSAGES).then_some(()),
    )
    .await;
    println!("and handled within {:?}", begun.elapsed());
    // What was not acknowledged is there again when the consumer is gone.
    stage.stop().await;
    assert_eq!(queue.ready().await, 0, "messages are left");
    let calls = stage.functions.calls("whole");
    assert!(calls.iter().all(|call| call.records.len() <= BATCH));
    let redelivered = calls.iter().flat_map(|call| &call.records);
    assert_eq!(redelivered.filter(|seen| seen.redelivered).count(), 0);
    let numbers = numbers(&calls);
    assert!(
        numbers.iter().copied().eq(0..MESSAGES),
        "{} messages, not each once in the order in which they were sent",
        numbers.len()
    );
    queue.delete().await;
}
