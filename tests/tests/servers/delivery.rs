//! Every message reaches its function once, and those that fail come back alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lambda_esm::Engine;
use lambda_esm::aws::{AwsConfig, LambdaApi, LambdaOptions};
use lambda_esm_tests::{Depth, Python, Queue, QueueOptions, Recording, Sqs, ministack, until};
use serde_json::json;

const MESSAGES: usize = 10_000;

fn bodies() -> impl Iterator<Item = String> {
    (0..MESSAGES).map(|number| format!("order {number}"))
}

/// Waits until every message was handled, stops, and checks that none was handled twice or is left.
async fn check_each_handled_once(engine: &Engine, queue: &Queue, recording: &Recording) {
    queue.until_empty().await;
    engine.shutdown().await;
    let seen = recording.times_seen();
    let missing: Vec<String> = bodies().filter(|body| !seen.contains_key(body)).collect();
    assert!(
        missing.is_empty(),
        "{} never handled: {missing:?}",
        missing.len()
    );
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
    assert!(
        twice.is_empty(),
        "{} handled more than once: {twice:?}",
        twice.len()
    );
    assert_eq!(seen.len(), MESSAGES, "something else was handled");
    assert_eq!(
        queue.depth().await,
        Depth {
            visible: 0,
            in_flight: 0
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_reach_an_unmodified_python_handler_exactly_once() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let (queue, recording) = (
        sqs.queue("once", QueueOptions::default()).await,
        Recording::default(),
    );
    queue.send(bodies()).await;
    let engine = sqs
        .engine()
        .invoke(python.backend("record.handler", &recording, &[]))
        .build();
    engine
        .create(queue.mapping("function", json!({})))
        .await
        .unwrap();
    check_each_handled_once(&engine, &queue, &recording).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_reach_a_function_behind_the_lambda_api_exactly_once() {
    let (Some(sqs), Some(python), Some(lambda)) = (Sqs::elasticmq(), Python::find(), ministack())
    else {
        return;
    };
    let (queue, recording) = (
        sqs.queue("api", QueueOptions::default()).await,
        Recording::default(),
    );
    queue.send(bodies()).await;
    python.deploy(&lambda, &queue.name, "record.handler", &recording);
    let options = LambdaOptions::default().with_endpoint(Some(lambda.parse().unwrap()));
    let api = LambdaApi::new(&AwsConfig::default(), options).unwrap();
    let engine = sqs.engine().invoke(api).build();
    let members = json!({
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1,
        "ScalingConfig": { "MaximumConcurrency": 2 },
    });
    engine
        .create(queue.mapping(&queue.name, members))
        .await
        .unwrap();
    check_each_handled_once(&engine, &queue, &recording).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_messages_that_powertools_reports_as_failed_return_and_end_in_the_dead_letter_queue() {
    const RECEIVES: u32 = 3;
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let dead = sqs.queue("partial-dead", QueueOptions::default()).await;
    let options = QueueOptions {
        visibility_timeout: Duration::from_secs(10),
        redrive: Some((dead.arn(), RECEIVES)),
        ..QueueOptions::default()
    };
    let (queue, recording) = (sqs.queue("partial", options).await, Recording::default());
    let body = |n: usize| json!({ "n": n }).to_string();
    queue.send((0..700).map(body)).await;
    let backend = python.backend(
        "batch_processor.handler",
        &recording,
        &[("FAIL_MODULO", "7")],
    );
    let engine = sqs.engine().invoke(backend).build();
    let members = json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] });
    engine
        .create(queue.mapping("function", members))
        .await
        .unwrap();

    let failing: BTreeSet<String> = (0..700).step_by(7).map(body).collect();
    let all = Depth {
        visible: failing.len(),
        in_flight: 0,
    };
    until("failed messages are moved", async || {
        (dead.depth().await == all).then_some(())
    })
    .await;
    queue.until_empty().await;
    engine.shutdown().await;
    assert_eq!(BTreeSet::from_iter(dead.bodies().await), failing);

    let mut attempts: BTreeMap<String, Vec<(u32, bool)>> = BTreeMap::new();
    for message in recording
        .invocations()
        .into_iter()
        .flat_map(|invocation| invocation.messages)
    {
        attempts
            .entry(message.body)
            .or_default()
            .push((message.receives, message.failed));
    }
    assert_eq!(attempts.len(), 700);
    for (body, mut attempts) in attempts {
        attempts.sort_unstable();
        let expected: Vec<_> = match failing.contains(&body) {
            true => (1..=RECEIVES).map(|receives| (receives, true)).collect(),
            false => vec![(1, false)],
        };
        assert_eq!(attempts, expected, "attempts at {body}");
    }
}
