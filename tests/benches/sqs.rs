//! Messages per second from SQS through a mapping to a function that does nothing, against a bare loop
//! of the AWS SDK with the same calls in flight. The server is the limit; the mapping should not show.
//!
//! `tests/bench sqs`, with `MESSAGES`, `ROUNDS` and `CALLS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod bare_loop;

use std::time::{Duration, Instant};

use bytes::Bytes;
use lambda_esm::functions::Closure;
use lambda_esm::lifecycle::State;
use lambda_esm_tests::{QueueOptions, Sqs};
use serde_json::json;

use bare_loop::{filled, median, rate, remove, setting};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let messages = setting("MESSAGES", 20_000);
    let rounds = setting("ROUNDS", 7);
    let calls = setting("CALLS", 4);
    println!(
        "{messages} messages of 200 bytes, batches of 10, {calls} at a time, {rounds} rounds each"
    );
    // The server's own warming up is nobody's fault.
    bare(&sqs, messages, calls).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who begins changes, so that what the server remembers favours nobody.
        let (mapped, looped) = if round % 2 == 0 {
            let mapped = mapping(&sqs, messages, calls).await;
            (mapped, bare(&sqs, messages, calls).await)
        } else {
            let looped = bare(&sqs, messages, calls).await;
            (mapping(&sqs, messages, calls).await, looped)
        };
        println!(
            "mapping {mapped:>7.0} messages/s   bare loop {looped:>7.0}   {:.2}",
            mapped / looped
        );
        ours.push(mapped);
        theirs.push(looped);
    }
    // Both sides of a round met the same machine, which the rounds may not.
    let ratios = ours
        .iter()
        .zip(&theirs)
        .map(|(mapped, looped)| mapped / looped);
    let ratio = median(ratios.collect());
    let (mapped, looped) = (median(ours), median(theirs));
    println!(
        "medians: mapping {mapped:.0}, bare loop {looped:.0}, ratio of a round {ratio:.2} (goal 0.9)"
    );
}

/// A mapping whose function answers at once, from its first receive to its last deletion.
async fn mapping(sqs: &Sqs, messages: usize, calls: usize) -> f64 {
    let queue = filled(sqs, messages, QueueOptions::default()).await;
    let engine = sqs
        .engine()
        .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
        .build();
    let members = json!({
        "Enabled": false,
        "BatchSize": 10,
        "ScalingConfig": { "MaximumConcurrency": calls },
    });
    let mapping = engine
        .create(queue.mapping("nothing", members))
        .await
        .unwrap();
    let uuid = mapping.uuid.parse().unwrap();
    while engine.get(uuid).unwrap().state != State::Disabled {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let enable = serde_json::from_value(json!({ "Enabled": true })).unwrap();
    engine.update(uuid, enable).await.unwrap();
    let count = |of: fn(&lambda_esm::Counts) -> u64| {
        usize::try_from(of(&engine.mapping_status(uuid).unwrap().counts)).unwrap()
    };
    let pause = || tokio::time::sleep(Duration::from_millis(1));
    while count(|counts| counts.polled_event_count) == 0 {
        pause().await;
    }
    let missed = count(|counts| counts.deleted_event_count);
    let start = Instant::now();
    while count(|counts| counts.deleted_event_count) < messages {
        pause().await;
    }
    let elapsed = start.elapsed();
    engine.shutdown().await;
    remove(&queue).await;
    rate(messages - missed, elapsed)
}

/// The same by tasks that receive ten messages and delete them, over and over.
async fn bare(sqs: &Sqs, messages: usize, calls: usize) -> f64 {
    let queue = filled(sqs, messages, QueueOptions::default()).await;
    let rate = bare_loop::bare(&queue, messages, calls).await;
    remove(&queue).await;
    rate
}
