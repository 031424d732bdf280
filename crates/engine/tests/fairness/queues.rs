//! Queues whose mappings may do more at a time than the function.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use serde_json::json;

use crate::function::Limited;

const MESSAGES: usize = 500;

/// Returns how long a function that runs five at a time, a second each, takes for fifty batches of ten.
async fn run(pacing: Pacing, tells: bool, maximum: Option<u32>) -> Duration {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
    for number in 0..MESSAGES {
        queue.send(SendMessage::new(number.to_string())).unwrap();
    }
    let function = Limited::new(5, tells, Duration::from_secs(1));
    let options = EngineOptions::default().with_pacing(pacing);
    let engine = Engine::builder()
        .options(options)
        .clock(clock)
        .source("orders", queue)
        .invoke(function.clone())
        .build();
    let mut request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "shared",
        "BatchSize": 10,
    });
    if let Some(maximum) = maximum {
        request["ScalingConfig"] = json!({ "MaximumConcurrency": maximum });
    }
    let began = clock.now();
    let request = serde_json::from_value(request).unwrap();
    engine.create(request).await.unwrap();
    while engine.status()[0].counts.deleted_event_count < MESSAGES as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = clock.now().since(began);
    engine.shutdown().await;
    let seen = function.seen();
    let again = seen
        .iter()
        .filter(|seen| seen.receives.as_deref() != Some("1"))
        .count();
    assert_eq!(
        again, 0,
        "none waits out its visibility timeout in our hands"
    );
    took
}

#[tokio::test(start_paused = true)]
async fn a_maximum_concurrency_beyond_the_functions_takes_no_longer() {
    for pacing in [Pacing::Eager, Pacing::Aws] {
        for tells in [true, false] {
            let mut took = Vec::new();
            for maximum in [Some(5), Some(10), Some(50), None] {
                took.push(run(pacing, tells, maximum).await);
            }
            let (least, most) = (took.iter().min().unwrap(), took.iter().max().unwrap());
            let alike = *most - *least <= *most / 10;
            let in_time = *most < Duration::from_millis(12_000);
            assert!(alike && in_time, "{pacing:?}, tells: {tells}: {took:?}");
        }
    }
}
