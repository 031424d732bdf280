//! What mappings are compared with: tasks that receive ten messages and delete them, over and over, with the AWS SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::StalledStreamProtectionConfig;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use lambda_esm_tests::{Queue, QueueOptions, Sqs};
use tokio::task::JoinSet;

pub(crate) fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn rate(messages: usize, elapsed: Duration) -> f64 {
    messages as f64 / elapsed.as_secs_f64()
}

/// Returns a queue in which so many messages of 200 bytes wait.
pub(crate) async fn filled(sqs: &Sqs, messages: usize, options: QueueOptions) -> Queue {
    let queue = sqs.queue("bench", options).await;
    queue
        .send((0..messages).map(|number| format!("{number:0200}")))
        .await;
    queue
}

/// Returns the messages per second of `calls` tasks, each of which receives and deletes.
pub(crate) async fn bare(queue: &Queue, messages: usize, calls: usize) -> f64 {
    let mut queue = queue.clone();
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
    rate(messages, start.elapsed())
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

pub(crate) async fn remove(queue: &Queue) {
    queue
        .client
        .delete_queue()
        .queue_url(&queue.url)
        .send()
        .await
        .unwrap();
}
