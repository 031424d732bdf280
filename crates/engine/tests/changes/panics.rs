//! Code of an embedder that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use lambda_esm_core::fault::{InvokeError, SourceError};
use lambda_esm_core::mapping::{ErrorCode, FunctionRef, Mapping};
use lambda_esm_engine::Engine;
use lambda_esm_engine::memory::{MemoryQueue, SendMessage};
use lambda_esm_engine::ports::{
    FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest, QueueSource, SourceProvider,
};
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use serde_json::json;
use uuid::Uuid;

use crate::support::{nothing, queue, request, seconds, uuid};

/// A backend, and a provider, that panic until they are told otherwise.
#[derive(Clone)]
struct Broken {
    panics: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    queue: MemoryQueue,
}

impl Broken {
    fn new(queue: &MemoryQueue) -> Self {
        Self {
            panics: Arc::new(AtomicBool::new(true)),
            asked: Arc::default(),
            queue: queue.clone(),
        }
    }

    fn mend(&self) {
        self.panics.store(false, Ordering::Relaxed);
    }

    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics.load(Ordering::Relaxed), "on purpose");
    }
}

#[async_trait]
impl InvokeBackend for Broken {
    async fn invoke(&self, _request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        Ok(Bytes::new().into())
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.ask();
        Ok(FunctionFacts::default())
    }
}

#[async_trait]
impl SourceProvider for Broken {
    async fn queue(&self, _: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        self.ask();
        Ok(Some(Arc::new(self.queue.clone())))
    }
}

/// A mapping that meets a panic shows it, is asked again, works once it is mended, and can be deleted.
async fn outlives(engine: Engine, broken: &Broken, shown: &str) {
    let started = engine.start(vec![request(json!({}))]).await.unwrap();
    let mapping = uuid(started.file[0].as_ref().unwrap());
    seconds(60).await;
    let problem = engine.mapping_status(mapping).unwrap().problem;
    assert_eq!(problem.as_deref(), Some(shown));
    let asked = broken.asked.load(Ordering::Relaxed);
    assert!(asked > 2, "asked {asked} times");
    broken.mend();
    broken.queue.send(SendMessage::new("x")).unwrap();
    seconds(60).await;
    assert_eq!(broken.queue.counts(), (0, 0, 0));
    assert_eq!(engine.mapping_status(mapping).unwrap().problem, None);
    broken.panics.store(true, Ordering::Relaxed);
    engine.delete(mapping).await.unwrap();
    seconds(2).await;
    assert!(engine.get(mapping).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_panics_when_it_is_asked_about_a_function_is_shown_and_asked_again() {
    let (clock, queue) = queue();
    let broken = Broken::new(&queue);
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", queue)
        .invoke(broken.clone())
        .build();
    let text = "the backend panicked when it was asked about the function";
    outlives(engine, &broken, text).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_is_shown_and_asked_again() {
    let (clock, queue) = queue();
    let broken = Broken::new(&queue);
    let engine = Engine::builder()
        .clock(clock)
        .provider(broken.clone())
        .invoke(nothing())
        .build();
    outlives(engine, &broken, "the provider of event sources panicked").await;
}

/// A store that panics, in the call itself.
struct Panicking;

impl Store for Panicking {
    fn load<'a, 'b>(&'a self) -> BoxFuture<'b, Result<Vec<StoredMapping>, StoreError>>
    where
        'a: 'b,
    {
        panic!("on purpose")
    }

    fn put<'a, 'b>(&'a self, _: StoredMapping) -> BoxFuture<'b, Result<(), StoreError>>
    where
        'a: 'b,
    {
        panic!("on purpose")
    }

    fn remove<'a, 'b>(&'a self, _: Uuid) -> BoxFuture<'b, Result<(), StoreError>>
    where
        'a: 'b,
    {
        panic!("on purpose")
    }

    fn checkpoints<'a, 'b>(
        &'a self,
        _: Uuid,
    ) -> BoxFuture<'b, Result<Vec<StoredCheckpoint>, StoreError>>
    where
        'a: 'b,
    {
        panic!("on purpose")
    }

    fn commit<'a, 'b>(&'a self, _: Vec<StoredCheckpoint>) -> BoxFuture<'b, Result<(), StoreError>>
    where
        'a: 'b,
    {
        panic!("on purpose")
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_panics_fails_the_change_and_nothing_else() {
    let (clock, queue) = queue();
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", queue)
        .store(Panicking)
        .invoke(nothing())
        .build();
    let error = engine.create(request(json!({}))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Service);
    assert!(
        error.message.contains("the store panicked"),
        "{}",
        error.message
    );
    assert!(engine.list().is_empty());
    assert!(engine.start(Vec::new()).await.is_err());
}
