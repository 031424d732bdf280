//! Callers that give up.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::Engine;
use lambda_esm_engine::memory::{MemoryQueue, SendMessage};
use lambda_esm_engine::store::{Store as _, StoredMapping};
use serde_json::json;

use crate::support::{Slow, builder, change, kept_request, queue, request, seconds, uuid};

/// Polls a future `polls` times, with a chance for every other task in between, and drops it. Returns
/// whether it was ready.
async fn give_up_after<T>(polls: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut context).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Checks that list, store and polling agree, in this engine and in one that begins with the store.
async fn agrees(engine: Engine, store: &Slow, queue: &MemoryQueue) -> Vec<StoredMapping> {
    seconds(2).await;
    let kept = store.load().await.unwrap();
    let settings = |engine: &Engine| -> Vec<(String, Option<i64>, State)> {
        let mappings = engine.list().into_iter();
        let settings = mappings.map(|mapping| (mapping.uuid, mapping.batch_size, mapping.state));
        settings.collect()
    };
    let listed = settings(&engine);
    let expected: Vec<_> = kept
        .iter()
        .map(|kept| {
            let size = kept_request(kept)["BatchSize"].as_i64();
            (kept.uuid.to_string(), size, State::Enabled)
        })
        .collect();
    assert_eq!(listed, expected, "the list and the store differ");
    queue.send(SendMessage::new("x")).unwrap();
    seconds(2).await;
    let polls = queue.counts() == (0, 0, 0);
    assert_eq!(polls, !kept.is_empty(), "the list and what polls differ");
    drop(engine);

    seconds(60).await;
    let (clock, again) = self::queue();
    let engine = builder(clock, &again, store).build();
    engine.start(Vec::new()).await.unwrap();
    seconds(2).await;
    assert_eq!(settings(&engine), expected, "after a restart");
    while let Some(mapping) = engine.list().first() {
        engine.delete(uuid(mapping)).await.unwrap();
        seconds(2).await;
    }
    kept
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_whole_or_not_at_all_wherever_its_caller_gives_up() {
    let mut whole = [0; 3];
    for polls in 0..25 {
        for (kind, whole) in whole.iter_mut().enumerate() {
            let (clock, queue) = queue();
            let store = Slow::default();
            let engine = builder(clock, &queue, &store).build();
            let mut before = None;
            if kind > 0 {
                before = Some(uuid(&engine.create(request(json!({}))).await.unwrap()));
                seconds(1).await;
            }
            let answered = match before {
                None => give_up_after(polls, engine.create(request(json!({})))).await,
                Some(mapping) if kind == 1 => {
                    let size = change(json!({ "BatchSize": 3 }));
                    give_up_after(polls, engine.update(mapping, size)).await
                }
                Some(mapping) => give_up_after(polls, engine.delete(mapping)).await,
            };
            let kept = agrees(engine, &store, &queue).await;
            let changed = match kind {
                0 => kept.len() == 1,
                1 => kept_request(&kept[0])["BatchSize"] == 3,
                _ => kept.is_empty(),
            };
            assert_eq!(changed, polls > 0, "kind {kind}, {polls} polls");
            *whole += usize::from(answered);
        }
    }
    // Enough polls to come to every await, and not so many that most come to the end.
    assert!(whole.iter().all(|&whole| whole > 0), "{whole:?}");
}
