//! What every [`FailureDestination`] must do, whatever its server.

use bytes::Bytes;
use lambda_esm_core::on_failure_record::FailureRecord;
use tokio::time::Instant;

use super::stream::{PATIENCE, PAUSE};
use crate::ports::FailureDestination;

/// Checks the promises of [`FailureDestination`].
///
/// `object_keys` tells whether the destination keeps records under names (S3). `read_back` returns what has
/// come to it, since the last call or from the beginning; the object key is empty where there is none.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn destination_contract(
    destination: &dyn FailureDestination,
    object_keys: bool,
    read_back: impl AsyncFn() -> Vec<FailureRecord>,
) {
    // One after the other: a service need not keep the order of two that come together.
    for number in 1..=3 {
        let record = record(number, object_keys);
        destination.deliver(record.clone()).await.unwrap();
        comes(&record, &read_back).await;
    }
    // After an answer that was lost, the engine delivers once more.
    let again = record(3, object_keys);
    destination.deliver(again).await.unwrap();
    let large = FailureRecord {
        body: Bytes::from(format!(r#"{{"text":"{}"}}"#, "ä".repeat(100_000))),
        ..record(4, object_keys)
    };
    destination.deliver(large.clone()).await.unwrap();
    comes(&large, &read_back).await;
}

async fn comes(record: &FailureRecord, read_back: &impl AsyncFn() -> Vec<FailureRecord>) {
    let start = Instant::now();
    while !read_back().await.contains(record) {
        assert!(start.elapsed() < PATIENCE, "{record:?} did not come");
        tokio::time::sleep(PAUSE).await;
    }
}

fn record(number: u32, object_keys: bool) -> FailureRecord {
    let body = format!(
        "{{\"requestContext\":{{\"condition\":\"RetryAttemptsExhausted\",\
         \"approximateInvokeCount\":{number}}},\"version\":\"1.0\",\"note\":\"ä€😀 <&>\\\\\"}}"
    );
    let key = format!("aws/lambda/contract/shardId-000000000000/2026/11/22/record-{number}");
    FailureRecord {
        body: body.into(),
        object_key: if object_keys { key } else { String::new() },
    }
}
