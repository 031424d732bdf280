//! Brokers that restart and die, and daemons that do, in the middle of batches: nothing is lost, and what is repeated is
//! bounded by what a consumer may have at a time.

use std::collections::HashMap;

use lambda_esm_tests::rabbitmq::{RabbitBroker, RabbitQueueOptions};
use lambda_esm_tests::scripted::{Reply, Stage, pending};
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::seen::{Seen, body, numbers};
use super::stage::{map, stage};

const MESSAGES: usize = 8_000;
const BATCH: usize = 50;
/// The most messages that the mapping's consumer has at a time.
const PREFETCH: usize = 2 * BATCH;
const RESTARTS: usize = 5;
const KILLS: usize = 3;

/// Waits until the function has got `more` messages beyond those that it has.
async fn go_on(stage: &Stage<Seen>, more: usize) {
    let had = stage.functions.records("slow");
    until(&format!("{more} more messages"), async || {
        (stage.functions.records("slow") >= had + more).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rabbitmq_broker_that_restarts_and_dies_loses_nothing_and_repeats_a_prefetch_at_most() {
    let Some(mut broker) = RabbitBroker::start(&[]).await else {
        return;
    };
    let rabbit = broker.rabbit();
    let slow = pending(async |_| {
        sleep(Duration::from_millis(20)).await;
        Reply::done()
    });
    let mut stage = stage(&rabbit, [("slow", slow)]).await;
    let queue = rabbit.queue("breaks", RabbitQueueOptions::default()).await;
    queue.publish((0..MESSAGES).map(body)).await;
    map(&stage, queue.name(), "slow", &json!({ "BatchSize": BATCH })).await;
    for kill in [false; RESTARTS].into_iter().chain([true; KILLS]) {
        go_on(&stage, 300).await;
        if kill {
            broker.kill().await;
        } else {
            broker.terminate().await;
        }
        broker.restart().await;
    }
    until("every message arrived, and the rest is over", async || {
        let numbers = numbers(&stage.functions.calls("slow"));
        let last = numbers.iter().max() == Some(&(MESSAGES - 1));
        (last && numbers.len() >= MESSAGES).then_some(())
    })
    .await;
    stage.stop().await;
    assert_eq!(queue.ready().await, 0, "messages are left");
    let mut times = HashMap::new();
    for number in numbers(&stage.functions.calls("slow")) {
        *times.entry(number).or_insert(0) += 1;
    }
    let lost: Vec<usize> = (0..MESSAGES)
        .filter(|number| !times.contains_key(number))
        .collect();
    assert_eq!(lost, [0; 0], "lost");
    let again: usize = times.values().map(|times| times - 1).sum();
    let most = (RESTARTS + KILLS) * PREFETCH;
    println!("{again} of {MESSAGES} messages again, at most {most}");
    assert!(again <= most, "{again} messages again, more than {most}");
}
