//! A mapping whose next records are lost disables itself, and stays so until somebody enables it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{
    CreateEventSourceMapping, EventSourceMappingConfiguration, UpdateEventSourceMapping,
};
use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_core::stream::{
    Cursor, FetchRequest, Listing, Page, Shard, ShardId, Start, StreamFacts,
};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::MemoryStore;
use lambda_esm_engine::ports::{InvokeRequest, StreamSource};
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};
use uuid::Uuid;

const NOW: i64 = 1_700_000_000_000;

/// A change stream of numbered changes that forgets the oldest ones.
#[derive(Clone, Default)]
struct Changes {
    /// The next change to come.
    next: Arc<AtomicU64>,
    /// The oldest change that is there.
    oldest: Arc<AtomicU64>,
}

impl Changes {
    fn put(&self, changes: u64) {
        self.next.fetch_add(changes, Ordering::Relaxed);
    }

    fn forget_before(&self, oldest: u64) {
        self.oldest.store(oldest, Ordering::Relaxed);
    }

    fn check(&self, place: u64) -> Result<(), SourceError> {
        if place < self.oldest.load(Ordering::Relaxed) {
            let text = "resume point may no longer be in the oplog";
            return Err(SourceError::new(SourceErrorKind::Trimmed, text));
        }
        Ok(())
    }
}

#[async_trait]
impl StreamSource for Changes {
    async fn list(&self) -> Result<Listing, SourceError> {
        let facts = StreamFacts::new("orders").with_fetch_limit(2);
        Ok(Listing::new(
            facts,
            vec![Shard::new(ShardId::new("orders"))],
        ))
    }

    async fn open(&self, _shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        let place = match from {
            Start::TrimHorizon => self.oldest.load(Ordering::Relaxed),
            Start::After(sequence) => sequence.parse::<u64>().unwrap() + 1,
            _ => self.next.load(Ordering::Relaxed),
        };
        self.check(place)?;
        Ok(Cursor(place.to_string()))
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        let place: u64 = request.cursor.0.parse().unwrap();
        self.check(place)?;
        let end = self
            .next
            .load(Ordering::Relaxed)
            .min(place + request.limit as u64);
        let record = |number: u64| {
            let change = StreamContent::Change(json!({ "n": number }).to_string());
            StreamRecord::new(number.to_string(), Timestamp(NOW), change)
        };
        let records = (place..end).map(record).collect();
        Ok(Page::new(records, Some(Cursor(end.to_string()))))
    }
}

/// A store that can refuse to keep mappings.
#[derive(Default)]
struct Refusing {
    store: MemoryStore,
    refuses: AtomicBool,
}

#[async_trait]
impl Store for Refusing {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        self.store.load().await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        match self.refuses.load(Ordering::Relaxed) {
            true => Err(StoreError::Io("the disk is full".to_owned())),
            false => self.store.put(mapping).await,
        }
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        self.store.remove(mapping).await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.store.checkpoints(mapping).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        self.store.commit(checkpoints).await
    }
}

/// What outlives an engine.
#[derive(Clone)]
struct World {
    clock: Clock,
    changes: Changes,
    store: Arc<Refusing>,
    seen: Arc<Mutex<Vec<u64>>>,
    /// How long the function takes, in seconds.
    takes: Arc<AtomicU64>,
}

impl World {
    fn new() -> Self {
        Self {
            clock: Clock::starting_at(Timestamp(NOW)),
            changes: Changes::default(),
            store: Arc::default(),
            seen: Arc::default(),
            takes: Arc::default(),
        }
    }

    fn engine(&self) -> Engine {
        let (seen, takes) = (self.seen.clone(), self.takes.clone());
        let function = Closure::new(move |request: InvokeRequest| {
            let event: Value = serde_json::from_slice(&request.payload).unwrap();
            let events = event["events"].as_array().unwrap();
            let numbers = events
                .iter()
                .map(|event| event["event"]["n"].as_u64().unwrap());
            let numbers: Vec<u64> = numbers.collect();
            let (seen, takes) = (seen.clone(), takes.load(Ordering::Relaxed));
            async move {
                tokio::time::sleep(Duration::from_secs(takes)).await;
                seen.lock().unwrap().extend(numbers);
                Ok(Bytes::from_static(b"null"))
            }
        });
        Engine::builder()
            .clock(self.clock)
            .store(self.store.clone())
            .stream("docs", self.changes.clone())
            .invoke(function)
            .build()
    }

    fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap().clone()
    }

    /// Runs an engine that has processed changes 0 to 2, and then loses 3 to 5 while it is stopped.
    async fn lose_changes(&self, file: Vec<CreateEventSourceMapping>) {
        let engine = self.engine();
        let is_of_file = !file.is_empty();
        engine.start(file).await.unwrap();
        if !is_of_file {
            engine.create(request(None)).await.unwrap();
        }
        self.changes.put(3);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(self.seen(), [0, 1, 2]);
        engine.shutdown().await;
        self.changes.put(5);
        self.changes.forget_before(6);
    }
}

fn request(enabled: Option<bool>) -> CreateEventSourceMapping {
    let request = json!({
        "EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:docs",
        "FunctionName": "index",
        "StartingPosition": "TRIM_HORIZON",
        "Enabled": enabled,
        "DocumentDBEventSourceConfig": { "DatabaseName": "shop" },
        "SourceAccessConfigurations": [
            { "Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:docs-AbCdEf" },
        ],
    });
    serde_json::from_value(request).unwrap()
}

fn enabled(enabled: bool) -> UpdateEventSourceMapping {
    serde_json::from_value(json!({ "Enabled": enabled })).unwrap()
}

fn only(engine: &Engine) -> EventSourceMappingConfiguration {
    let list = engine.list();
    assert_eq!(list.len(), 1);
    list.into_iter().next().unwrap()
}

