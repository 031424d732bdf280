//! Functions that never answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lambda_esm_engine::memory::{
    MemoryDestination, MemoryQueue, MemoryQueueOptions, MemoryStream, MemoryStreamOptions, Redrive,
};
use lambda_esm_engine::ports::FunctionFacts;
use lambda_esm_engine::{Engine, EngineOptions};
use serde_json::{Value, json};

use crate::support::{Function, clock, engine, queue, request, seconds, send};

const TIMEOUT: Duration = Duration::from_secs(3);

fn facts() -> FunctionFacts {
    FunctionFacts::default()
        .with_timeout(Some(TIMEOUT))
        .with_concurrency(Some(1))
}

#[tokio::test(start_paused = true)]
async fn a_call_is_given_up_at_its_timeout_and_grace_and_others_get_its_place() {
    let clock = clock();
    let dead = queue(clock);
    let options = MemoryQueueOptions::default().with_redrive(Some(Redrive::new(dead.clone(), 2)));
    let orders = MemoryQueue::new(clock, options);
    let function = Arc::new(Function::with_facts(facts()));
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_answer_grace(Duration::from_secs(5)))
        .source("orders", orders.clone())
        .invoke(function.clone())
        .build();
    engine
        .create(request(json!({ "BatchSize": 1 })))
        .await
        .unwrap();
    send(&orders, ["hang", "a", "b"]);
    seconds(7).await;
    let (visible, hidden, _) = orders.counts();
    assert_eq!(visible + hidden, 3, "one runs at a time, and hangs");
    let status = engine.status().remove(0);
    assert_eq!(
        (status.counts.failed_invoke_event_count, status.problem),
        (0, None)
    );

    seconds(2).await;
    assert_eq!(orders.counts(), (0, 1, 0), "the others were processed");
    let status = engine.status().remove(0);
    assert_eq!(status.counts.failed_invoke_event_count, 1);
    let decisions = engine.recent(status.uuid).unwrap();
    let shown = serde_json::to_string(&decisions).unwrap();
    let words = "did not answer within its timeout of 3 s and 5 s of grace, and was given up";
    assert!(shown.contains(words), "{shown}");

    seconds(90).await;
    assert_eq!((orders.counts(), dead.counts()), ((0, 0, 0), (1, 0, 0)));
    assert_eq!(function.running(), 0, "what was given up is dropped");
    assert_eq!(function.calls.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn without_a_known_timeout_the_longest_of_the_service_is_waited_for() {
    let clock = clock();
    let options =
        MemoryQueueOptions::default().with_visibility_timeout(Duration::from_secs(10_000));
    let orders = MemoryQueue::new(clock, options);
    let engine = engine(clock, &orders);
    engine.create(request(json!({}))).await.unwrap();
    send(&orders, ["hang"]);
    seconds(929).await;
    let failed = || engine.status()[0].counts.failed_invoke_event_count;
    assert_eq!(failed(), 0);
    seconds(2).await;
    assert_eq!(failed(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_a_stream_that_is_given_up_counts_as_a_try_and_names_its_mapping() {
    let clock = clock();
    let clicks = MemoryStream::new(clock, MemoryStreamOptions::kinesis());
    let dead = MemoryDestination::default();
    let function = Arc::new(Function::with_facts(facts()));
    let engine = Engine::builder()
        .clock(clock)
        .stream("clicks", clicks.clone())
        .destination("dead", dead.clone())
        .invoke(function.clone())
        .build();
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let mapping = engine
        .create(request(json!({
            "EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 1,
            "DestinationConfig": {
                "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:dead" }
            },
        })))
        .await
        .unwrap();
    // "hang" in base64, as the event has it, is no "hang": the key says it.
    clicks.put("hang", "{}").unwrap();
    seconds(2 * 33 + 10).await;
    let told = dead.records();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].mapping.to_string(), mapping.uuid);
    assert_eq!(told[0].function_arn, mapping.function_arn);
    let document: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(
        document["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(document["requestContext"]["approximateInvokeCount"], 2);
    clicks.put("a", "{}").unwrap();
    seconds(2).await;
    assert_eq!(
        function.calls.load(Ordering::Relaxed),
        3,
        "the shard goes on"
    );
    let asked_by = function.asked_by.lock().unwrap().clone();
    assert_eq!(asked_by, [(mapping.uuid, stream.to_owned())].into());
}
