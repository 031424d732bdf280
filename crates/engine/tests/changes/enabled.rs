//! When a mapping says that it is enabled, with tokio's time paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::memory::{MemoryQueue, SendMessage};
use lambda_esm_engine::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, Settlement};
use serde_json::json;

use crate::support::{Slow, builder, change, nothing, queue, request, seconds, uuid};

/// A queue that cannot be reached until it is told otherwise.
#[derive(Clone)]
struct Away(Arc<AtomicBool>, MemoryQueue);

#[async_trait]
impl QueueSource for Away {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(SourceError::new(
                SourceErrorKind::Transient,
                "cannot connect",
            ));
        }
        self.1.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.1.receive(request).await
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.1.settle(settlements).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_not_enabled_before_its_queue_has_answered_and_can_be_changed_meanwhile() {
    let (clock, queue) = queue();
    let away = Away(Arc::new(AtomicBool::new(true)), queue.clone());
    let store = Slow::default();
    let engine = || {
        lambda_esm_engine::Engine::builder()
            .clock(clock)
            .source("orders", away.clone())
            .store(store.clone())
            .invoke(nothing())
            .build()
    };
    let first = engine();
    let made = uuid(&first.create(request(json!({}))).await.unwrap());
    seconds(120).await;
    let status = first.mapping_status(made).unwrap();
    let shown = (status.state, status.problem.as_deref());
    assert_eq!(shown, (State::Creating, Some("cannot connect")));
    let size = change(json!({ "BatchSize": 3 }));
    assert_eq!(
        first.update(made, size).await.unwrap().state,
        State::Updating
    );
    let disabled = change(json!({ "Enabled": false }));
    seconds(1).await;
    first.update(made, disabled).await.unwrap();
    seconds(1).await;
    assert_eq!(first.get(made).unwrap().state, State::Disabled);
    let enabled = change(json!({ "Enabled": true }));
    first.update(made, enabled).await.unwrap();
    seconds(60).await;
    assert_eq!(first.get(made).unwrap().state, State::Enabling);
    drop(first);

    let second = engine();
    second.start(Vec::new()).await.unwrap();
    seconds(60).await;
    assert_eq!(second.get(made).unwrap().state, State::Enabling);
    away.0.store(false, Ordering::Relaxed);
    queue.send(SendMessage::new("x")).unwrap();
    seconds(60).await;
    let shown = second.get(made).unwrap();
    assert_eq!((shown.state, shown.batch_size), (State::Enabled, Some(3)));
    assert_eq!(queue.counts(), (0, 0, 0));
    // Once enabled it stays so, though the queue is away again.
    away.0.store(true, Ordering::Relaxed);
    let size = change(json!({ "BatchSize": 4 }));
    second.update(made, size).await.unwrap();
    seconds(60).await;
    assert_eq!(second.get(made).unwrap().state, State::Enabled);
    second.delete(made).await.unwrap();
    seconds(60).await;
    assert!(second.get(made).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_mapping_whose_queue_never_came_can_be_deleted() {
    let (clock, queue) = queue();
    let away = Away(Arc::new(AtomicBool::new(true)), queue.clone());
    let engine = builder(clock, &queue, &Slow::default())
        .source("orders", away)
        .build();
    let made = uuid(&engine.create(request(json!({}))).await.unwrap());
    seconds(60).await;
    engine.delete(made).await.unwrap();
    seconds(1).await;
    assert!(engine.get(made).is_err());
}
