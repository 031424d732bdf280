//! Batches close for the right reason, and no event is larger than Lambda takes.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use lambda_esm::decision::{CloseReason, Decision};
use lambda_esm::functions::Closure;
use lambda_esm::ports::InvokeRequest;
use lambda_esm::{Engine, Heard};
use lambda_esm_tests::{Queue, QueueOptions, Sqs, until};
use serde_json::{Value, json};

/// The request quota of a synchronous invocation (Lambda developer guide, "Lambda quotas": 6 MB).
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// A batch, as its decision tells.
#[derive(Debug, PartialEq)]
struct Closed {
    reason: CloseReason,
    records: usize,
    bytes: usize,
    /// The time since the mapping was created, in milliseconds: a window cannot have opened earlier.
    after: i64,
}

/// A mapping from a queue to a function that notes the size of its events.
struct Run {
    engine: Engine,
    events: lambda_esm::Events,
    payloads: Arc<Mutex<Vec<usize>>>,
    started: i64,
}

impl Run {
    async fn start(sqs: &Sqs, queue: &Queue, members: Value) -> Self {
        let payloads = Arc::new(Mutex::new(Vec::new()));
        let sizes = payloads.clone();
        let function = Closure::new(move |request: InvokeRequest| {
            sizes.lock().unwrap().push(request.payload.len());
            async { Ok(Bytes::from_static(b"null")) }
        });
        let engine = sqs.engine().invoke(function).build();
        let events = engine.events();
        let started = engine.clock().now().millis();
        engine
            .create(queue.mapping("function", members))
            .await
            .unwrap();
        Self {
            engine,
            events,
            payloads,
            started,
        }
    }

    /// Waits until so many messages were handled.
    async fn handled(&self, messages: u64) {
        until("messages are handled and deleted", async || {
            let counts = self.engine.status()[0].counts;
            (counts.deleted_event_count >= messages).then_some(())
        })
        .await;
    }

    /// Stops, and returns the batches in the order of their closing, each of them checked against the
    /// event that the function got.
    async fn finish(mut self) -> Vec<Closed> {
        self.engine.shutdown().await;
        let mut closed = Vec::new();
        while let Some(heard) = self.events.next_now() {
            let Heard::Event(event) = heard else {
                panic!("{heard:?}");
            };
            if let Decision::BatchClosed {
                reason,
                records,
                bytes,
                ..
            } = event.decision
            {
                let after = event.time_ms - self.started;
                closed.push(Closed {
                    reason,
                    records,
                    bytes,
                    after,
                });
            }
        }
        let mut payloads = self.payloads.lock().unwrap().clone();
        let mut told: Vec<usize> = closed.iter().map(|batch| batch.bytes).collect();
        payloads.sort_unstable();
        told.sort_unstable();
        assert_eq!(
            payloads, told,
            "events of the function and batches that were closed"
        );
        assert!(
            payloads.iter().all(|&bytes| bytes <= 6_291_456),
            "{payloads:?}"
        );
        closed
    }
}

fn sum(closed: &[Closed]) -> usize {
    closed.iter().map(|batch| batch.records).sum()
}

fn small(messages: usize) -> impl Iterator<Item = String> {
    (0..messages).map(|number| format!("order {number}"))
}

fn large(messages: usize) -> Vec<String> {
    (0..messages)
        .map(|number| format!("{number:03}{}", "x".repeat(204_797)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_closes_a_batch_of_several_receives() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("window", QueueOptions::default()).await;
    queue.send(small(500)).await;
    let members = json!({ "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 2 });
    let run = Run::start(&sqs, &queue, members).await;
    run.handled(500).await;
    let closed = run.finish().await;
    assert!(
        closed
            .iter()
            .all(|batch| batch.reason == CloseReason::Window),
        "{closed:?}"
    );
    assert!(
        closed[0].after >= 2_000,
        "closed before the window ended: {closed:?}"
    );
    assert!(
        closed[0].records > 10,
        "not more than one receive: {closed:?}"
    );
    assert_eq!(sum(&closed), 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_count_closes_a_batch_long_before_the_window_ends() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("count", QueueOptions::default()).await;
    queue.send(small(200)).await;
    let members = json!({ "BatchSize": 50, "MaximumBatchingWindowInSeconds": 300 });
    let run = Run::start(&sqs, &queue, members).await;
    run.handled(200).await;
    let closed = run.finish().await;
    let closed: Vec<_> = closed
        .iter()
        .map(|batch| (batch.reason, batch.records))
        .collect();
    assert_eq!(closed, [(CloseReason::Count, 50); 4]);
}

/// A batch of 200 KB messages that was closed by its size could not have taken one more.
fn check_full(batch: &Closed) {
    assert!(
        batch.bytes + 204_800 > MAX_PAYLOAD_BYTES,
        "one more would have fitted: {batch:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_payload_closes_a_batch_of_large_messages() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("bytes", QueueOptions::default()).await;
    queue.send_large(large(100)).await;
    let members = json!({ "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300 });
    let run = Run::start(&sqs, &queue, members).await;
    run.handled(90).await;
    let closed = run.finish().await;
    let (by_size, rest): (Vec<_>, Vec<_>) = closed
        .into_iter()
        .partition(|batch| batch.reason == CloseReason::Bytes);
    let sizes: Vec<usize> = by_size.iter().map(|batch| batch.records).collect();
    assert_eq!(sizes, [30; 3]);
    by_size.iter().for_each(check_full);
    assert!(
        rest.iter()
            .all(|batch| batch.reason == CloseReason::Draining),
        "{rest:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_of_two_seconds_closes_what_the_payload_leaves() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("bytes-window", QueueOptions::default()).await;
    queue.send_large(large(100)).await;
    let members = json!({ "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 2 });
    let run = Run::start(&sqs, &queue, members).await;
    run.handled(100).await;
    let closed = run.finish().await;
    assert_eq!(sum(&closed), 100);
    for batch in &closed {
        match batch.reason {
            CloseReason::Bytes => check_full(batch),
            CloseReason::Window => assert!(batch.after >= 2_000, "too early: {batch:?}"),
            other => panic!("closed because of {other:?}: {batch:?}"),
        }
    }
    assert_eq!(
        closed.last().unwrap().reason,
        CloseReason::Window,
        "{closed:?}"
    );
}
