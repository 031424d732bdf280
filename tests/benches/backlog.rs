//! Messages per second out of a backlog on a server of one core, ministack: through a mapping to a function that does
//! nothing, through ministack's own mapping to a Python function that records what it got, and through a bare loop of
//! receives and deletions, with the best of several numbers of calls at a time. Then how many calls of the mapping failed,
//! and whether its counters say what left the queue.
//!
//! `tests/bench backlog`, or `tests/bench backlog 20000 50000` with numbers of messages; `ROUNDS` in the environment
//! changes how often.
//!
//! Seen on two cores with nothing else to do, in messages per second, means of two rounds:
//!
//! | messages | mapping | ministack's own | best loop |
//! |---|---|---|---|
//! | 2,000 | 4,480 | 870 | 5,070 |
//! | 20,000 | 780 | 610 | 750 |
//! | 50,000, beside other work | 109 | 114 | |
//!
//! No call failed, and the counters were exact. With many messages the server's time goes into looking at all of them:
//! thirteen times for each ten that are received and deleted by its API, and four times for ten of its own mapping, which
//! deletes them together. So no client gets much beyond its own mapping there.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod bare_loop;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lambda_esm::async_trait::async_trait;
use lambda_esm::aws::SqsProvider;
use lambda_esm::fault::SourceError;
use lambda_esm::functions::Closure;
use lambda_esm::mapping::Mapping;
use lambda_esm::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, Settlement, SourceProvider,
};
use lambda_esm::{Counts, Engine};
use lambda_esm_tests::{Depth, Python, Queue, QueueOptions, Recording, Sqs, ministack};
use serde_json::json;

use bare_loop::{filled, median, rate, remove, setting};

const FUNCTION: &str = "backlog";
const EMPTY: Depth = Depth {
    visible: 0,
    in_flight: 0,
};

fn options() -> QueueOptions {
    QueueOptions {
        visibility_timeout: Duration::from_secs(30),
        ..QueueOptions::default()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let (Some(endpoint), Some(python)) = (ministack(), Python::find()) else {
        return;
    };
    let recording = Recording::default();
    python.deploy(&endpoint, FUNCTION, "record.handler", &recording);
    let sqs = Sqs::at(&endpoint);
    let said = std::env::args().skip(1);
    let mut sizes: Vec<usize> = said.filter_map(|text| text.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![2_000, 20_000];
    }
    // The server's own warming up is nobody's fault.
    looped(&sqs, 500, 2).await;
    own(&sqs, 500).await;
    for messages in sizes {
        compare(&sqs, messages).await;
    }
}

async fn compare(sqs: &Sqs, messages: usize) {
    let rounds = setting("ROUNDS", 3);
    println!("{messages} messages of 200 bytes, batches of 10, {rounds} rounds each");
    let (mut ours, mut theirs, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who begins changes, so that what the server remembers favours nobody.
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => ours.push(mapped(sqs, messages).await),
                1 => theirs.push(own(sqs, messages).await),
                _ => bare.push(best_loop(sqs, messages).await),
            }
        }
    }
    let (ours, theirs, bare) = (median(ours), median(theirs), median(bare));
    println!(
        "medians: mapping {ours:.0} messages/s, ministack's own {theirs:.0}, bare loop {bare:.0}; \
         {:.2} times its own, {:.2} of the loop",
        ours / theirs,
        ours / bare
    );
}

/// A mapping's rate, from its creation to the last deletion.
async fn mapped(sqs: &Sqs, messages: usize) -> f64 {
    let queue = filled(sqs, messages, options()).await;
    let failed = Arc::new(AtomicUsize::new(0));
    let provider = Counted {
        inner: sqs.provider(),
        failed: failed.clone(),
    };
    let nothing = Closure::new(|_| async { Ok(Bytes::new()) });
    let engine = Engine::builder().provider(provider).invoke(nothing).build();
    let start = Instant::now();
    let request = queue.mapping("nothing", json!({ "BatchSize": 10 }));
    let mapping = engine.create(request).await.unwrap();
    let uuid = mapping.uuid.parse().unwrap();
    let counts = || -> Counts { engine.mapping_status(uuid).unwrap().counts };
    let deleted = || counts().deleted_event_count as usize;
    // What the server says does not depend on what the mapping counts.
    while deleted() < messages && (start.elapsed().as_secs() < 60 || queue.depth().await != EMPTY) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let elapsed = start.elapsed();
    let left = queue.depth().await;
    let (counts, failed) = (counts(), failed.load(Ordering::Relaxed));
    engine.shutdown().await;
    let rate = rate(messages, elapsed);
    println!(
        "mapping {rate:>6.0}: polled {}, invoked {}, deleted {}, left {}; {failed} calls failed",
        counts.polled_event_count,
        counts.invoked_event_count,
        counts.deleted_event_count,
        left.visible + left.in_flight,
    );
    remove(&queue).await;
    rate
}

/// The rate of the server's own mapping.
async fn own(sqs: &Sqs, messages: usize) -> f64 {
    let queue = filled(sqs, messages, options()).await;
    let lambda = lambda(&sqs.endpoint);
    let start = Instant::now();
    let created = lambda
        .create_event_source_mapping()
        .function_name(FUNCTION)
        .event_source_arn(queue.arn())
        .batch_size(10)
        .send()
        .await
        .unwrap();
    while queue.depth().await != EMPTY {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let rate = rate(messages, start.elapsed());
    println!("its own {rate:>6.0}");
    let delete = lambda.delete_event_source_mapping();
    delete.uuid(created.uuid.unwrap()).send().await.unwrap();
    remove(&queue).await;
    rate
}

/// The best rate of loops with one call at a time, two, or four.
async fn best_loop(sqs: &Sqs, messages: usize) -> f64 {
    let mut best: f64 = 0.0;
    for calls in [1, 2, 4] {
        best = best.max(looped(sqs, messages, calls).await);
    }
    best
}

async fn looped(sqs: &Sqs, messages: usize, calls: usize) -> f64 {
    let queue: Queue = filled(sqs, messages, options()).await;
    let rate = bare_loop::bare(&queue, messages, calls).await;
    println!("bare loop {rate:>6.0} with {calls} at a time");
    remove(&queue).await;
    rate
}

fn lambda(endpoint: &str) -> aws_sdk_lambda::Client {
    use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

/// Queues whose failed calls are counted.
struct Counted {
    inner: SqsProvider,
    failed: Arc<AtomicUsize>,
}

#[async_trait]
impl SourceProvider for Counted {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let found = self.inner.queue(mapping).await?;
        let failed = self.failed.clone();
        Ok(found.map(|inner| Arc::new(CountedQueue { inner, failed }) as Arc<dyn QueueSource>))
    }
}

struct CountedQueue {
    inner: Arc<dyn QueueSource>,
    failed: Arc<AtomicUsize>,
}

impl CountedQueue {
    fn count<T>(&self, result: Result<T, SourceError>) -> Result<T, SourceError> {
        result.inspect_err(|error| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            println!("failed: {error}");
        })
    }
}

#[async_trait]
impl QueueSource for CountedQueue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.inner.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.count(self.inner.receive(request).await)
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.count(self.inner.settle(settlements).await)
    }
}
