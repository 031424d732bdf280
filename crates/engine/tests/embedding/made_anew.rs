//! Queues, streams and destinations that are deleted, and made anew under their names.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lambda_esm_core::fault::{DeliveryError, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{AwsDestination, Mapping};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{
    MemoryDestination, MemoryQueue, MemoryStream, MemoryStreamOptions,
};
use lambda_esm_engine::ports::{
    DestinationProvider, FailureDestination, QueueSource, SourceProvider, StreamSource,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::json;

use crate::support::{Function, ORDERS, clock, queue, request, seconds, send};

const CLICKS: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// What there is now.
#[derive(Default)]
struct There {
    queue: Mutex<Option<MemoryQueue>>,
    stream: Mutex<Option<MemoryStream>>,
    destination: Mutex<Option<MemoryDestination>>,
}

fn gone<T>() -> Result<T, SourceError> {
    Err(SourceError::new(SourceErrorKind::NotFound, "it is deleted"))
}

#[async_trait]
impl SourceProvider for There {
    async fn queue(&self, _: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        let there = self.queue.lock().unwrap().clone();
        there.map_or_else(gone, |queue| Ok(Some(Arc::new(queue) as _)))
    }

    async fn stream(&self, _: &Mapping) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        // None says the same.
        let there = self.stream.lock().unwrap().clone();
        Ok(there.map(|stream| Arc::new(stream) as _))
    }
}

#[async_trait]
impl DestinationProvider for There {
    async fn destination(
        &self,
        _: &AwsDestination,
    ) -> Result<Option<Arc<dyn FailureDestination>>, DeliveryError> {
        let there = self.destination.lock().unwrap().clone();
        Ok(there.map(|destination| Arc::new(destination) as _))
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_made_anew_is_read_and_the_deleted_one_left_alone() {
    let clock = clock();
    let there = Arc::new(There::default());
    let engine = Engine::builder()
        .clock(clock)
        .provider(there.clone())
        .invoke(Function::default())
        .build();
    let refused = engine.create(request(json!({}))).await.unwrap_err();
    assert!(refused.message.contains("NonExistentQueue"), "{refused}");
    assert_eq!(refused.hint.as_deref(), Some("it is deleted"));

    let first = queue(clock);
    *there.queue.lock().unwrap() = Some(first.clone());
    engine.create(request(json!({}))).await.unwrap();
    seconds(5).await;
    *there.queue.lock().unwrap() = None;
    assert_eq!(engine.source_changed(ORDERS), 1);
    seconds(1).await;
    send(&first, ["of the deleted queue"]);
    seconds(30).await;
    assert_eq!(first.counts(), (1, 0, 0));
    assert_eq!(engine.status()[0].problem.as_deref(), Some("it is deleted"));

    for _ in 0..2 {
        // Told or not that it was deleted before.
        let again = queue(clock);
        send(&again, ["x"]);
        *there.queue.lock().unwrap() = Some(again.clone());
        engine.source_changed(ORDERS);
        seconds(1).await;
        assert_eq!(again.counts(), (0, 0, 0));
        assert_eq!(engine.status()[0].problem, None);
    }
}

fn stream(clock: Clock) -> MemoryStream {
    MemoryStream::new(clock, MemoryStreamOptions::kinesis())
}

#[tokio::test(start_paused = true)]
async fn a_stream_and_a_destination_that_are_made_anew_are_used() {
    let clock = clock();
    let there = Arc::new(There::default());
    let (clicks, dead) = (stream(clock), MemoryDestination::default());
    *there.stream.lock().unwrap() = Some(clicks.clone());
    *there.destination.lock().unwrap() = Some(dead.clone());
    let engine = Engine::builder()
        .clock(clock)
        .provider(there.clone())
        .destinations(there.clone())
        .invoke(Closure::new(|_| async {
            Err(lambda_esm_core::fault::InvokeError::function("no"))
        }))
        .build();
    engine
        .create(request(json!({
            "EventSourceArn": CLICKS, "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0,
            "DestinationConfig": { "OnFailure": { "Destination": DEAD } },
        })))
        .await
        .unwrap();
    clicks.put("a", "1").unwrap();
    seconds(5).await;
    assert_eq!(dead.delivered(), 1);

    let dead_again = MemoryDestination::default();
    *there.destination.lock().unwrap() = Some(dead_again.clone());
    engine.refresh(engine.status()[0].uuid).unwrap();
    seconds(1).await;
    clicks.put("a", "2").unwrap();
    seconds(5).await;
    assert_eq!((dead.delivered(), dead_again.delivered()), (1, 1));

    for _ in 0..2 {
        let again = stream(clock);
        again.put("a", "3").unwrap();
        let before = dead_again.delivered();
        *there.stream.lock().unwrap() = Some(again);
        assert_eq!(engine.source_changed(CLICKS), 1);
        seconds(3).await;
        assert_eq!(dead_again.delivered(), before + 1);
    }
    *there.stream.lock().unwrap() = None;
    engine.source_changed(CLICKS);
    seconds(5).await;
    let problem = engine.status().remove(0).problem.unwrap();
    assert!(problem.contains("no source is registered"), "{problem}");
}

/// The provider hands out the same queue each time, as another object.
#[tokio::test(start_paused = true)]
async fn looking_the_source_up_again_under_load_loses_and_repeats_nothing() {
    let clock = clock();
    let there = Arc::new(There::default());
    let orders = queue(clock);
    *there.queue.lock().unwrap() = Some(orders.clone());
    let function = Arc::new(Function {
        takes: std::time::Duration::from_millis(7),
        ..Function::default()
    });
    let engine = Engine::builder()
        .clock(clock)
        .provider(there.clone())
        .invoke(function.clone())
        .build();
    engine.create(request(json!({}))).await.unwrap();
    for step in 0..300 {
        send(&orders, step * 10..step * 10 + 10);
        engine.source_changed(ORDERS);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    seconds(2).await;
    assert_eq!(orders.counts(), (0, 0, 0));
    let counts = engine.status()[0].counts;
    assert_eq!(
        (counts.polled_event_count, counts.invoked_event_count),
        (3_000, 3_000)
    );
    assert_eq!(counts.deleted_event_count, 3_000);
}
