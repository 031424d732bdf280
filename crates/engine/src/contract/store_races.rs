//! Calls of a store at the same time, and calls that nobody waits for any more.

use futures::future::join_all;

use super::bound::{dropped_after, ends};
use super::promise::{equal, holds, succeeds};
use super::stored::{Stored, checkpoint, mapping, same, uuid};
use crate::store::{Store, StoreError, StoredCheckpoint};

const ALL_KEPT: &str = "changes at the same time are all kept";
const HIGHEST: &str = "of commits at the same time the one with the highest fence is kept";
const WHOLE: &str = "a call that is dropped is done as a whole or not at all";

/// How many times a call is polled at most before it is dropped.
const POLLS: usize = 6;

/// Changes different things at the same time, and one thing under several fences.
pub(super) async fn calls_at_the_same_time<S: Store, R: AsyncFn(S) -> S>(
    mut stored: Stored<S, R>,
) -> Stored<S, R> {
    let mappings: Vec<_> = (30..50).map(|number| mapping(number, "at once")).collect();
    let puts = mappings
        .iter()
        .map(|each| ends("put", stored.store.put(each.clone())));
    for result in join_all(puts).await {
        succeeds(ALL_KEPT, result);
    }
    mappings.iter().for_each(|each| stored.note_put(each));
    stored.check(ALL_KEPT).await;

    let mut rows = Vec::new();
    for number in 30..50 {
        for partition in ["a", "b", "c"] {
            rows.push(checkpoint(number, partition, "at once", 1));
        }
    }
    let commits = rows.iter().map(|row| stored.try_commit(vec![row.clone()]));
    let changed = mapping(30, "meanwhile");
    let put = ends("put", stored.store.put(changed.clone()));
    let forget = stored.forget(31, &["unknown"]);
    let (committed, put, ()) = tokio::join!(join_all(commits), put, forget);
    for result in committed.into_iter().chain([put]) {
        succeeds(ALL_KEPT, result);
    }
    stored.note_commit(&rows);
    stored.note_put(&changed);
    stored.check(ALL_KEPT).await;

    for (number, fences) in [(60, [1, 2, 3, 4]), (61, [4, 3, 2, 1]), (62, [2, 4, 1, 3])] {
        stored.put(mapping(number, "raced")).await;
        let row = |fence: u64| checkpoint(number, "a", &format!("under {fence}"), fence);
        let commits = fences.map(|fence| stored.try_commit(vec![row(fence)]));
        for (fence, result) in fences.into_iter().zip(join_all(commits).await) {
            let lost = fence < 4 && matches!(result, Err(StoreError::Fenced(_)));
            let expected = "success, or Fenced by a higher one";
            holds(HIGHEST, result.is_ok() || lost, expected, &result);
        }
        stored.note_commit(&[row(4)]);
        stored.check(HIGHEST).await;
    }
    stored
}

/// Drops calls at every point at which they wait. Such a call may still be done later, so that what it is about
/// is not looked at again.
pub(super) async fn dropped_calls<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) {
    for (polls, number) in (1..=POLLS).zip(70..) {
        a_commit(&mut stored, number, polls).await;
    }
    for (polls, number) in (1..=POLLS).zip(80..) {
        a_put(&mut stored, number, polls).await;
    }
    for (polls, number) in (1..=POLLS).zip(90..) {
        a_removal(&mut stored, number, polls).await;
    }
    // What was done after them, and what had been done before, is there.
    let rows = vec![checkpoint(30, "a", "after all", 1)];
    stored
        .commit("a dropped call stops no later one", rows)
        .await;
    let last = stored.checkpoints(uuid(30)).await;
    equal("a dropped call stops no later one", &last.len(), &3);
}

fn three(number: u128, text: &str) -> Vec<StoredCheckpoint> {
    let rows = ["a", "b", "c"].map(|partition| checkpoint(number, partition, text, 1));
    rows.into()
}

async fn a_commit<S: Store, R: AsyncFn(S) -> S>(
    stored: &mut Stored<S, R>,
    number: u128,
    polls: usize,
) {
    let (old, new) = (three(number, "old"), three(number, "new"));
    stored.put(mapping(number, "dropped")).await;
    stored.commit(WHOLE, old.clone()).await;
    dropped_after(polls, stored.store.commit(new.clone())).await;
    let seen = stored.checkpoints(uuid(number)).await;
    let expected = if seen.first() == old.first() {
        old
    } else {
        new
    };
    same(WHOLE, &seen, &expected);
}

async fn a_put<S: Store, R: AsyncFn(S) -> S>(
    stored: &mut Stored<S, R>,
    number: u128,
    polls: usize,
) {
    let (old, new) = (mapping(number, "old"), mapping(number, "new"));
    stored.put(old.clone()).await;
    dropped_after(polls, stored.store.put(new.clone())).await;
    let mut seen = stored.load().await;
    seen.retain(|each| each.uuid == uuid(number));
    let is_new = seen.first() == Some(&new);
    same(WHOLE, &seen, &[if is_new { new } else { old }]);
}

async fn a_removal<S: Store, R: AsyncFn(S) -> S>(
    stored: &mut Stored<S, R>,
    number: u128,
    polls: usize,
) {
    let rows = three(number, "kept");
    stored.put(mapping(number, "dropped")).await;
    stored.commit(WHOLE, rows.clone()).await;
    dropped_after(polls, stored.store.remove(uuid(number))).await;
    // It may be done at any moment: first what goes with the mapping is looked at, then the mapping, then again.
    let before = stored.checkpoints(uuid(number)).await;
    let mappings = stored.load().await;
    let is_there = mappings.iter().any(|each| each.uuid == uuid(number));
    let after = stored.checkpoints(uuid(number)).await;
    if before.is_empty() {
        holds(
            WHOLE,
            !is_there,
            "neither mapping nor checkpoints",
            &mappings.len(),
        );
    } else {
        same(WHOLE, &before, &rows);
    }
    if !is_there {
        same(WHOLE, &after, &[]);
    }
}
