//! The metrics tell what happened.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm::Counts;
use lambda_esm::fault::InvokeError;
use lambda_esm::functions::Closure;
use lambda_esm::ports::InvokeRequest;
use lambda_esm_tests::{QueueOptions, Sqs, until};
use serde_json::{Value, json};

/// The function fails once and then always succeeds, and counts the records of each invocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_was_polled_filtered_invoked_failed_and_deleted() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let visibility_timeout = Duration::from_secs(10);
    let queue = sqs
        .queue(
            "metrics",
            QueueOptions {
                visibility_timeout,
                ..Default::default()
            },
        )
        .await;
    queue
        .send((0..100).map(|number| json!({ "n": number }).to_string()))
        .await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let noted = sizes.clone();
    let function = Closure::new(move |request: InvokeRequest| {
        let event: Value = serde_json::from_slice(&request.payload).unwrap();
        let mut noted = noted.lock().unwrap();
        noted.push(event["Records"].as_array().unwrap().len() as u64);
        let first = noted.len() == 1;
        async move {
            if first {
                Err(InvokeError::function("not yet"))
            } else {
                Ok(Bytes::from_static(b"null"))
            }
        }
    });
    let engine = sqs.engine().invoke(function).build();
    let pattern = json!({ "body": { "n": [{ "numeric": ["<", 80] }] } }).to_string();
    let members = json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    let mapping = engine
        .create(queue.mapping("counted", members))
        .await
        .unwrap();
    queue.until_empty().await;
    let counts = until("all are deleted", async || {
        let counts = engine.status()[0].counts;
        (counts.deleted_event_count >= 100).then_some(counts)
    })
    .await;

    let sizes = sizes.lock().unwrap().clone();
    let (failed, invoked) = (sizes[0], sizes.iter().sum::<u64>());
    assert_eq!(invoked, 80 + failed);
    let mut expected = Counts::default();
    expected.polled_event_count = 100 + failed;
    expected.filtered_out_event_count = 20;
    expected.invoked_event_count = invoked;
    expected.failed_invoke_event_count = failed;
    expected.invoke_error_count = 1;
    expected.deleted_event_count = 100;
    assert_eq!(counts, expected);
    let text = engine.metrics().render();
    for (name, count) in [
        ("PolledEventCount", 100 + failed),
        ("FilteredOutEventCount", 20),
    ] {
        let labels = format!(
            "event_source_mapping=\"{}\",event_source=\"{}\",function=\"counted\"",
            mapping.uuid,
            mapping.event_source_arn.as_deref().unwrap()
        );
        let line = format!("aws_lambda_{name}_total{{{labels}}} {count}\n");
        assert!(text.contains(&line), "no {line:?} in:\n{text}");
    }
    engine.shutdown().await;
}
