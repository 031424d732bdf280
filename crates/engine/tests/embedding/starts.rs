//! The ways in which an engine can begin, and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::mapping::ErrorCode;
use lambda_esm_engine::memory::MemoryStore;
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_engine::{Clock, Engine, EngineBuilder, StartError};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Function, clock, queue, request, seconds, send};

/// A store that may not be readable yet.
#[derive(Default)]
struct Late {
    store: MemoryStore,
    is_readable: AtomicBool,
}

#[async_trait]
impl Store for Late {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        if !self.is_readable.load(Ordering::Relaxed) {
            return Err(StoreError::Io("not yet".to_owned()));
        }
        self.store.load().await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        self.store.put(mapping).await
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        self.store.remove(mapping).await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.store.checkpoints(mapping).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        self.store.commit(checkpoints).await
    }
}

/// Returns a store with one mapping of `orders` to `f` in it.
async fn kept() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    let clock = clock();
    let builder = Engine::builder()
        .clock(clock)
        .source("orders", queue(clock));
    let engine = builder
        .invoke(Function::default())
        .store(store.clone())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    engine.halt().await;
    store
}

#[tokio::test(start_paused = true)]
async fn create_and_start_agree_in_every_order() {
    let other = || request(json!({ "FunctionName": "g" }));
    for order in 0..4 {
        let store = kept().await;
        let clock = clock();
        let orders = queue(clock);
        let engine = Engine::builder()
            .clock(clock)
            .source("orders", orders.clone())
            .invoke(Function::default())
            .store(store.clone())
            .build();
        let started = match order {
            0 => {
                engine.create(other()).await.unwrap();
                engine.start(Vec::new()).await.unwrap()
            }
            1 => {
                let started = engine.start(Vec::new()).await.unwrap();
                engine.create(other()).await.unwrap();
                started
            }
            2 => {
                let (made, started) =
                    tokio::join!(engine.create(other()), engine.start(Vec::new()));
                made.unwrap();
                started.unwrap()
            }
            _ => {
                let (started, made) =
                    tokio::join!(engine.start(Vec::new()), engine.create(other()));
                made.unwrap();
                started.unwrap()
            }
        };
        assert_eq!(started.restored.len(), 1, "order {order}");
        assert_eq!(
            engine.start(Vec::new()).await.unwrap_err(),
            StartError::Again
        );
        seconds(2).await;
        assert_eq!(
            (engine.list().len(), store.load().await.unwrap().len()),
            (2, 2)
        );
        // Each reads: a message for every one of them, since they compete.
        send(&orders, 0..100);
        seconds(5).await;
        assert_eq!(orders.counts(), (0, 0, 0));
        for mapping in engine.list() {
            engine.delete(mapping.uuid.parse().unwrap()).await.unwrap();
        }
        seconds(2).await;
        assert_eq!(
            (engine.list().len(), store.load().await.unwrap().len()),
            (0, 0)
        );
        send(&orders, ["nobody reads"]);
        seconds(2).await;
        assert_eq!(
            orders.counts(),
            (1, 0, 0),
            "order {order}: something still polls"
        );
    }
}

/// The same mapping made while the start restores it is one mapping.
#[tokio::test(start_paused = true)]
async fn the_same_mapping_is_not_there_twice_whoever_comes_first() {
    for start_first in [false, true] {
        let store = kept().await;
        // Some time after it was kept.
        let clock = Clock::starting_at(clock().now() + Duration::from_secs(60));
        let engine = Engine::builder()
            .clock(clock)
            .source("orders", queue(clock))
            .invoke(Function::default())
            .store(store.clone())
            .build();
        let same = || engine.create(request(json!({})));
        let (made, started) = if start_first {
            let (started, made) = tokio::join!(engine.start(Vec::new()), same());
            (made, started)
        } else {
            tokio::join!(same(), engine.start(Vec::new()))
        };
        let started = started.unwrap();
        seconds(2).await;
        let there = usize::from(made.is_ok()) + started.restored.len();
        assert_eq!(engine.list().len(), there);
        assert_eq!(there, 1, "{made:?}, {started:?}");
        // The one that was made is the one that was meant, also at the next start; the other can be forgotten.
        let Ok(made) = made else {
            continue;
        };
        assert_eq!(started.unusable.len(), 1);
        engine.halt().await;
        let (engine, started) = Engine::builder()
            .clock(clock)
            .source("orders", queue(clock))
            .invoke(Function::default())
            .store(store.clone())
            .start(Vec::new())
            .await
            .unwrap();
        assert_eq!(started.restored[0].uuid, made.uuid);
        let (other, why) = &started.unusable[0];
        assert_eq!(why.code, ErrorCode::ResourceConflict);
        engine.forget(*other).await.unwrap();
        let in_use = engine.forget(made.uuid.parse().unwrap()).await.unwrap_err();
        assert_eq!(in_use.code, ErrorCode::ResourceInUse);
        assert_eq!(store.load().await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_builder_starts_an_engine_in_one_go() {
    let clock = clock();
    let (engine, started) = EngineBuilder::default()
        .clock(clock)
        .source("orders", queue(clock))
        .invoke(Function::default())
        .store(kept().await)
        .start(vec![request(json!({ "FunctionName": "of-the-file" }))])
        .await
        .unwrap();
    assert_eq!((started.restored.len(), started.file.len()), (1, 1));
    assert_eq!(engine.list().len(), 2);
    assert_eq!(
        engine.start(Vec::new()).await.unwrap_err(),
        StartError::Again
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_that_failed_can_be_made_again() {
    let clock = clock();
    let store = Arc::new(Late::default());
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", queue(clock))
        .invoke(Function::default())
        .store(store.clone())
        .build();
    let failed = engine.start(Vec::new()).await.unwrap_err();
    assert_eq!(
        failed,
        StartError::Store(StoreError::Io("not yet".to_owned()))
    );
    store.is_readable.store(true, Ordering::Relaxed);
    let started = engine.start(vec![request(json!({}))]).await.unwrap();
    assert!(started.file[0].is_ok());
}

#[test]
fn once_its_runtime_has_ended_an_engine_takes_no_change_and_says_why() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let clock = clock();
    let store = Arc::new(MemoryStore::default());
    let (home, elsewhere) = (runtime(), runtime());
    let engine = {
        let _within = home.enter();
        let builder = Engine::builder()
            .clock(clock)
            .source("orders", queue(clock));
        builder
            .invoke(Function::default())
            .store(store.clone())
            .build()
    };
    drop(home);
    elsewhere.block_on(async {
        let refused = engine.create(request(json!({}))).await.unwrap_err();
        assert!(
            refused
                .message
                .contains("runtime that the engine lives on has ended"),
            "{refused}"
        );
        let refused = engine.start(Vec::new()).await.unwrap_err();
        assert!(matches!(refused, StartError::Runtime(_)), "{refused:?}");
        assert!(engine.list().is_empty());
        assert!(store.load().await.unwrap().is_empty());
        engine.shutdown().await;
    });
}
