//! Kafka mappings in Queue mode, over a share group in memory.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{InvokeError, ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{EventSourceMappingConfiguration, Mapping};
use lambda_esm_core::queue::ShareGroupRetries;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{
    MemoryDestination, MemoryShareGroup, MemoryShareGroupOptions, MemoryShareMember, NewRecord,
};
use lambda_esm_engine::ports::{
    InvokeBackend, InvokeRequest, QueueFacts, QueueSource, ReceiveRequest, Received, Settlement,
    SourceProvider,
};
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use serde_json::{Value, json};

/// How often the function ran with each value.
type Runs = Arc<Mutex<BTreeMap<String, usize>>>;

fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_700_000_000_000))
}

fn group(clock: Clock) -> MemoryShareGroup {
    let options = MemoryShareGroupOptions::default().with_partitions(2);
    MemoryShareGroup::new(clock, "orders", options)
}

fn put(group: &MemoryShareGroup, values: &[&str]) {
    for value in values {
        group.put(NewRecord::new(value.to_string())).unwrap();
    }
}

/// Returns the values of an event.
fn values(request: &InvokeRequest) -> Vec<String> {
    use base64::Engine as _;
    let event: Value = serde_json::from_slice(&request.payload).unwrap();
    let mut values = Vec::new();
    for records in event["records"].as_object().unwrap().values() {
        for record in records.as_array().unwrap() {
            let value = record["value"].as_str().unwrap();
            let value = base64::engine::general_purpose::STANDARD.decode(value);
            values.push(String::from_utf8(value.unwrap()).unwrap());
        }
    }
    values
}

/// A function that takes so long, and fails with the value `poison`.
fn function(runs: &Runs, takes: Duration) -> impl InvokeBackend + use<> {
    let runs = runs.clone();
    Closure::new(move |request: InvokeRequest| {
        let values = values(&request);
        for value in &values {
            *runs.lock().unwrap().entry(value.clone()).or_default() += 1;
        }
        async move {
            tokio::time::sleep(takes).await;
            if values.iter().any(|value| value == "poison") {
                return Err(InvokeError::function("boom"));
            }
            Ok("null".into())
        }
    })
}

fn request(members: Value) -> Value {
    let mut request = json!({
        "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": ["broker:9092"] } },
        "SelfManagedKafkaEventSourceConfig": { "ConsumptionMode": "Queue", "ConsumerGroupId": "team" },
        "SourceAccessConfigurations": [],
        "Topics": ["orders"],
        "FunctionName": "count",
        "BatchSize": 1,
    });
    let all = request.as_object_mut().unwrap();
    all.extend(members.as_object().unwrap().clone());
    request
}

async fn create(engine: &Engine, members: Value) -> EventSourceMappingConfiguration {
    let request = serde_json::from_value(request(members)).unwrap();
    engine.create(request).await.unwrap()
}

fn failed_queue() -> Value {
    json!({ "OnFailure": { "Destination": "arn:aws:sqs:us-east-1:000000000000:failed" } })
}

