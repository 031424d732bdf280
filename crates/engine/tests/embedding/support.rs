//! A queue and a function whose facts can be changed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{CreateEventSourceMapping, FunctionRef};
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, SendMessage};
use lambda_esm_engine::ports::{
    FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, QueueFacts, QueueSource,
    ReceiveRequest, Received, Settlement,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};

pub(crate) const ORDERS: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

pub(crate) fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_700_000_000_000))
}

pub(crate) fn queue(clock: Clock) -> MemoryQueue {
    MemoryQueue::new(clock, MemoryQueueOptions::default())
}

pub(crate) fn request(extra: Value) -> CreateEventSourceMapping {
    let mut request = json!({ "EventSourceArn": ORDERS, "FunctionName": "f" });
    let Value::Object(extra) = extra else {
        panic!("{extra}");
    };
    request.as_object_mut().unwrap().extend(extra);
    serde_json::from_value(request).unwrap()
}

pub(crate) fn send(queue: &MemoryQueue, bodies: impl IntoIterator<Item = impl ToString>) {
    for body in bodies {
        queue.send(SendMessage::new(body.to_string())).unwrap();
    }
}

/// Returns an engine that reads `orders` for functions that do nothing.
pub(crate) fn engine(clock: Clock, orders: &MemoryQueue) -> Engine {
    Engine::builder()
        .clock(clock)
        .source("orders", orders.clone())
        .invoke(Function::default())
        .build()
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A function that never answers to a batch with `hang` in it, and takes its time for the others.
#[derive(Default)]
pub(crate) struct Function {
    pub(crate) facts: Mutex<FunctionFacts>,
    pub(crate) takes: Duration,
    /// Throttles every call.
    pub(crate) throttles: bool,
    pub(crate) running: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    /// Who asked, and for records of which source.
    pub(crate) asked_by: Mutex<BTreeSet<(String, String)>>,
}

impl Function {
    pub(crate) fn with_facts(facts: FunctionFacts) -> Self {
        Self {
            facts: Mutex::new(facts),
            ..Self::default()
        }
    }

    pub(crate) fn now_has(&self, facts: FunctionFacts) {
        *self.facts.lock().unwrap() = facts;
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl InvokeBackend for Function {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(&self.running);
        let asked_by = (request.mapping.to_string(), request.source.to_string());
        self.asked_by.lock().unwrap().insert(asked_by);
        if self.throttles {
            return Err(InvokeError::new(InvokeErrorKind::throttled(None), "busy"));
        }
        if String::from_utf8_lossy(&request.payload).contains("hang") {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(self.takes).await;
        Ok(Bytes::from_static(b"null").into())
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(*self.facts.lock().unwrap())
    }
}

/// A queue that may not be there, and whose visibility timeout can be changed.
pub(crate) struct Changing {
    pub(crate) queue: MemoryQueue,
    /// `None` while there is no queue.
    pub(crate) visibility: Mutex<Option<Duration>>,
}

impl Changing {
    pub(crate) fn new(queue: &MemoryQueue, visibility: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            queue: queue.clone(),
            visibility: Mutex::new(visibility.map(Duration::from_secs)),
        })
    }

    pub(crate) fn now_has(&self, visibility: u64) {
        *self.visibility.lock().unwrap() = Some(Duration::from_secs(visibility));
    }

    fn visibility(&self) -> Result<Duration, SourceError> {
        let missing = || SourceError::new(SourceErrorKind::NotFound, "there is no such queue");
        self.visibility.lock().unwrap().ok_or_else(missing)
    }
}

#[async_trait]
impl QueueSource for Changing {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let mut facts = self.queue.describe().await?;
        facts.visibility_timeout = self.visibility()?;
        Ok(facts)
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let visibility = request.visibility_timeout.unwrap_or(self.visibility()?);
        let request = request.with_visibility_timeout(Some(visibility));
        self.queue.receive(request).await
    }

    fn receive_is_cancel_safe(&self) -> bool {
        true
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.queue.settle(settlements).await
    }
}