/// Waits, in the engine's time, for the state of its mapping.
async fn until_state(engine: &Engine, state: State) -> EventSourceMappingConfiguration {
    let reached = async {
        while only(engine).state != state {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        only(engine)
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    reached.unwrap_or_else(|_| panic!("{:?}", only(engine)))
}

fn assert_disabled(engine: &Engine) {
    let mapping = only(engine);
    assert_eq!(mapping.state, State::Disabled);
    let reason = &mapping.state_transition_reason;
    assert!(
        reason.contains("after 2 is lost") && reason.contains("no longer be in the oplog"),
        "{reason}"
    );
    let problem = engine.status()[0].problem.clone().unwrap();
    assert!(problem.starts_with(reason), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_mapping_whose_next_records_are_lost_is_disabled_until_somebody_enables_it() {
    let world = World::new();
    world.lose_changes(Vec::new()).await;
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    let uuid = until_state(&engine, State::Disabled)
        .await
        .uuid
        .parse()
        .unwrap();
    assert_disabled(&engine);
    let lost = engine.recent(uuid).unwrap();
    let lost = lost
        .iter()
        .filter(|event| matches!(event.decision, Decision::HistoryLost { .. }));
    assert_eq!(lost.count(), 1);
    // New settings are no answer to that.
    let smaller = serde_json::from_value(json!({ "BatchSize": 7 })).unwrap();
    engine.update(uuid, smaller).await.unwrap();
    until_state(&engine, State::Disabled).await;
    assert_disabled(&engine);
    engine.shutdown().await;

    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_disabled(&engine);
    assert_eq!(world.seen(), [0, 1, 2]);

    let shown = engine.update(uuid, enabled(true)).await.unwrap();
    assert_eq!(shown.state_transition_reason, "User action");
    until_state(&engine, State::Enabled).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.seen(), [0, 1, 2, 6, 7]);
    assert_eq!(engine.status()[0].problem, None);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_user_who_disables_it_again_is_the_reason() {
    let world = World::new();
    world.lose_changes(Vec::new()).await;
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    let uuid = until_state(&engine, State::Disabled)
        .await
        .uuid
        .parse()
        .unwrap();
    let shown = engine.update(uuid, enabled(false)).await.unwrap();
    assert_eq!(shown.state_transition_reason, "User action");
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_passed_over_while_it_cannot_be_kept_that_the_mapping_is_disabled() {
    let world = World::new();
    world.lose_changes(Vec::new()).await;
    world.store.refuses.store(true, Ordering::Relaxed);
    for crashes in [false, true, false] {
        let engine = world.engine();
        engine.start(Vec::new()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(only(&engine).state, State::Enabled);
        let problem = engine.status()[0].problem.clone().unwrap();
        assert!(problem.contains("after 2 is lost"), "{problem}");
        match crashes {
            true => engine.halt().await,
            false => engine.shutdown().await,
        }
    }
    world.store.refuses.store(false, Ordering::Relaxed);
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    until_state(&engine, State::Disabled).await;
    assert_disabled(&engine);
    assert_eq!(world.seen(), [0, 1, 2]);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_recovers_keeps_it_without_a_restart() {
    let world = World::new();
    world.lose_changes(Vec::new()).await;
    world.store.refuses.store(true, Ordering::Relaxed);
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.store.refuses.store(false, Ordering::Relaxed);
    // The longest wait between two tries.
    until_state(&engine, State::Disabled).await;
    assert_disabled(&engine);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_is_processed_first() {
    let world = World::new();
    world.takes.store(20, Ordering::Relaxed);
    let engine = world.engine();
    engine.create(request(None)).await.unwrap();
    world.changes.put(2);
    // The first two are with the function now.
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.changes.put(8);
    world.changes.forget_before(9);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        (world.seen(), only(&engine).state),
        (vec![], State::Enabled)
    );
    let mapping = until_state(&engine, State::Disabled).await;
    assert_eq!(world.seen(), [0, 1]);
    let uuid = mapping.uuid.parse().unwrap();
    engine.update(uuid, enabled(true)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.seen(), [0, 1, 9]);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_configuration_file_enables_it_again_only_after_it_has_disabled_it() {
    let world = World::new();
    world.lose_changes(vec![request(None)]).await;
    for _ in 0..2 {
        let engine = world.engine();
        engine.start(vec![request(None)]).await.unwrap();
        until_state(&engine, State::Disabled).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_disabled(&engine);
        let problem = engine.status()[0].problem.clone().unwrap();
        assert!(problem.contains("configuration file"), "{problem}");
        engine.shutdown().await;
    }
    let engine = world.engine();
    engine.start(vec![request(Some(false))]).await.unwrap();
    assert_eq!(only(&engine).state_transition_reason, "User action");
    assert_eq!(engine.status()[0].problem, None);
    engine.shutdown().await;
    assert_eq!(world.seen(), [0, 1, 2]);
    let engine = world.engine();
    engine.start(vec![request(None)]).await.unwrap();
    until_state(&engine, State::Enabled).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.seen(), [0, 1, 2, 6, 7]);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_mapping_of_a_file_that_the_api_enables_stays_enabled() {
    let world = World::new();
    world.lose_changes(vec![request(None)]).await;
    let engine = world.engine();
    engine.start(vec![request(None)]).await.unwrap();
    let uuid = until_state(&engine, State::Disabled)
        .await
        .uuid
        .parse()
        .unwrap();
    engine.update(uuid, enabled(true)).await.unwrap();
    until_state(&engine, State::Enabled).await;
    engine.shutdown().await;
    let engine = world.engine();
    engine.start(vec![request(None)]).await.unwrap();
    until_state(&engine, State::Enabled).await;
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_halted_mapping_can_be_deleted() {
    let world = World::new();
    world.lose_changes(Vec::new()).await;
    world.store.refuses.store(true, Ordering::Relaxed);
    let engine = world.engine();
    engine.start(Vec::new()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let uuid = only(&engine).uuid.parse().unwrap();
    engine.delete(uuid).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(engine.list().len(), 0);
    assert_eq!(world.store.load().await.unwrap().len(), 0);
    engine.shutdown().await;
}
