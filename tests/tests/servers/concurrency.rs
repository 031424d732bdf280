//! `MaximumConcurrency` bounds invocations and reading; several mappings share a queue.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm::functions::Closure;
use lambda_esm::lifecycle::State;
use lambda_esm::ports::{InvokeBackend, InvokeRequest};
use lambda_esm_tests::{QueueOptions, Sqs, until};
use serde_json::{Value, json};

/// A function that takes its time, and notes what it saw and how often it ran at once.
#[derive(Clone, Default)]
struct Slow {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Slow {
    fn backend(&self, takes: Duration) -> impl InvokeBackend + use<> {
        let this = self.clone();
        Closure::new(move |request: InvokeRequest| {
            let this = this.clone();
            async move {
                let running = this.running.fetch_add(1, Ordering::SeqCst) + 1;
                this.most.fetch_max(running, Ordering::SeqCst);
                tokio::time::sleep(takes).await;
                let event: Value = serde_json::from_slice(&request.payload).unwrap();
                let records = event["Records"].as_array().unwrap();
                let bodies = records
                    .iter()
                    .map(|record| record["body"].as_str().unwrap().to_owned());
                this.bodies.lock().unwrap().extend(bodies);
                this.running.fetch_sub(1, Ordering::SeqCst);
                Ok(Bytes::from_static(b"null"))
            }
        })
    }

    fn handled(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maximum_concurrency_bounds_invocations_and_messages_in_flight() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("maximum", QueueOptions::default()).await;
    queue
        .send((0..1_000).map(|number| number.to_string()))
        .await;
    let slow = Slow::default();
    let engine = sqs
        .engine()
        .invoke(slow.backend(Duration::from_millis(100)))
        .build();
    let members = json!({ "BatchSize": 10, "ScalingConfig": { "MaximumConcurrency": 2 } });
    engine
        .create(queue.mapping("function", members))
        .await
        .unwrap();
    let mut most_in_flight = 0;
    until("all are handled", async || {
        let depth = queue.depth().await;
        most_in_flight = most_in_flight.max(depth.in_flight);
        (depth.visible + depth.in_flight == 0).then_some(())
    })
    .await;
    engine.shutdown().await;
    assert_eq!(slow.most.load(Ordering::SeqCst), 2, "invocations at once");
    assert!(
        most_in_flight <= 20,
        "{most_in_flight} messages in flight, but two batches hold 20"
    );
    assert!(
        most_in_flight > 10,
        "two batches were never in flight: {most_in_flight}"
    );
    assert_eq!(slow.handled().len(), 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mappings_of_one_queue_compete_for_its_messages() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("shared", QueueOptions::default()).await;
    let functions = [Slow::default(), Slow::default()];
    let [one, other] = functions
        .each_ref()
        .map(|slow| slow.backend(Duration::from_millis(20)));
    let engine = sqs
        .engine()
        .function("one", one)
        .function("other", other)
        .build();
    let members = json!({ "ScalingConfig": { "MaximumConcurrency": 2 } });
    for function in ["one", "other"] {
        engine
            .create(queue.mapping(function, members.clone()))
            .await
            .unwrap();
    }
    until("both are enabled", async || {
        engine
            .status()
            .iter()
            .all(|mapping| mapping.state == State::Enabled)
            .then_some(())
    })
    .await;
    queue
        .send((0..1_000).map(|number| number.to_string()))
        .await;
    queue.until_empty().await;
    engine.shutdown().await;
    let [one, other] = functions.map(|slow| slow.handled());
    assert!(
        !one.is_empty() && !other.is_empty(),
        "{} and {}",
        one.len(),
        other.len()
    );
    assert_eq!(one.len() + other.len(), 1_000);
    assert_eq!(
        one.into_iter().chain(other).collect::<BTreeSet<_>>().len(),
        1_000
    );
}
