//! Records from stream to function and to the on-failure destination.

use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::memory::MemoryStreamOptions;
use serde_json::{Value, json};

use crate::support::{World, data};

#[tokio::test(start_paused = true)]
async fn twenty_records_that_wait_and_ten_later_make_three_batches_in_order() {
    let world = World::new(MemoryStreamOptions::default());
    for number in 0..20 {
        world.stream.put("key", format!("{number}")).unwrap();
    }
    let engine = world.engine();
    world.create(&engine, json!({ "BatchSize": 10 })).await;
    world.until_seen(20).await;
    for number in 20..30 {
        world.stream.put("key", format!("{number}")).unwrap();
    }
    world.until_seen(30).await;
    let expected: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    assert_eq!(world.seen(), expected);
    assert_eq!(world.events.lock().unwrap().len(), 3);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_poison_record_reaches_the_destination_and_the_others_succeed() {
    let world = World::new(MemoryStreamOptions::default()).answering(|event| {
        if data(event).iter().any(|data| data == "7") {
            Err(InvokeError::function("poison"))
        } else {
            Ok(Value::Null)
        }
    });
    for number in 0..10 {
        world.stream.put("key", format!("{number}")).unwrap();
    }
    let engine = world.engine();
    let settings = json!({
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {
            "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:failed" }
        },
    });
    let mapping = world.create(&engine, settings).await;
    while world.destination.delivered() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    world.stream.put("key", "10").unwrap();
    while world.seen().last().map(String::as_str) != Some("10") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let records = world.destination.records();
    let body: Value = serde_json::from_slice(&records[0].body).unwrap();
    assert_eq!(
        body["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(body["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(body["responseContext"]["functionError"], "Unhandled");
    let succeeded: Vec<String> = {
        let events = world.events.lock().unwrap();
        let good = events
            .iter()
            .map(data)
            .filter(|data| !data.contains(&"7".to_owned()));
        good.flatten().collect()
    };
    let expected: Vec<_> = (0..11).filter(|&n| n != 7).map(|n| n.to_string()).collect();
    assert_eq!(succeeded, expected);
    let status = engine
        .mapping_status(mapping.uuid.parse().unwrap())
        .unwrap();
    assert_eq!(
        status.counts.on_failure_destination_delivered_event_count,
        1
    );
    assert_eq!(status.counts.dropped_event_count, 0);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn children_are_read_after_their_parent_is_settled() {
    let world = World::new(MemoryStreamOptions::default());
    let shard = world.stream.shards()[0].id.clone();
    for number in 0..5 {
        world
            .stream
            .put(format!("{number}"), format!("before {number}"))
            .unwrap();
    }
    world.stream.split(&shard, None).unwrap();
    for number in 0..5 {
        world
            .stream
            .put(format!("{number}"), format!("after {number}"))
            .unwrap();
    }
    let engine = world.engine();
    world.create(&engine, json!({ "BatchSize": 2 })).await;
    world.until_seen(10).await;
    let seen = world.seen();
    let (before, after) = seen.split_at(5);
    assert!(
        before.iter().all(|data| data.starts_with("before")),
        "{seen:?}"
    );
    assert!(
        after.iter().all(|data| data.starts_with("after")),
        "{seen:?}"
    );
    engine.shutdown().await;
}
