//! The status of a mapping may be asked at any moment, from any thread.

use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::{Clock, Engine};
use serde_json::json;

const MESSAGES: u64 = 20_000;

/// A reader that locks twice against a writer in between would stop both for good, so the engine has
/// threads of its own here, and the test only waits for the answer.
#[test]
fn asking_for_the_status_again_and_again_never_stops_a_mapping() {
    let (sender, handled) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = Clock::system();
            let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
            for number in 0..MESSAGES {
                queue.send(SendMessage::new(number.to_string())).unwrap();
            }
            let engine = Engine::builder()
                .clock(clock)
                .source("orders", queue)
                .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
                .build();
            let request = json!({
                "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
                "FunctionName": "nothing",
            });
            engine
                .create(serde_json::from_value(request).unwrap())
                .await
                .unwrap();
            while engine.status()[0].counts.deleted_event_count < MESSAGES {
                tokio::task::yield_now().await;
            }
            sender.send(()).unwrap();
        });
    });
    handled.recv_timeout(Duration::from_secs(60)).unwrap();
}
