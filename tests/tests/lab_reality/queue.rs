//! Queues of `ElasticMQ`.

use std::time::Duration;

use lambda_esm_tests::{QueueOptions, Sqs};
use serde_json::{Value, json};

use crate::compared::{AGREES, Latest, check_latency, check_whole, compare};
use crate::scene::{Scene, stage};
use crate::stream::SPREAD;

#[tokio::test]
async fn a_queue_with_a_window_is_simulated_as_it_is() {
    compared(
        "SQS, window of 1 s",
        json!({ "MaximumBatchingWindowInSeconds": 1 }),
        Some(SPREAD),
    )
    .await;
}

#[tokio::test]
async fn a_queue_without_a_window_has_batches_about_as_simulated() {
    compared("SQS, no window", json!({}), None).await;
}

async fn compared(what: &str, members: Value, spread: Option<f64>) {
    let (Some(sqs), Some((files, python))) = (Sqs::elasticmq(), stage()) else {
        return;
    };
    let options = QueueOptions {
        visibility_timeout: Duration::from_secs(20),
        ..QueueOptions::default()
    };
    let queue = sqs.queue("reality", options).await;
    let source = json!({
        "kind": "sqs",
        "visibility_timeout": "20s",
        "arrivals": { "poisson": "40/s" },
    });
    let mapping = queue.mapping("sleeper", members);
    let scene = Scene {
        endpoints: json!({ "sqs": sqs.endpoint }),
        source: (queue.name.clone(), source),
        mapping: serde_json::to_value(mapping).unwrap(),
    };
    let measured = scene.load(&python, files.folder(), &[]).await;
    check_whole(&measured);
    let simulated = scene.simulate(files.folder(), &measured).await;
    compare(what, &simulated, &measured, spread);
    check_latency(&simulated, &measured, AGREES, Latest::P99);
}

#[tokio::test]
async fn messages_of_others_are_told_of_and_not_counted() {
    let (Some(sqs), Some((files, python))) = (Sqs::elasticmq(), stage()) else {
        return;
    };
    let queue = sqs.queue("others", QueueOptions::default()).await;
    queue
        .send((0..25).map(|number| format!("{{\"theirs\":{number}}}")))
        .await;
    let source = json!({ "kind": "sqs", "arrivals": "20/s" });
    let scene = Scene {
        endpoints: json!({ "sqs": sqs.endpoint }),
        source: (queue.name.clone(), source),
        mapping: json!({ "EventSourceArn": queue.arn(), "FunctionName": "sleeper", "BatchSize": 10 }),
    };
    let more = ["--duration", "3s", "--warm-up", "0s"];
    let measured = scene.load(&python, files.folder(), &more).await;
    let records = &measured["mappings"][0]["records"];
    assert_eq!(
        (&records["arrived"], &records["processed"]),
        (&json!(60), &json!(60))
    );
    let notes = measured["notes"].to_string();
    assert!(notes.contains("had 25 records of others"), "{notes}");
}
