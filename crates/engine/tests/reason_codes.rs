//! What stands between a mapping and its broker shows in its `StateTransitionReason`, as long as it lasts.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{EventSourceMappingConfiguration, FunctionRef, Mapping, MqEngine};
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts,
};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryTopic, MemoryTopicOptions};
use lambda_esm_engine::ports::{
    ConsumeRequest, DeliveryOutcome, FunctionFacts, InvokeBackend, InvokeRequest,
    PushQueueConsumer, PushQueueSource, PushedMessage, SourceProvider, StreamSource, TopicSource,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};

/// Brokers that refuse everybody while there is something wrong.
#[derive(Clone, Default)]
struct Brokers(Arc<Mutex<Option<SourceError>>>);

impl Brokers {
    fn set(&self, wrong: Option<SourceError>) {
        *self.0.lock().unwrap() = wrong;
    }

    fn check(&self) -> Result<(), SourceError> {
        self.0.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl SourceProvider for Brokers {
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

    async fn topic(&self, _mapping: &Mapping) -> Result<Option<Arc<dyn TopicSource>>, SourceError> {
        self.check()?;
        let clock = Clock::starting_at(Timestamp(0));
        let topic = MemoryTopic::new(clock, "orders", MemoryTopicOptions::default());
        Ok(Some(Arc::new(topic)))
    }
}

#[async_trait]
impl PushQueueSource for Brokers {
    fn engine(&self) -> MqEngine {
        MqEngine::RabbitMq
    }

    async fn consume(
        &self,
        _request: ConsumeRequest,
    ) -> Result<Arc<dyn PushQueueConsumer>, SourceError> {
        self.check()?;
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl PushQueueConsumer for Brokers {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        loop {
            self.check()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn settle(&self, _outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        Ok(())
    }

    async fn stop(&self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn close(&self) {}
}

#[async_trait]
impl StreamSource for Brokers {
    async fn list(&self) -> Result<Listing, SourceError> {
        self.check()?;
        let shards = vec![Shard::new(ShardId::new("orders"))];
        Ok(Listing::new(StreamFacts::new("orders"), shards))
    }

    async fn open(&self, _shard: &ShardId, _from: &Start) -> Result<Cursor, SourceError> {
        self.check()?;
        Ok(Cursor(String::new()))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        self.check()?;
        Ok(Page::new(Vec::new(), Some(request.cursor)))
    }
}

fn access() -> Value {
    json!([{
        "Type": "BASIC_AUTH",
        "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:orders-AbCdEf",
    }])
}

fn rabbitmq() -> Value {
    json!({
        "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1",
        "FunctionName": "f",
        "Queues": ["orders"],
        "SourceAccessConfigurations": access(),
    })
}

fn documentdb() -> Value {
    json!({
        "EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:orders",
        "FunctionName": "f",
        "StartingPosition": "LATEST",
        "DocumentDBEventSourceConfig": { "DatabaseName": "orders" },
        "SourceAccessConfigurations": access(),
    })
}

fn kafka() -> Value {
    json!({
        "EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/orders/e9f754c6",
        "FunctionName": "f",
        "Topics": ["orders"],
        "StartingPosition": "LATEST",
    })
}

/// Returns what is shown of an engine's mapping ten seconds later.
async fn later(engine: &Engine) -> EventSourceMappingConfiguration {
    tokio::time::sleep(Duration::from_secs(10)).await;
    engine.list().remove(0)
}

/// Has a mapping begin with brokers that refuse it for one reason and then another, let it in, refuse it and let it in.
async fn shows_each_reason(request: Value, breaks_later: bool) {
    let brokers = Brokers::default();
    let refused = |reason, text: &str| {
        let error = SourceError::new(SourceErrorKind::Denied, text);
        Some(error.with_reason(reason))
    };
    brokers.set(refused(ReasonCode::Authentication, "who are you?"));
    let engine = Engine::builder()
        .clock(Clock::starting_at(Timestamp(1_700_000_000_000)))
        .provider(brokers.clone())
        .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
        .build();
    let request = serde_json::from_value(request).unwrap();
    engine.create(request).await.unwrap();
    let normal = match later(&engine).await.event_source_arn.unwrap() {
        arn if arn.contains(":rds:") => "User action",
        _ => "USER_INITIATED",
    };
    let shown = |mapping: &EventSourceMappingConfiguration| {
        let result = mapping.last_processing_result.clone().unwrap();
        (mapping.state_transition_reason.clone(), result)
    };
    let mapping = later(&engine).await;
    let (reason, result) = shown(&mapping);
    assert_eq!(reason, "EVENT_SOURCE_AUTHN_ERROR");
    assert!(result.ends_with("who are you?"), "{result}");
    let status = engine.status().remove(0);
    assert_eq!(status.problem, Some(result));
    // It goes on trying.
    assert_eq!(mapping.state, State::Creating);

    // A retry comes within a minute.
    brokers.set(refused(ReasonCode::Authorization, "not you"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (reason, result) = shown(&later(&engine).await);
    assert_eq!(reason, "EVENT_SOURCE_AUTHZ_ERROR");
    assert!(result.ends_with("not you"), "{result}");
    brokers.set(None);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mapping = later(&engine).await;
    let fine = (normal.to_owned(), "No records processed".to_owned());
    assert_eq!(
        (shown(&mapping), mapping.state),
        (fine.clone(), State::Enabled)
    );

    if breaks_later {
        brokers.set(refused(
            ReasonCode::ConfigNotValid,
            "there is no such thing",
        ));
        let mapping = later(&engine).await;
        let (reason, result) = shown(&mapping);
        assert_eq!(reason, "ESM_CONFIG_NOT_VALID");
        assert!(result.ends_with("there is no such thing"), "{result}");
        assert_eq!(mapping.state, State::Enabled);
        let uuid = mapping.uuid.parse().unwrap();
        let smaller = serde_json::from_value(json!({ "BatchSize": 7 })).unwrap();
        let updated = engine.update(uuid, smaller).await.unwrap();
        assert_eq!(updated.state_transition_reason, "ESM_CONFIG_NOT_VALID");
        // A problem without a code, such as a network that is down, is told of in words only.
        brokers.set(Some(SourceError::new(
            SourceErrorKind::Transient,
            "nobody there",
        )));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let (reason, result) = shown(&later(&engine).await);
        assert_eq!(reason, normal);
        assert!(result.ends_with("nobody there"), "{result}");
        brokers.set(None);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(shown(&later(&engine).await), fine);
    }
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_a_broker_shows_why_it_is_not_consumed() {
    shows_each_reason(rabbitmq(), true).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_stream_shows_why_it_is_not_read() {
    shows_each_reason(documentdb(), true).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_shows_why_its_cluster_does_not_let_it_in() {
    shows_each_reason(kafka(), false).await;
}

/// A function that tells its timeout, in seconds.
#[derive(Clone)]
struct Timed(Arc<AtomicU64>);

#[async_trait]
impl InvokeBackend for Timed {
    async fn invoke(&self, _request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        Ok(InvokeAnswer::new(Bytes::new()))
    }

    async fn describe(&self, _function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        let timeout = Duration::from_secs(self.0.load(Ordering::Relaxed));
        Ok(FunctionFacts::default().with_timeout(Some(timeout)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_may_take_longer_than_14_minutes_is_not_called_for_a_broker() {
    for request in [rabbitmq(), documentdb(), kafka()] {
        let function = Timed(Arc::new(AtomicU64::new(841)));
        let engine = Engine::builder()
            .clock(Clock::starting_at(Timestamp(1_700_000_000_000)))
            .provider(Brokers::default())
            .invoke(function.clone())
            .build();
        let create = || engine.create(serde_json::from_value(request.clone()).unwrap());
        let error = create().await.unwrap_err();
        assert!(error.message.contains("841 seconds"), "{error}");
        function.0.store(840, Ordering::Relaxed);
        let uuid = create().await.unwrap().uuid.parse().unwrap();
        let normal = later(&engine).await;
        assert_eq!(normal.state, State::Enabled);

        function.0.store(900, Ordering::Relaxed);
        engine.refresh(uuid).unwrap();
        let mapping = later(&engine).await;
        assert_eq!(mapping.state_transition_reason, "FUNCTION_CONFIG_NOT_VALID");
        let result = mapping.last_processing_result.unwrap();
        assert!(result.contains("900 seconds"), "{result}");
        // A retry comes within a minute.
        function.0.store(60, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let mapping = later(&engine).await;
        assert_eq!(
            mapping.state_transition_reason,
            normal.state_transition_reason
        );
        assert_eq!(
            mapping.last_processing_result.as_deref(),
            Some("No records processed")
        );
        engine.shutdown().await;
    }
}
