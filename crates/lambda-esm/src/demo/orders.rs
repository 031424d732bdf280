//! The first act: a queue, a function that cannot process some orders, a dead-letter queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
use lambda_esm_engine::ports::FunctionFacts;
use lambda_esm_engine::{Clock, Counts, EngineBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Short, so that nobody waits long for a retry.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(2);
/// With the window, shorter than the visibility timeout: else messages are hidden for longer than that.
const FUNCTION_TIMEOUT: Duration = Duration::from_millis(500);
const MAX_RECEIVE_COUNT: u32 = 2;
const QUEUE_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

/// One order in `BROKEN_EVERY` cannot be processed, one in `NOISE_EVERY` is no order at all.
const BROKEN_EVERY: u32 = 17;
const NOISE_EVERY: u32 = 5;

pub(super) struct Orders {
    queue: MemoryQueue,
    dead_letters: MemoryQueue,
    handled: Arc<AtomicU64>,
}

/// How the act ended.
#[derive(Debug, Serialize)]
pub(super) struct OrdersSummary {
    /// Orders that the function processed.
    pub(super) processed: u64,
    /// Messages left in the queue; 0 if all went well.
    pub(super) left_in_queue: usize,
    /// Messages in the dead-letter queue.
    pub(super) dead_lettered: usize,
    /// The mapping's counters.
    pub(super) counts: Counts,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "messageId")]
    message_id: String,
    body: String,
}

impl Orders {
    pub(super) fn new(clock: Clock) -> Self {
        let dead_letters = MemoryQueue::new(clock, MemoryQueueOptions::default());
        let options = MemoryQueueOptions::default()
            .with_visibility_timeout(VISIBILITY_TIMEOUT)
            .with_redrive(Some(Redrive::new(dead_letters.clone(), MAX_RECEIVE_COUNT)));
        Self {
            queue: MemoryQueue::new(clock, options),
            dead_letters,
            handled: Arc::default(),
        }
    }

    /// Adds the queue and the function to an engine.
    pub(super) fn register(&self, builder: EngineBuilder) -> EngineBuilder {
        let counter = self.handled.clone();
        let facts = FunctionFacts::default().with_timeout(Some(FUNCTION_TIMEOUT));
        let function =
            Closure::new(move |request| handle(request.payload, counter.clone())).with_facts(facts);
        builder
            .source("orders", self.queue.clone())
            .function("process-orders", function)
    }

    pub(super) fn mapping(&self) -> Value {
        json!({
            "EventSourceArn": QUEUE_ARN,
            "FunctionName": "process-orders",
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 1,
            "FilterCriteria": { "Filters": [{ "Pattern": r#"{"body":{"kind":["order"]}}"# }] },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        })
    }

    pub(super) fn introduction(&self) -> String {
        format!(
            "1. A queue in memory, and a function that cannot process every order.\n\
             BatchSize 10, window 1 s, filter on body.kind, partial batch responses; visibility\n\
             timeout {} s, to the dead-letter queue after {MAX_RECEIVE_COUNT} receives.",
            VISIBILITY_TIMEOUT.as_secs()
        )
    }

    /// Sends messages in bursts of growing size, so that windows and counts both close batches.
    pub(super) async fn send(&self, messages: u32) -> Result<(), Failure> {
        let mut burst = 3;
        let mut next = 1;
        while next <= messages {
            for number in next..(next + burst).min(messages + 1) {
                self.queue
                    .send(SendMessage::new(body(number)))
                    .map_err(|error| Failure::general(error.to_string()))?;
            }
            next += burst;
            burst *= 2;
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        Ok(())
    }

    /// Tells whether every message has found its end.
    pub(super) fn is_over(&self) -> bool {
        self.queue.counts() == (0, 0, 0)
    }

    /// Returns how many messages the queue has moved to its dead-letter queue.
    pub(super) fn dead_letters(&self) -> usize {
        self.dead_letters.counts().0
    }

    pub(super) fn summary(&self, counts: Counts) -> OrdersSummary {
        let (visible, in_flight, delayed) = self.queue.counts();
        OrdersSummary {
            processed: self.handled.load(Ordering::Relaxed),
            left_in_queue: visible + in_flight + delayed,
            dead_lettered: self.dead_letters(),
            counts,
        }
    }
}

fn body(number: u32) -> String {
    let kind = if number.is_multiple_of(NOISE_EVERY) {
        "heartbeat"
    } else {
        "order"
    };
    let broken = number.is_multiple_of(BROKEN_EVERY);
    json!({ "kind": kind, "number": number, "broken": broken }).to_string()
}

/// The function: reports the broken orders, and takes a moment for all.
async fn handle(payload: Bytes, handled: Arc<AtomicU64>) -> Result<Bytes, InvokeError> {
    let event: Event = serde_json::from_slice(&payload)
        .map_err(|error| InvokeError::function(error.to_string()))?;
    tokio::time::sleep(Duration::from_millis(40)).await;
    let broken = |record: &&Record| record.body.contains("\"broken\":true");
    let failures: Vec<_> = event
        .records
        .iter()
        .filter(broken)
        .map(|record| json!({ "itemIdentifier": record.message_id }))
        .collect();
    handled.fetch_add(
        (event.records.len() - failures.len()) as u64,
        Ordering::Relaxed,
    );
    Ok(json!({ "batchItemFailures": failures }).to_string().into())
}
