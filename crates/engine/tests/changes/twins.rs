//! Two mappings of one source and function.

use bytes::Bytes;
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::ErrorCode;
use lambda_esm_engine::Engine;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::SendMessage;
use serde_json::json;

use crate::support::{Slow, builder, change, queue, request, seconds, uuid};

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_still_being_deleted_cannot_be_made_again() {
    let (clock, queue) = queue();
    let engine = Engine::builder()
        .clock(clock)
        .source("orders", queue.clone())
        .invoke(Closure::new(|_| async {
            seconds(5).await;
            Ok(Bytes::new())
        }))
        .build();
    let first = engine.create(request(json!({}))).await.unwrap();
    queue.send(SendMessage::new("x")).unwrap();
    seconds(1).await;
    assert_eq!(
        engine.delete(uuid(&first)).await.unwrap().state,
        State::Deleting
    );
    let error = engine.create(request(json!({}))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceConflict);
    let text = format!(
        r#"An event source mapping with SQS arn (" {} ") and function (" f ") already exists. Please update or delete the existing mapping with UUID {}"#,
        first.event_source_arn.unwrap(),
        first.uuid
    );
    assert_eq!(error.message, text);
    let error = engine
        .delete(first.uuid.parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceInUse);
    assert_eq!(
        error.message,
        "Cannot delete the event source mapping because it is in use."
    );
    let other = request(json!({ "FunctionName": "g" }));
    let other = uuid(&engine.create(other).await.unwrap());
    seconds(1).await;
    let to_f = change(json!({ "FunctionName": "f" }));
    let error = engine.update(other, to_f).await.unwrap_err();
    assert_eq!(error.message, text, "nor can another one take its function");
    seconds(30).await;
    engine.create(request(json!({}))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_update_cannot_make_two_mappings_of_one_source_and_function() {
    let (clock, queue) = queue();
    let store = Slow::default();
    let engine = builder(clock, &queue, &store).build();
    let first = engine.create(request(json!({}))).await.unwrap();
    let other = engine
        .create(request(json!({ "FunctionName": "g" })))
        .await
        .unwrap();
    seconds(1).await;
    let taken = json!({ "FunctionName": "f", "BatchSize": 2 });
    let error = engine
        .update(uuid(&other), change(taken))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code, error.status()),
        (ErrorCode::ResourceConflict, 409)
    );
    assert!(error.message.ends_with(&first.uuid), "{}", error.message);
    let unchanged = engine.get(uuid(&other)).unwrap();
    assert_eq!(unchanged.batch_size, Some(10));
    // Its own function is no conflict, and another qualifier is another function.
    for free in [
        json!({ "FunctionName": "g" }),
        json!({ "FunctionName": "f:1" }),
    ] {
        engine.update(uuid(&other), change(free)).await.unwrap();
        seconds(1).await;
    }
    // The function is free once the mapping that called it is gone.
    engine.delete(uuid(&first)).await.unwrap();
    seconds(30).await;
    let back = change(json!({ "FunctionName": "f" }));
    engine.update(uuid(&other), back).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_updates_at_once_to_the_same_function_leave_one_of_them() {
    let (clock, queue) = queue();
    let engine = builder(clock, &queue, &Slow::default()).build();
    let mut others = Vec::new();
    for name in ["g", "h"] {
        let made = engine.create(request(json!({ "FunctionName": name })));
        others.push(uuid(&made.await.unwrap()));
    }
    seconds(1).await;
    let to_f = || change(json!({ "FunctionName": "f" }));
    let (one, two) = tokio::join!(
        engine.update(others[0], to_f()),
        engine.update(others[1], to_f())
    );
    let errors: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].code, ErrorCode::ResourceConflict);
}