/// Returns the one sample of a metric; `None` if it has none.
fn sample(engine: &Engine, name: &str) -> Option<u64> {
    let page = engine.metrics().render();
    let begins = format!("aws_lambda_{name}{{");
    let sample = page.lines().find(|line| line.starts_with(&begins))?;
    Some(sample.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn records_are_processed_once_and_the_poison_is_told_of_and_rejected() {
    for (policy, invocations) in [
        (ShareGroupRetries::InPoller, 5),
        (ShareGroupRetries::Total, 1),
    ] {
        let (clock, runs) = (clock(), Runs::default());
        let (group, failed) = (group(clock), MemoryDestination::default());
        put(&group, &["a", "poison", "b"]);
        let engine = Engine::builder()
            .clock(clock)
            .options(EngineOptions::default().with_share_group_retries(policy))
            .share_group("orders", group.member())
            .destination("failed", failed.clone())
            .invoke(function(&runs, Duration::from_millis(10)))
            .build();
        let made = create(&engine, json!({ "DestinationConfig": failed_queue() })).await;
        assert_eq!(made.starting_position, None);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let counts = group.counts();
        assert_eq!((counts.accepted, counts.rejected), (2, 1), "{policy}");
        assert_eq!(
            (counts.available, counts.acquired, counts.archived),
            (0, 0, 0)
        );
        let runs = runs.lock().unwrap().clone();
        let expected = [("a", 1), ("b", 1), ("poison", invocations)];
        let expected = expected.map(|(value, runs)| (value.to_owned(), runs));
        assert_eq!(runs, BTreeMap::from(expected), "{policy}");
        let told = failed.records();
        assert_eq!(told.len(), 1);
        let told: Value = serde_json::from_slice(&told[0].body).unwrap();
        let condition = &told["requestContext"]["condition"];
        assert_eq!(condition, "RetryAttemptsExhausted");
        let info = &told["KafkaBatchInfo"];
        assert_eq!(info["bootstrapServers"], "broker:9092");
        for (name, value) in [
            ("PolledEventCount_total", Some(2 + invocations as u64)),
            ("AcknowledgedEventCount_total", Some(3)),
            ("OnFailureDestinationDeliveredEventCount_total", Some(1)),
            ("DroppedEventCount_total", Some(0)),
            ("SumOffsetLag", Some(0)),
            ("CommittedEventCount_total", None),
            ("DeletedEventCount_total", None),
        ] {
            assert_eq!(sample(&engine, name), value, "{name}, {policy}");
        }
        engine.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_of_ninety_seconds_gets_a_record_once_under_a_lock_of_thirty() {
    let (clock, runs) = (clock(), Runs::default());
    let group = group(clock);
    put(&group, &["a"]);
    let engine = Engine::builder()
        .clock(clock)
        .share_group("orders", group.member())
        .invoke(function(&runs, Duration::from_secs(90)))
        .build();
    create(&engine, json!({})).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(group.counts().acquired, 1);
    assert_eq!(sample(&engine, "SumOffsetLag"), Some(1));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(group.counts().accepted, 1);
    assert_eq!(runs.lock().unwrap()["a"], 1);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn two_mappings_of_a_group_share_the_records_and_a_stop_loses_none() {
    let (clock, runs) = (clock(), Runs::default());
    let group = group(clock);
    let values: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let engines = [1, 2].map(|_| {
        Engine::builder()
            .clock(clock)
            .share_group("orders", group.member())
            .invoke(function(&runs, Duration::from_millis(200)))
            .build()
    });
    for engine in &engines {
        create(engine, json!({})).await;
    }
    put(&group, &values);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let [first, second] = engines;
    first.shutdown().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(group.counts().accepted, 200);
    let runs = runs.lock().unwrap().clone();
    assert_eq!(runs.len(), 200);
    assert!(runs.values().all(|runs| *runs == 1), "{runs:?}");
    second.shutdown().await;
}

/// Brokers without share groups, until they are replaced.
#[derive(Clone)]
struct Old(Arc<Mutex<Option<MemoryShareGroup>>>);

#[async_trait]
impl QueueSource for Old {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let text = "the brokers have no share groups: upgrade them to Kafka 4.2 or later, or use ConsumptionMode Stream";
        let error = SourceError::new(SourceErrorKind::Unsupported, text);
        Err(error.with_reason(ReasonCode::ConfigNotValid))
    }

    async fn receive(&self, _request: ReceiveRequest) -> Result<Received, SourceError> {
        self.describe().await.map(|_| Received::default())
    }

    async fn settle(
        &self,
        _settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl SourceProvider for Old {
    async fn queue(&self, _mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        Ok(Some(match &*self.0.lock().unwrap() {
            Some(group) => Arc::new(group.member()),
            None => Arc::new(self.clone()),
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn brokers_without_share_groups_disable_the_mapping_with_the_reason_and_the_way_out() {
    let (clock, runs) = (clock(), Runs::default());
    let old = Old(Arc::default());
    let engine = Engine::builder()
        .clock(clock)
        .provider(old.clone())
        .invoke(function(&runs, Duration::from_millis(10)))
        .build();
    let uuid = create(&engine, json!({})).await.uuid.parse().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let shown = engine.get(uuid).unwrap();
    assert_eq!(shown.state, State::Disabled);
    assert_eq!(shown.state_transition_reason, "ESM_CONFIG_NOT_VALID");
    let result = shown.last_processing_result.unwrap();
    assert!(result.contains("Kafka 4.2"), "{result}");

    let group = group(clock);
    put(&group, &["a"]);
    *old.0.lock().unwrap() = Some(group.clone());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(group.counts().available, 1, "it stays disabled");
    let enable = serde_json::from_value(json!({ "Enabled": true })).unwrap();
    engine.update(uuid, enable).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let shown = engine.get(uuid).unwrap();
    assert_eq!(shown.state, State::Enabled);
    assert_eq!(shown.state_transition_reason, "USER_INITIATED");
    assert_eq!(group.counts().accepted, 1);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_share_group_that_nobody_serves_is_refused_with_the_way_out() {
    let engine = Engine::builder()
        .clock(clock())
        .invoke(function(&Runs::default(), Duration::ZERO))
        .build();
    let request = serde_json::from_value(request(json!({}))).unwrap();
    let error = engine.create(request).await.unwrap_err();
    assert!(error.message.contains("share group"), "{error:?}");
    assert!(error.hint.is_some_and(|hint| hint.contains("kafka")));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_member_leaves_what_it_cannot_finish_to_the_others_at_once() {
    let (clock, runs) = (clock(), Runs::default());
    let group = group(clock);
    let engine = Engine::builder()
        .clock(clock)
        .options(EngineOptions::default().with_drain_limit(Duration::from_secs(1)))
        .share_group("orders", group.member())
        .invoke(function(&runs, Duration::from_secs(600)))
        .build();
    create(&engine, json!({})).await;
    put(&group, &["a", "b"]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(group.counts().acquired, 2);
    engine.shutdown().await;
    assert_eq!((group.counts().available, group.counts().acquired), (2, 0));
}

/// A member whose records are on their way for longer than a stop waits.
struct Distant(MemoryShareMember);

#[async_trait]
impl QueueSource for Distant {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        self.0.describe().await
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let received = self.0.receive(request).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        received
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        self.0.settle(settlements).await
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_stop_has_waited_is_released_and_told_with_its_deliveries() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _logs = tracing::subscriber::set_default(subscriber);
    let (clock, runs) = (clock(), Runs::default());
    let options = MemoryShareGroupOptions::default().with_lock_duration(Duration::from_secs(600));
    let group = MemoryShareGroup::new(clock, "orders", options);
    put(&group, &["a", "b"]);
    let engine = Engine::builder()
        .clock(clock)
        .share_group("orders", Distant(group.member()))
        .invoke(function(&runs, Duration::ZERO))
        .build();
    create(&engine, json!({ "BatchSize": 10 })).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(group.counts().acquired, 2);
    engine.shutdown().await;
    assert_eq!(group.counts().acquired, 2, "they are still on their way");
    tokio::time::sleep(Duration::from_secs(40)).await;
    let counts = group.counts();
    assert_eq!((counts.available, counts.acquired), (2, 0));
    assert!(runs.lock().unwrap().is_empty());
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("unseen")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("messages=2 deliveries=1"), "{log}");
}
