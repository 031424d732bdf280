//! Messages per second from SQS through a mapping to a function that does nothing, against a bare loop
//! of the AWS SDK with the same calls in flight. The server is the limit; the mapping should not show.
//!
//! `tests/bench sqs`, with `MESSAGES`, `ROUNDS` and `CALLS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::StalledStreamProtectionConfig;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use bytes::Bytes;
use lambda_esm::functions::Closure;
use lambda_esm::lifecycle::State;
use lambda_esm_tests::{Queue, QueueOptions, Sqs};
use serde_json::json;
use tokio::task::JoinSet;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn filled(sqs: &Sqs, messages: usize) -> Queue {
    let queue = sqs.queue("bench", QueueOptions::default()).await;
    queue
        .send((0..messages).map(|number| format!("{number:0200}")))
        .await;
    queue
}

fn rate(messages: usize, elapsed: Duration) -> f64 {
    messages as f64 / elapsed.as_secs_f64()
}

/// A mapping whose function answers at once, from its first receive to its last deletion.
async fn mapping(sqs: &Sqs, messages: usize, calls: usize) -> f64 {
    let queue = filled(sqs, messages).await;
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

/// Tasks that receive ten messages and delete them, over and over.
async fn bare(sqs: &Sqs, messages: usize, calls: usize) -> f64 {
    let mut queue = filled(sqs, messages).await;
    queue.client = lean(&queue.client);
    let left = Arc::new(AtomicUsize::new(messages));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for _ in 0..calls {
        let (queue, left) = (queue.clone(), left.clone());
        tasks.spawn(async move {
            while left.load(Ordering::Relaxed) > 0 {
                let received = receive(&queue).await;
                if !received.is_empty() {
                    delete(&queue, &received).await;
                    left.fetch_sub(received.len(), Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    let elapsed = start.elapsed();
    remove(&queue).await;
    rate(messages, elapsed)
}

/// The adapter goes without these features of the SDK, and so must the loop, for a fair race.
fn lean(client: &Client) -> Client {
    let config = client.config().to_builder();
    let config = config.retry_config(RetryConfig::disabled());
    let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Client::from_conf(config.build())
}

async fn receive(queue: &Queue) -> Vec<Message> {
    let request = queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .max_number_of_messages(10);
    let request = request
        .message_system_attribute_names("All".into())
        .message_attribute_names("All");
    request.send().await.unwrap().messages.unwrap_or_default()
}

async fn delete(queue: &Queue, messages: &[Message]) {
    let entries = messages.iter().enumerate().map(|(at, message)| {
        DeleteMessageBatchRequestEntry::builder()
            .id(at.to_string())
            .receipt_handle(message.receipt_handle.as_ref().unwrap())
            .build()
            .unwrap()
    });
    let request = queue.client.delete_message_batch().queue_url(&queue.url);
    let deleted = request
        .set_entries(Some(entries.collect()))
        .send()
        .await
        .unwrap();
    assert!(
        deleted.failed.is_empty(),
        "not deleted: {:?}",
        deleted.failed
    );
}

async fn remove(queue: &Queue) {
    queue
        .client
        .delete_queue()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
}
