//! A function with a limit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_engine::ports::{FunctionFacts, InvokeBackend, InvokeRequest};
use serde_json::Value;

/// Runs up to `limit` invocations at a time, `takes` long each, and throttles what is beyond.
#[derive(Clone)]
pub(crate) struct Limited {
    pub(crate) limit: usize,
    /// Whether it says what its limit is.
    pub(crate) tells: bool,
    pub(crate) takes: Duration,
    seen: Arc<Mutex<Vec<Seen>>>,
    running: Arc<AtomicUsize>,
    throttles: Arc<AtomicUsize>,
}

impl Limited {
    pub(crate) fn new(limit: usize, tells: bool, takes: Duration) -> Self {
        Self {
            limit,
            tells,
            takes,
            seen: Arc::default(),
            running: Arc::default(),
            throttles: Arc::default(),
        }
    }

    pub(crate) fn throttles(&self) -> usize {
        self.throttles.load(Ordering::Relaxed)
    }

    /// Returns the records that it processed.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A record that was processed.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Of a stream, its partition key.
    pub(crate) key: Option<String>,
    /// Of a queue, how often it was received.
    pub(crate) receives: Option<String>,
}

/// Counts an invocation for as long as it runs.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl InvokeBackend for Limited {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(self.running.clone());
        if before >= self.limit {
            self.throttles.fetch_add(1, Ordering::Relaxed);
            let kind = InvokeErrorKind::throttled(None);
            return Err(InvokeError::new(kind, "busy"));
        }
        tokio::time::sleep(self.takes).await;
        let event: Value = serde_json::from_slice(&request.payload).unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let seen = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| Seen {
                key: text(&record["kinesis"]["partitionKey"]),
                receives: text(&record["attributes"]["ApproximateReceiveCount"]),
            });
        self.seen.lock().unwrap().extend(seen);
        Ok(Bytes::from_static(b"null").into())
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        Ok(FunctionFacts::default().with_concurrency(self.tells.then_some(self.limit)))
    }
}
