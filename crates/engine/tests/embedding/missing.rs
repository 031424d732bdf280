//! Mappings that are made before what they name.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{ErrorCode, Mapping};
use lambda_esm_engine::functions::Functions;
use lambda_esm_engine::ports::{QueueSource, SourceProvider};
use lambda_esm_engine::{Engine, EngineOptions};
use serde_json::json;

use crate::support::{Changing, Function, ORDERS, clock, queue, request, seconds, send};

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_refused_unless_it_may_come_later() {
    let clock = clock();
    let orders = queue(clock);
    let absent = Changing::new(&orders, None);
    let stream = json!({
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/none",
        "StartingPosition": "LATEST",
    });
    let untold = json!({
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/none",
        "StartingPosition": "LATEST",
        "DestinationConfig": {
            "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:dead" }
        },
    });
    let unregistered = json!({ "EventSourceArn": ORDERS.replace("orders", "others") });
    for later in [false, true] {
        let engine = Engine::builder()
            .clock(clock)
            .options(EngineOptions::default().with_missing_sources_allowed(later))
            .source("orders", absent.clone())
            .invoke(Function::default())
            .build();
        let all = [
            json!({}),
            unregistered.clone(),
            stream.clone(),
            untold.clone(),
        ];
        for (number, mut extra) in all.into_iter().enumerate() {
            extra["FunctionName"] = json!(format!("f{number}"));
            let made = engine.create(request(extra.clone())).await;
            assert_eq!(made.is_ok(), later, "{extra}: {made:?}");
            let Err(refused) = made else {
                continue;
            };
            assert_eq!(refused.code, ErrorCode::InvalidParameterValue);
            assert!(!refused.message.contains("build with"), "{refused}");
        }
        assert_eq!(engine.list().len(), if later { 4 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_does_not_exist_is_called_once_it_does() {
    let clock = clock();
    let orders = queue(clock);
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_missing_sources_allowed(true))
        .source("orders", orders.clone())
        .invoke(Functions::default())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, ["x"]);
    seconds(60).await;
    assert_eq!(engine.status()[0].counts.deleted_event_count, 0);
    let problem = engine.status().remove(0).problem.unwrap();
    assert!(problem.contains("\"f\" is not configured"), "{problem}");
}

/// Finds nothing, and never says so.
struct Silent;

#[async_trait]
impl SourceProvider for Silent {
    async fn queue(&self, _: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_holds_up_a_change_for_a_while_and_is_shown() {
    let engine = Engine::builder()
        .clock(clock())
        .provider(Silent)
        .invoke(Function::default())
        .build();
    let begun = tokio::time::Instant::now();
    engine.create(request(json!({}))).await.unwrap();
    assert!(begun.elapsed().as_secs() <= 20, "{:?}", begun.elapsed());
    seconds(31).await;
    let problem = engine.status().remove(0).problem.unwrap();
    assert!(
        problem.contains("said what they are within 30 s"),
        "{problem}"
    );
    let begun = tokio::time::Instant::now();
    engine.shutdown().await;
    assert!(begun.elapsed().as_secs() <= 1, "{:?}", begun.elapsed());
}
