//! A run that is the same each time, and an observer that misses nothing of it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use serde_json::{Value, json};

/// Runs two mappings for a while; returns their UUIDs, and everything that they have decided.
async fn decisions(seed: u64) -> (Vec<String>, Vec<String>) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
    for number in 0..30 {
        queue.send(SendMessage::new(number.to_string())).unwrap();
    }
    let decided = Arc::new(Mutex::new(Vec::new()));
    let seen = decided.clone();
    let throttled = Closure::new(|_| async {
        let kind = InvokeErrorKind::throttled(None);
        Err(InvokeError::new(kind, "busy"))
    });
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_seed(Some(seed)))
        .source("orders", queue)
        .invoke(throttled)
        .observer(move |event| {
            let text = serde_json::to_string(event).unwrap();
            seen.lock().unwrap().push(text);
        })
        .build();
    let mut uuids = Vec::new();
    for function in ["f", "g"] {
        let request = json!({
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
            "FunctionName": function,
        });
        let request = serde_json::from_value(request).unwrap();
        uuids.push(engine.create(request).await.unwrap().uuid);
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    engine.halt().await;
    let decided = std::mem::take(&mut *decided.lock().unwrap());
    (uuids, decided)
}

#[tokio::test(start_paused = true)]
async fn an_observer_hears_every_decision_and_a_seed_repeats_them() {
    let (uuids, decided) = decisions(1).await;
    for uuid in &uuids {
        let of = decided.iter().filter(|event| event.contains(uuid));
        let sequences = of.map(|event| {
            let event: Value = serde_json::from_str(event).unwrap();
            event["sequence"].as_u64().unwrap()
        });
        let sequences: Vec<u64> = sequences.collect();
        assert!(sequences.len() > 10);
        assert!(sequences.iter().copied().eq(1..=sequences.len() as u64));
    }
    let (again, other) = (decisions(1).await, decisions(2).await);
    assert!(
        without_ids(&again.1) == without_ids(&decided),
        "another run differs"
    );
    assert_eq!(again.0, uuids);
    assert_ne!(other.0, uuids);
    assert!(
        without_ids(&other.1) != without_ids(&decided),
        "the jitter is the same"
    );
}

/// Takes the UUIDs out, which would differ anyway.
fn without_ids(decided: &[String]) -> Vec<Value> {
    let parse = |text: &String| {
        let mut event: Value = serde_json::from_str(text).unwrap();
        event["mapping"] = Value::Null;
        event
    };
    decided.iter().map(parse).collect()
}
