//! The metrics of mappings of Amazon MQ and DocumentDB.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, SourceError};
use lambda_esm_core::mapping::{Mapping, MqEngine};
use lambda_esm_core::record::{
    PushedContent, RabbitMqMessage, StreamContent, StreamRecord, Unreadable,
};
use lambda_esm_core::stream::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts,
};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, DeliveryTag, InvokeRequest, Outcome, PushQueueConsumer,
    PushQueueSource, PushedMessage, SourceProvider, StreamSource,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000_000;

/// What one event cannot hold, in bytes.
const TOO_MUCH: usize = 6_291_556;

/// A broker's queue and a change stream, each with five records: two good ones, one that no filter lets through, one that
/// no event can hold, and in the queue one that cannot be read.
#[derive(Clone, Default)]
struct Records {
    delivered: Arc<Mutex<bool>>,
    settled: Arc<Mutex<Vec<DeliveryOutcome>>>,
}

fn messages() -> Vec<PushedMessage> {
    let message = |body: Vec<u8>| PushedContent::RabbitMq(Box::new(RabbitMqMessage::new(body)));
    let contents = [
        message(br#"{"n":1}"#.to_vec()),
        message(br#"{"n":"filtered"}"#.to_vec()),
        message(vec![b'x'; TOO_MUCH]),
        PushedContent::Unreadable(Box::new(Unreadable::new("a map message", "{}"))),
        message(br#"{"n":2}"#.to_vec()),
    ];
    let tags = 1..;
    let messages = tags.zip(contents);
    messages
        .map(|(tag, content)| PushedMessage::new(DeliveryTag(tag), content))
        .collect()
}

fn changes() -> Vec<StreamRecord> {
    let change = |sequence: &str, text: String| {
        // Arrived four seconds ago.
        let content = StreamContent::Change(json!({ "fullDocument": text }).to_string());
        StreamRecord::new(sequence, Timestamp(NOW - 4_000), content)
    };
    vec![
        change("1", "a".to_owned()),
        change("2", "x".repeat(TOO_MUCH)),
        change("3", "b".to_owned()),
    ]
}

#[async_trait]
impl SourceProvider for Records {
    async fn push_queue(
        &self,
        _mapping: &Mapping,
    ) -> Result<Option<Arc<dyn PushQueueSource>>, SourceError> {
        Ok(Some(Arc::new(self.clone())))
    }

    async fn stream(
        &self,
        _mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        Ok(Some(Arc::new(self.clone())))
    }
}

#[async_trait]
impl PushQueueSource for Records {
    fn engine(&self) -> MqEngine {
        MqEngine::RabbitMq
    }

    async fn consume(
        &self,
        _request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl PushQueueConsumer for Records {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let was_delivered = std::mem::replace(&mut *self.delivered.lock().unwrap(), true);
        match was_delivered {
            true => std::future::pending().await,
            false => Ok(messages()),
        }
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        self.settled.lock().unwrap().extend(outcomes);
        Ok(())
    }

    async fn stop(&self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn close(&self) {}
}

#[async_trait]
impl StreamSource for Records {
    async fn list(&self) -> Result<Listing, SourceError> {
        let shards = vec![Shard::new(ShardId::new("orders"))];
        Ok(Listing::new(StreamFacts::new("orders"), shards))
    }

    async fn open(&self, _shard: &ShardId, _from: &Start) -> Result<Cursor, SourceError> {
        Ok(Cursor("begin".to_owned()))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let records = match request.cursor.0.as_str() {
            "begin" => changes(),
            _ => Vec::new(),
        };
        Ok(Page::new(records, Some(Cursor("end".to_owned()))))
    }
}

/// Runs a mapping for a minute; its function fails the first time.
async fn run(records: &Records, request: Value) -> Engine {
    let calls = Mutex::new(0);
    let function = Closure::new(move |_: InvokeRequest| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let is_first = *calls == 1;
        async move {
            match is_first {
                true => Err(InvokeError::function("not now")),
                false => Ok(Bytes::from_static(b"null")),
            }
        }
    });
    let engine = Engine::builder()
        .clock(Clock::starting_at(Timestamp(NOW)))
        .provider(records.clone())
        .invoke(function)
        .build();
    let request = serde_json::from_value(request).unwrap();
    engine.create(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    engine
}

/// Returns the names and values of all metrics of the engine's one mapping.
fn samples(engine: &Engine) -> Vec<(String, u64)> {
    let page = engine.metrics().render();
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, rest) = line.split_once('{').unwrap();
        let value: u64 = rest.rsplit(' ').next().unwrap().parse().unwrap();
        let name = name.strip_prefix("aws_lambda_").unwrap();
        (name.trim_end_matches("_total").to_owned(), value)
    };
    lines.map(sample).collect()
}

fn expected(samples: &[(&str, u64)]) -> Vec<(String, u64)> {
    let samples = samples.iter();
    samples
        .map(|&(name, value)| (name.to_owned(), value))
        .collect()
}

fn access() -> Value {
    json!([{ "Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s" }])
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_a_broker_counts_what_becomes_of_its_messages() {
    let records = Records::default();
    let request = json!({
        "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1",
        "FunctionName": "f",
        "Queues": ["orders"],
        "SourceAccessConfigurations": access(),
        "FilterCriteria": { "Filters": [{ "Pattern": r#"{"data":{"n":[{"numeric":[">",0]}]}}"# }] },
    });
    let engine = run(&records, request).await;
    let all = [
        ("PolledEventCount", 5),
        ("FilteredOutEventCount", 1),
        ("InvokedEventCount", 4),
        ("FailedInvokeEventCount", 2),
        ("DeletedEventCount", 3),
        ("PollingErrorCount", 0),
        ("DroppedEventCount", 2),
        ("OversizedRecordCount", 1),
        ("ConcurrencyLimit", 1),
    ];
    assert_eq!(samples(&engine), expected(&all));
    let status = engine.status().remove(0);
    let (dropped, oversized) = (
        status.counts.dropped_event_count,
        status.counts.oversized_record_count,
    );
    assert_eq!((dropped, oversized), (2, 1));
    let mut settled: Vec<(u64, Outcome)> = {
        let settled = records.settled.lock().unwrap();
        settled
            .iter()
            .map(|each| (each.tag.0, each.outcome))
            .collect()
    };
    settled.sort_by_key(|(tag, _)| *tag);
    let (accepted, rejected) = (Outcome::Accepted, Outcome::Rejected);
    assert_eq!(
        settled,
        [
            (1, accepted),
            (2, accepted),
            (3, rejected),
            (4, rejected),
            (5, accepted)
        ]
    );
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_stream_counts_its_changes_and_those_that_are_too_large() {
    let request = json!({
        "EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:orders",
        "FunctionName": "f",
        "StartingPosition": "TRIM_HORIZON",
        "MaximumBatchingWindowInSeconds": 0,
        "DocumentDBEventSourceConfig": { "DatabaseName": "orders" },
        "SourceAccessConfigurations": access(),
    });
    let engine = run(&Records::default(), request).await;
    let all = [
        ("PolledEventCount", 3),
        ("FilteredOutEventCount", 0),
        ("PassedOverEventCount", 0),
        ("InvokedEventCount", 4),
        ("FailedInvokeEventCount", 2),
        ("PollingErrorCount", 0),
        ("DroppedEventCount", 1),
        ("OversizedRecordCount", 1),
        ("ConcurrencyLimit", 1),
        ("IteratorAge", 0),
    ];
    assert_eq!(samples(&engine), expected(&all));
    engine.shutdown().await;
}
