//! Engines whose store takes its time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{
    CreateEventSourceMapping, EventSourceMappingConfiguration, UpdateEventSourceMapping,
};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, MemoryStore};
use lambda_esm_engine::ports::InvokeBackend;
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_engine::{Clock, Engine, EngineBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) fn queue() -> (Clock, MemoryQueue) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
    (clock, queue)
}

pub(crate) fn request(extra: Value) -> CreateEventSourceMapping {
    let mut request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders",
        "FunctionName": "f",
    });
    let members = extra.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    serde_json::from_value(request).unwrap()
}

pub(crate) fn change(change: Value) -> UpdateEventSourceMapping {
    serde_json::from_value(change).unwrap()
}

pub(crate) fn uuid(configuration: &EventSourceMappingConfiguration) -> Uuid {
    configuration.uuid.parse().unwrap()
}

/// Returns the settings in what is kept of a mapping.
pub(crate) fn kept_request(kept: &StoredMapping) -> Value {
    let record: Value = serde_json::from_str(&kept.record).unwrap();
    record["request"].clone()
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

pub(crate) fn nothing() -> impl InvokeBackend {
    Closure::new(|_| async { Ok(Bytes::new()) })
}

/// A store that is in no hurry.
#[derive(Clone, Default)]
pub(crate) struct Slow(Arc<MemoryStore>);

async fn dawdle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Store for Slow {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        dawdle().await;
        self.0.load().await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        dawdle().await;
        self.0.put(mapping).await?;
        dawdle().await;
        Ok(())
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        dawdle().await;
        self.0.remove(mapping).await?;
        dawdle().await;
        Ok(())
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.0.checkpoints(mapping).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        self.0.commit(checkpoints).await
    }
}

pub(crate) fn builder(clock: Clock, queue: &MemoryQueue, store: &Slow) -> EngineBuilder {
    Engine::builder()
        .clock(clock)
        .source("orders", queue.clone())
        .store(store.clone())
        .invoke(nothing())
}
