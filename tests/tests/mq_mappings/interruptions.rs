//! Brokers that restart and die in the middle of batches: nothing is lost. What is repeated after a restart is bounded by what
//! a consumer may have at a time. A broker that is killed has forgotten what it was told shortly before, acknowledgements
//! among it, so more may come again: nothing from before its start.

use std::collections::HashMap;

use lambda_esm_tests::rabbitmq::{RabbitBroker, RabbitQueueOptions};
use lambda_esm_tests::scripted::{Reply, Stage, pending};
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::seen::{Seen, body, numbers};
use super::stage::{map, stage};

const MESSAGES: usize = 5_000;
const BATCH: usize = 50;
/// The most messages that the mapping's consumer has at a time.
const PREFETCH: usize = 2 * BATCH;

/// Waits until the function has got `more` messages beyond those that it has.
async fn go_on(stage: &Stage<Seen>, more: usize) {
    let had = stage.functions.records("slow");
    until(&format!("{more} more messages"), async || {
        (stage.functions.records("slow") >= had + more).then_some(())
    })
    .await;
}

/// What came of a queue whose broker was interrupted.
struct Outcome {
    /// How many messages came again.
    again: usize,
    /// How many the function had got when the broker was interrupted last.
    before: usize,
}

/// Interrupts a broker so many times while its queue is consumed.
async fn interrupted(times: usize, kills: bool) -> Option<Outcome> {
    let mut broker = RabbitBroker::start(&[]).await?;
    let rabbit = broker.rabbit();
    // All messages take ten seconds: there are some left when the broker is interrupted, however late that is noticed.
    let slow = pending(async |_| {
        sleep(Duration::from_millis(100)).await;
        Reply::done()
    });
    let mut stage = stage(&rabbit, [("slow", slow)]).await;
    let queue = rabbit.queue("breaks", RabbitQueueOptions::default()).await;
    queue.publish((0..MESSAGES).map(body)).await;
    map(&stage, queue.name(), "slow", &json!({ "BatchSize": BATCH })).await;
    let mut before = 0;
    for _ in 0..times {
        go_on(&stage, 300).await;
        before = stage.functions.records("slow");
        if kills {
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
    let again = times.values().map(|times| times - 1).sum();
    println!(
        "{again} of {MESSAGES} messages again, {before} had come when it was interrupted last"
    );
    Some(Outcome { again, before })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rabbitmq_broker_that_restarts_five_times_loses_nothing_and_repeats_a_prefetch_at_most() {
    const RESTARTS: usize = 5;
    if let Some(Outcome { again, .. }) = interrupted(RESTARTS, false).await {
        let most = RESTARTS * PREFETCH;
        assert!(again <= most, "{again} messages again, more than {most}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rabbitmq_broker_that_is_killed_three_times_loses_nothing() {
    const KILLS: usize = 3;
    if let Some(Outcome { again, before }) = interrupted(KILLS, true).await {
        // It may have forgotten every acknowledgement since its start, and what was under way comes again as ever.
        let most = before + KILLS * PREFETCH;
        assert!(again <= most, "{again} messages again, more than {most}");
    }
}
