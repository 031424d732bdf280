//! How many records per second one core takes from an in-memory stream through filter and batch to a
//! function that does nothing.
//!
//! The time is the thread's own CPU time, so other work on the machine does not count.
//!
//! `cargo bench -p lambda-esm-engine --bench streams`

#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};

const RECORDS: usize = 200_000;
const ROUNDS: usize = 5;

fn main() {
    println!("{RECORDS} records of 200 bytes, one thread, batches of 100, no-op function");
    let filter = json!({ "Filters": [{ "Pattern": r#"{"data":{"kind":["order"]}}"# }] });
    let rows = [
        ("no filter", json!({})),
        ("a filter on data.kind", json!({ "FilterCriteria": filter })),
        (
            "a filter, 10 lanes",
            json!({ "FilterCriteria": filter, "ParallelizationFactor": 10 }),
        ),
        (
            "a filter, windows of 60 s",
            json!({ "FilterCriteria": filter, "TumblingWindowInSeconds": 60 }),
        ),
    ];
    for (name, settings) in rows {
        let best = (0..ROUNDS)
            .map(|_| run(settings.clone()))
            .fold(0.0, f64::max);
        println!("{name:<28}{best:>10.0} records/s");
    }
}

fn run(settings: Value) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let stream = MemoryStream::new(clock, MemoryStreamOptions::default());
        for number in 0..RECORDS {
            let data = format!(
                r#"{{"kind":"order","number":{number},"note":"{}"}}"#,
                "x".repeat(160)
            );
            stream.put(format!("key {}", number % 1_000), data).unwrap();
        }
        let engine = Engine::builder()
            .clock(clock)
            .stream("orders", stream.clone())
            .invoke(Closure::new(|_| async {
                Ok(Bytes::from_static(b"{\"state\":{}}"))
            }))
            .build();
        let mut request = json!({
            "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            "FunctionName": "nothing",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 100,
        });
        for (name, value) in settings.as_object().unwrap() {
            request[name] = value.clone();
        }
        let began = cpu_time();
        let mapping = engine
            .create(serde_json::from_value(request).unwrap())
            .await
            .unwrap();
        let uuid = mapping.uuid.parse().unwrap();
        let invoked = || {
            engine
                .mapping_status(uuid)
                .unwrap()
                .counts
                .invoked_event_count
        };
        while invoked() < RECORDS as u64 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let rate = RECORDS as f64 / (cpu_time() - began).as_secs_f64();
        engine.shutdown().await;
        rate
    })
}

/// Returns the CPU time that this thread has used.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}
