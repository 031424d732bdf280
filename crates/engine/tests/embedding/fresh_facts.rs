//! Facts that change while mappings are at work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lambda_esm_engine::ports::FunctionFacts;
use lambda_esm_engine::{Engine, EngineOptions};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Changing, Function, ORDERS, clock, engine, queue, request, seconds, send};

fn concurrency(most: usize) -> FunctionFacts {
    FunctionFacts::default().with_concurrency(Some(most))
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_made_later_is_found_at_once() {
    let clock = clock();
    let orders = queue(clock);
    let source = Changing::new(&orders, None);
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_missing_sources_allowed(true))
        .source("orders", source.clone())
        .invoke(Function::default())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    // Long enough for the longest pauses between two looks.
    seconds(300).await;
    send(&orders, ["x"]);
    source.now_has(30);
    seconds(1).await;
    assert_eq!(orders.counts(), (1, 0, 0), "nobody told that it is there");
    assert_eq!(engine.source_changed(ORDERS), 1);
    seconds(1).await;
    assert_eq!(orders.counts(), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_went_and_comes_back_is_read_at_once() {
    let clock = clock();
    let orders = queue(clock);
    let source = Changing::new(&orders, Some(30));
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", source.clone())
        .invoke(Function::default())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    seconds(30).await;
    *source.visibility.lock().unwrap() = None;
    seconds(300).await;
    assert!(engine.status()[0].problem.is_some());
    send(&orders, ["x"]);
    source.now_has(30);
    engine.source_changed("orders");
    seconds(1).await;
    assert_eq!(orders.counts(), (0, 0, 0));
    assert_eq!(engine.status()[0].problem, None);
}

#[tokio::test(start_paused = true)]
async fn a_raised_concurrency_is_used_and_a_lowered_one_kept_to_within_a_second() {
    let clock = clock();
    let orders = queue(clock);
    let function = Arc::new(Function {
        takes: Duration::from_secs(5),
        ..Function::with_facts(concurrency(2))
    });
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", orders.clone())
        .invoke(function.clone())
        .build();
    engine
        .create(request(json!({ "BatchSize": 1 })))
        .await
        .unwrap();
    send(&orders, 0..400);
    seconds(20).await;
    assert_eq!(function.running(), 2);

    function.now_has(concurrency(20));
    assert_eq!(engine.function_changed("f"), 1);
    seconds(1).await;
    assert_eq!(function.running(), 20);

    function.now_has(concurrency(3));
    engine.function_changed("arn:aws:lambda:us-east-1:000000000000:function:f:live");
    seconds(1).await;
    let calls = || function.calls.load(Ordering::Relaxed);
    let before = calls();
    // Those that run end within five seconds; from then on there are three.
    seconds(4).await;
    assert!(
        calls() - before <= 3,
        "{} more were called",
        calls() - before
    );
    for _ in 0..10 {
        seconds(1).await;
        assert!(function.running() <= 3, "{} run", function.running());
    }
    assert_eq!(function.running(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_changed_timeout_holds_for_the_next_invocation() {
    let clock = clock();
    let orders = queue(clock);
    let timeout =
        |seconds| FunctionFacts::default().with_timeout(Some(Duration::from_secs(seconds)));
    let function = Arc::new(Function::with_facts(timeout(100)));
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_answer_grace(Duration::ZERO))
        .source("orders", orders.clone())
        .invoke(function.clone())
        .build();
    let mapping = request(json!({ "BatchSize": 1 }));
    let refused = engine.create(mapping.clone()).await.unwrap_err();
    assert_eq!(refused.field, Some("FunctionName"), "{refused}");
    function.now_has(timeout(20));
    let mapping: Uuid = engine.create(mapping).await.unwrap().uuid.parse().unwrap();
    seconds(1).await;
    function.now_has(timeout(2));
    engine.refresh(mapping).unwrap();
    seconds(1).await;
    send(&orders, ["hang"]);
    seconds(3).await;
    assert_eq!(engine.status()[0].counts.failed_invoke_event_count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_changed_visibility_timeout_decides_how_long_a_batch_is_tried() {
    let clock = clock();
    let orders = queue(clock);
    let source = Changing::new(&orders, Some(20));
    let function = Arc::new(Function {
        throttles: true,
        ..Function::default()
    });
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", source.clone())
        .invoke(function.clone())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    seconds(1).await;
    source.now_has(300);
    engine.source_changed("orders");
    // Until the receive that was open then has ended.
    seconds(21).await;
    send(&orders, ["x"]);
    seconds(200).await;
    let polled = || engine.status()[0].counts.polled_event_count;
    assert_eq!(
        polled(),
        1,
        "the batch is tried as long as its message is hidden"
    );
    assert!(function.calls.load(Ordering::Relaxed) > 5);
    source.now_has(10);
    engine.source_changed("orders");
    seconds(110).await;
    let before = polled();
    seconds(60).await;
    assert!(polled() >= before + 4, "{} after {before}", polled());
}

#[tokio::test(start_paused = true)]
async fn only_mappings_of_what_has_changed_are_meant() {
    let clock = clock();
    let orders = queue(clock);
    let engine = engine(clock, &orders);
    engine.create(request(json!({}))).await.unwrap();
    engine
        .create(request(json!({ "FunctionName": "g:live" })))
        .await
        .unwrap();
    for (name, meant) in [(ORDERS, 2), ("orders", 2), ("order", 0), ("", 0)] {
        assert_eq!(engine.source_changed(name), meant, "{name}");
    }
    let elsewhere = ORDERS.replace("us-east-1", "eu-west-1");
    assert_eq!(engine.source_changed(&elsewhere), 0);
    for (name, meant) in [("f", 1), ("g", 1), ("g:2", 1), ("h", 0), ("no function", 0)] {
        assert_eq!(engine.function_changed(name), meant, "{name}");
    }
    engine.refresh(Uuid::nil()).unwrap_err();
}

/// Told again and again while the source takes its time, a mapping begins nevertheless.
#[tokio::test(start_paused = true)]
async fn telling_without_end_does_not_keep_a_mapping_from_beginning() {
    let clock = clock();
    let orders = queue(clock);
    let engine = engine(clock, &orders);
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, ["x"]);
    for _ in 0..100 {
        engine.source_changed("orders");
        engine.function_changed("f");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(orders.counts(), (0, 0, 0));
}
