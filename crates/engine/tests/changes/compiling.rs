//! Filters are compiled off the runtime's threads, once for each change, and after what is cheap to refuse.

use std::sync::mpsc;

use lambda_esm_core::mapping::{ApiError, ErrorCode};
use lambda_esm_engine::Engine;
use lambda_esm_engine::store::Store as _;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Slow, builder, change, kept_request, queue, request, uuid};

/// A runtime on whose only thread for blocking work nothing happens until something is sent.
fn occupied() -> (Runtime, mpsc::Sender<()>) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, released) = mpsc::channel();
    drop(runtime.spawn_blocking(move || released.recv()));
    (runtime, release)
}

fn filtered(pattern: &str, more: Value) -> Value {
    let mut members = more;
    members["FilterCriteria"] = json!({ "Filters": [{ "Pattern": pattern }] });
    members
}

/// Lets everything happen that can happen.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

const PATTERN: &str = r#"{"body":{"kind":["order"]}}"#;

#[test]
fn a_change_with_filters_waits_for_them_and_others_do_not() {
    let (runtime, release) = occupied();
    runtime.block_on(async {
        let (clock, queue) = queue();
        let store = Slow::default();
        let engine = builder(clock, &queue, &store).build();
        let begun = engine.clone();
        let create = request(filtered(PATTERN, json!({})));
        let creating = tokio::spawn(async move { begun.create(create).await });
        settle().await;
        assert!(
            !creating.is_finished(),
            "compiled on a thread of the runtime"
        );
        assert_eq!(
            store.load().await.unwrap(),
            [],
            "kept before it is compiled"
        );
        let other = engine.create(request(json!({ "FunctionName": "g" })));
        other.await.expect("a change without filters goes on");
        release.send(()).unwrap();
        let created = creating.await.unwrap().unwrap();
        assert!(created.filter_criteria.is_some());
        assert_eq!(store.load().await.unwrap().len(), 2);
        engine.shutdown().await;
    });
}

#[test]
fn a_change_whose_filters_take_too_long_is_refused_and_not_kept() {
    let (runtime, release) = occupied();
    runtime.block_on(async {
        let (clock, queue) = queue();
        let store = Slow::default();
        let engine = builder(clock, &queue, &store).build();
        let create = request(filtered(PATTERN, json!({})));
        let refused = engine.create(create).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Service);
        let text = "The filters were not compiled in 8 s; nothing was changed.";
        assert_eq!(refused.message, text);
        release.send(()).unwrap();
        settle().await;
        assert_eq!(store.load().await.unwrap(), []);
        assert_eq!(engine.list().len(), 0);
        engine.shutdown().await;
    });
}

#[test]
fn what_conflicts_is_refused_before_its_filters_are_compiled() {
    let (runtime, release) = occupied();
    runtime.block_on(async {
        let (clock, queue) = queue();
        let engine = builder(clock, &queue, &Slow::default()).build();
        engine.create(request(json!({}))).await.unwrap();
        let g = json!({ "FunctionName": "g" });
        let other = uuid(&engine.create(request(g)).await.unwrap());
        let code = |refused: Result<_, ApiError>| refused.unwrap_err().code;
        let again = engine.create(request(filtered(PATTERN, json!({}))));
        assert_eq!(code(again.await), ErrorCode::ResourceConflict);
        let unknown = engine.update(uuid::Uuid::nil(), change(filtered(PATTERN, json!({}))));
        assert_eq!(code(unknown.await), ErrorCode::ResourceNotFound);
        let busy = engine.update(other, change(filtered(PATTERN, json!({}))));
        assert_eq!(code(busy.await), ErrorCode::ResourceInUse);
        enabled(&engine, other).await;
        let taken = filtered(PATTERN, json!({ "FunctionName": "f" }));
        let taken = engine.update(other, change(taken));
        assert_eq!(code(taken.await), ErrorCode::ResourceConflict);
        release.send(()).unwrap();
        engine.shutdown().await;
    });
}

#[test]
fn an_update_of_something_else_does_not_compile_the_filters_again() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (clock, queue) = queue();
        let engine = builder(clock, &queue, &Slow::default()).build();
        let create = request(filtered(PATTERN, json!({})));
        let mapping = uuid(&engine.create(create).await.unwrap());
        enabled(&engine, mapping).await;
        let (release, released) = mpsc::channel::<()>();
        drop(tokio::task::spawn_blocking(move || released.recv()));
        let updated = engine
            .update(mapping, change(json!({ "BatchSize": 3 })))
            .await;
        let updated = updated.unwrap();
        assert_eq!(updated.batch_size, Some(3));
        assert!(updated.filter_criteria.is_some(), "the filters are gone");
        release.send(()).unwrap();
        engine.shutdown().await;
    });
}

#[tokio::test(start_paused = true)]
async fn filters_that_are_none_leave_nothing_behind() {
    let (clock, queue) = queue();
    let store = Slow::default();
    let engine = builder(clock, &queue, &store).build();
    let bad = filtered(r#"{"body":"order"}"#, json!({}));
    let refused = engine.create(request(bad.clone())).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidParameterValue);
    assert_eq!(
        (engine.list().len(), store.load().await.unwrap().len()),
        (0, 0)
    );
    let mapping = uuid(&engine.create(request(json!({}))).await.unwrap());
    enabled(&engine, mapping).await;
    engine.update(mapping, change(bad)).await.unwrap_err();
    let kept = store.load().await.unwrap();
    assert_eq!(kept_request(&kept[0]).get("FilterCriteria"), None);
    assert_eq!(engine.get(mapping).unwrap().filter_criteria, None);
}

async fn enabled(engine: &Engine, mapping: uuid::Uuid) {
    let mut watch = engine.watch(mapping).unwrap();
    while format!("{:?}", engine.get(mapping).unwrap().state) != "Enabled" {
        assert!(watch.changed().await);
    }
}
