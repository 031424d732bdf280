//! How many messages per second one core takes from an in-memory queue through filter and batch to a
//! function that does nothing.
//!
//! The time is the thread's own CPU time, so other work on the machine does not count.
//!
//! `cargo bench -p lambda-esm-engine --bench throughput`

#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::{Clock, Engine};
use serde_json::json;

const MESSAGES: usize = 50_000;
const ROUNDS: usize = 10;

fn main() {
    println!("{MESSAGES} messages, one thread, batches of 100, no-op function");
    for (receive_limit, filter) in [(10, false), (10, true), (100, false), (100, true)] {
        let best = (0..ROUNDS)
            .map(|_| run(receive_limit, filter))
            .fold(0.0, f64::max);
        let filter = if filter {
            "a filter on body.kind"
        } else {
            "no filter"
        };
        println!("receives of {receive_limit:>3}, {filter:<22}{best:>10.0} messages/s");
    }
}

fn run(receive_limit: usize, filter: bool) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let options = MemoryQueueOptions::default()
            .with_receive_limit(receive_limit)
            .with_visibility_timeout(Duration::from_secs(600));
        let queue = MemoryQueue::new(clock, options);
        for number in 0..MESSAGES {
            let body = format!(
                r#"{{"kind":"order","number":{number},"note":"{}"}}"#,
                "x".repeat(160)
            );
            queue.send(SendMessage::new(body)).unwrap();
        }
        let engine = Engine::builder()
            .clock(clock)
            .source("orders", queue.clone())
            .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
            .build();
        let pattern = r#"{"body":{"kind":["order"]}}"#;
        let filters = if filter {
            json!([{ "Pattern": pattern }])
        } else {
            json!([])
        };
        let request = json!({
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
            "FunctionName": "nothing",
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 1,
            "FilterCriteria": { "Filters": filters },
        });
        let start = cpu_time();
        engine
            .create(serde_json::from_value(request).unwrap())
            .await
            .unwrap();
        while engine.status()[0].counts.deleted_event_count < MESSAGES as u64 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        MESSAGES as f64 / (cpu_time() - start).as_secs_f64()
    })
}

/// Returns how long this thread has run on a processor (Linux keeps count in nanoseconds).
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
