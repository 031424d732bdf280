//! When an engine starts, and where.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::StartError;
use lambda_esm_engine::memory::SendMessage;
use lambda_esm_engine::store::Store as _;
use serde_json::json;

use crate::support::{Slow, builder, queue, request, seconds, uuid};

#[tokio::test(start_paused = true)]
async fn a_start_leaves_mappings_alone_that_are_there_already() {
    let (clock, queue) = queue();
    let store = Slow::default();
    let engine = builder(clock, &queue, &store).build();
    let made = engine.create(request(json!({}))).await.unwrap();
    let file = || request(json!({ "FunctionName": "of-the-file" }));
    let (one, two) = tokio::join!(engine.start(vec![file()]), engine.start(vec![file()]));
    let one = one.unwrap();
    assert!(one.restored.is_empty() && one.unusable.is_empty());
    assert!(one.file[0].is_ok());
    assert_eq!(two.unwrap_err(), StartError::Again);
    // Another file does not take away what runs, nor what is kept of it.
    let third = engine.start(Vec::new()).await;
    assert_eq!(third.unwrap_err(), StartError::Again);
    assert_eq!(store.load().await.unwrap().len(), 2);
    seconds(60).await;
    assert_eq!(engine.list().len(), 2);
    assert!(
        engine
            .list()
            .iter()
            .all(|mapping| mapping.state == State::Enabled)
    );
    queue.send(SendMessage::new("x")).unwrap();
    seconds(2).await;
    assert_eq!(queue.counts(), (0, 0, 0));
    engine.delete(uuid(&made)).await.unwrap();
    seconds(2).await;
    assert_eq!(engine.list().len(), 1);
}

#[test]
fn mappings_live_on_the_runtime_within_which_the_engine_was_built() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    };
    let (clock, queue) = queue();
    let home = runtime();
    let engine = {
        let _within = home.enter();
        builder(clock, &queue, &Slow::default()).build()
    };
    let passing = runtime();
    let made = passing.block_on(engine.create(request(json!({})))).unwrap();
    passing.shutdown_background();
    queue.send(SendMessage::new("x")).unwrap();
    home.block_on(async {
        let mut watch = engine.watch(uuid(&made)).unwrap();
        while engine.status()[0].counts.deleted_event_count == 0 {
            assert!(watch.changed().await);
        }
        engine.shutdown().await;
    });
}

#[test]
fn without_a_runtime_a_change_is_refused_and_leaves_nothing() {
    let (clock, queue) = queue();
    let store = Slow::default();
    let engine = builder(clock, &queue, &store).build();
    let created = pin!(engine.create(request(json!({}))));
    let Poll::Ready(refused) = created.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("there is nothing to wait for");
    };
    let error = refused.unwrap_err();
    assert_eq!(error.message, "The engine needs a tokio runtime.");
    assert!(engine.list().is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        engine.create(request(json!({}))).await.unwrap();
        assert_eq!(store.load().await.unwrap().len(), 1);
    });
}
