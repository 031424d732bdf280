//! Several daemons consume one queue: they share its messages.

use futures::future::join_all;
use lambda_esm_tests::rabbitmq::{Rabbit, RabbitQueueOptions};
use lambda_esm_tests::scripted::{Reply, pending};
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::seen::{body, numbers};
use super::stage::{map, stage};

const DAEMONS: usize = 3;
const MESSAGES: usize = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_share_a_queue_of_rabbitmq() {
    let Some(rabbit) = Rabbit::shared() else {
        return;
    };
    let queue = rabbit.queue("shared", RabbitQueueOptions::default()).await;
    let stages = join_all((0..DAEMONS).map(|_| {
        let slow = pending(async |_| {
            sleep(Duration::from_millis(10)).await;
            Reply::done()
        });
        stage(&rabbit, [("shared", slow)])
    }))
    .await;
    for stage in &stages {
        map(stage, queue.name(), "shared", &json!({ "BatchSize": 10 })).await;
    }
    queue.publish((0..MESSAGES).map(body)).await;
    until("every message arrived", async || {
        let all = stages.iter().map(|stage| stage.functions.records("shared"));
        (all.sum::<usize>() >= MESSAGES).then_some(())
    })
    .await;
    let mut all = Vec::new();
    for mut stage in stages {
        stage.stop().await;
        let own = numbers(&stage.functions.calls("shared"));
        println!("{} messages", own.len());
        assert!(own.len() >= MESSAGES / 10, "no fair share: {}", own.len());
        assert!(own.is_sorted(), "a consumer gets its messages in order");
        all.extend(own);
    }
    all.sort_unstable();
    assert!(
        all.iter().copied().eq(0..MESSAGES),
        "{} messages",
        all.len()
    );
    assert_eq!(queue.ready().await, 0);
    queue.delete().await;
}
