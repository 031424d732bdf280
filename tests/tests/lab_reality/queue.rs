//! Queues of `ElasticMQ`.

use std::time::Duration;

use lambda_esm_tests::{QueueOptions, Sqs};
use serde_json::json;

use crate::compared::{check_whole, compare};
use crate::scene::{Scene, stage};

#[tokio::test]
async fn a_queue_is_simulated_as_it_is() {
    let (Some(sqs), Some((files, python))) = (Sqs::elasticmq(), stage()) else {
        return;
    };
    let options = QueueOptions {
        visibility_timeout: Duration::from_secs(60),
        ..QueueOptions::default()
    };
    let queue = sqs.queue("reality", options).await;
    let source =
        json!({ "kind": "sqs", "visibility_timeout": 60, "arrivals": { "poisson": "40/s" } });
    let scene = Scene {
        endpoints: json!({ "sqs": sqs.endpoint }),
        source: (queue.name.clone(), source),
        mapping: json!({ "EventSourceArn": queue.arn(), "FunctionName": "sleeper", "BatchSize": 10 }),
    };
    let measured = scene.load(&python, files.folder(), &[]).await;
    check_whole(&measured);
    let simulated = scene.simulate(files.folder(), &measured).await;
    compare("SQS", &simulated, &measured, true);
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
