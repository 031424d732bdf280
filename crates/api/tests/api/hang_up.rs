//! Whoever hangs up leaves nothing half done.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use futures::poll;
use http::Method;
use lambda_esm_api::handle;
use lambda_esm_engine::memory::MemoryStore;
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};
use tokio::task::yield_now;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use crate::embedder::{ask_directly, builder, request};
use crate::support::{MAPPINGS, mapping};

/// A store that makes everybody wait before and after each step.
#[derive(Default)]
struct Slow(MemoryStore);

async fn pause() {
    for _ in 0..3 {
        yield_now().await;
    }
}

async fn slowly<T>(step: impl Future<Output = T>) -> T {
    pause().await;
    let done = step.await;
    pause().await;
    done
}

#[async_trait]
impl Store for Slow {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        slowly(self.0.load()).await
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        slowly(self.0.put(mapping)).await
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        slowly(self.0.remove(mapping)).await
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        slowly(self.0.checkpoints(mapping)).await
    }

    async fn commit(&self, checkpoints: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        slowly(self.0.commit(checkpoints)).await
    }
}

/// What a client can tell of a mapping.
type Seen = BTreeMap<String, (Option<i64>, BTreeMap<String, String>)>;

fn listed(engine: &Engine) -> Seen {
    let tags = |uuid: &str| engine.tags(uuid.parse().unwrap()).unwrap();
    let list = engine.list().into_iter();
    list.map(|mapping| {
        let tags = tags(&mapping.uuid);
        (mapping.uuid, (mapping.batch_size, tags))
    })
    .collect()
}

async fn stored(store: &Slow) -> Seen {
    let kept = store.0.load().await.unwrap().into_iter();
    kept.map(|mapping| {
        let record: Value = serde_json::from_str(&mapping.record).unwrap();
        let request = &record["request"];
        let tags = serde_json::from_value(request["Tags"].clone()).unwrap_or_default();
        (
            mapping.uuid.to_string(),
            (request["BatchSize"].as_i64(), tags),
        )
    })
    .collect()
}

/// Asks, hangs up after so many polls, and returns whether the answer had come, with what there is once all is quiet.
/// `UUID` in the path stands for a mapping of `orders` to `f`, which is there before.
async fn hang_up(method: Method, path: &str, body: &str, polls: usize) -> (bool, Seen) {
    let (clock, store) = (Clock::system(), Arc::new(Slow::default()));
    let engine = builder(clock, "us-east-1").store(store.clone()).build();
    let first = mapping(json!({ "Enabled": false, "BatchSize": 1, "Tags": { "a": "1" } }));
    let first = request(Method::POST, MAPPINGS, first.to_string());
    let first = ask_directly(&engine, first).await.json();
    let path = path.replace("UUID", first["UUID"].as_str().unwrap());
    sleep(Duration::from_secs(1)).await;

    let mut answered = false;
    {
        let mut asking = pin!(handle(&engine, request(method, &path, body.to_owned())));
        for _ in 0..polls {
            if let Poll::Ready(answer) = poll!(&mut asking) {
                assert!(answer.status().is_success(), "{answer:?}");
                answered = true;
                break;
            }
            yield_now().await;
        }
    }
    // Everything else has happened before this time has passed.
    sleep(Duration::from_secs(60)).await;
    let seen = listed(&engine);
    assert_eq!(seen, stored(&store).await, "after {polls} polls");
    engine.shutdown().await;

    let again = builder(clock, "us-east-1").store(store).build();
    let started = again.start(Vec::new()).await.unwrap();
    assert!(started.unusable.is_empty(), "{started:?}");
    assert_eq!(listed(&again), seen, "after {polls} polls and a restart");
    again.shutdown().await;
    (answered, seen)
}

/// Hangs up at every point there is. `done` tells whether the change was made.
async fn at_every_point(method: Method, path: &str, body: &Value, done: impl Fn(&Seen) -> bool) {
    let body = &body.to_string();
    let (_, seen) = hang_up(method.clone(), path, body, 0).await;
    assert!(!done(&seen), "nobody has asked yet");
    for polls in 1.. {
        let (answered, seen) = hang_up(method.clone(), path, body, polls).await;
        assert!(done(&seen), "the change had begun, after {polls} polls");
        if answered {
            assert!(polls > 6, "{polls} polls: the store was not waited for");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_has_begun_goes_on_to_its_end() {
    let body = mapping(json!({ "FunctionName": "g"} ));
    at_every_point(Method::POST, MAPPINGS, &body, |seen| seen.len() == 2).await;
}

/// When a large body has been read is a matter of chance, and so is then whether the change has begun.
#[tokio::test(start_paused = true)]
async fn a_creation_whose_body_is_being_read_is_made_whole_or_not_at_all() {
    let body = mapping(json!({ "FunctionName": "g" })).to_string();
    let body = format!("{body:20000}");
    for polls in 0..40 {
        let (answered, seen) = hang_up(Method::POST, MAPPINGS, &body, polls).await;
        assert!(!answered || seen.len() == 2, "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_has_begun_goes_on_to_its_end() {
    let size = |seen: &Seen| seen.values().any(|(size, _)| *size == Some(7));
    let body = json!({ "BatchSize": 7 });
    at_every_point(Method::PUT, &format!("{MAPPINGS}/UUID"), &body, size).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_has_begun_goes_on_to_its_end() {
    let path = format!("{MAPPINGS}/UUID");
    at_every_point(Method::DELETE, &path, &json!({}), Seen::is_empty).await;
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_being_set_are_set() {
    let path = "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:event-source-mapping:UUID";
    let tagged = |seen: &Seen| seen.values().any(|(_, tags)| tags.len() == 2);
    at_every_point(Method::POST, path, &json!({ "Tags": { "b": "2" } }), tagged).await;
}
