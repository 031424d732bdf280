//! How much of a core one mapping of a thousand idle shards takes, for each pace and factor.
//!
//! The time is the thread's own CPU time, so other work on the machine does not count. `IDLE_SECONDS` in the
//! environment says how long each row is watched, `SHARDS` how many shards there are.
//!
//! `cargo bench -p lambda-esm-engine --bench idle`

#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamCall};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use serde_json::json;

fn main() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let shards = number("SHARDS", 1_000);
    let watched = Duration::from_secs(number("IDLE_SECONDS", 10) as u64);
    println!("one mapping of {shards} idle shards in memory, one thread, {watched:?} each");
    for (name, pacing) in [("eager", Pacing::Eager), ("aws", Pacing::Aws)] {
        for factor in [1, 10] {
            let (share, fetches) = run(shards, factor, pacing, watched);
            let share = share * 100.0;
            println!(
                "{name:<6} factor {factor:<3}{share:>6.1} % of a core{fetches:>8.0} fetches/s"
            );
        }
    }
}

/// Returns the share of a core that is used, and how many fetches there are in a second.
fn run(shards: usize, factor: usize, pacing: Pacing, watched: Duration) -> (f64, f64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let options = MemoryStreamOptions::default().with_shards(shards);
        let stream = MemoryStream::new(clock, options);
        let options = EngineOptions::default().with_pacing(pacing);
        let engine = Engine::builder()
            .options(options)
            .clock(clock)
            .stream("clicks", stream.clone())
            .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
            .build();
        let request = json!({
            "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
            "FunctionName": "nothing",
            "StartingPosition": "TRIM_HORIZON",
            "ParallelizationFactor": factor,
        });
        let request = serde_json::from_value(request).unwrap();
        engine.create(request).await.unwrap();
        // What the beginning needs is not idling.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, calls) = (cpu_time(), stream.calls(StreamCall::Fetch));
        let began = clock.now();
        tokio::time::sleep(watched).await;
        let seconds = clock.now().since(began).as_secs_f64();
        let used = (cpu_time() - before).as_secs_f64();
        let fetches = (stream.calls(StreamCall::Fetch) - calls) as f64;
        engine.shutdown().await;
        (used / seconds, fetches / seconds)
    })
}

/// Returns the CPU time that this thread has used.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}
