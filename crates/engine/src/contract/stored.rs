//! A store beside what it must hold.

use std::collections::BTreeMap;
use std::fmt::Debug;

use uuid::Uuid;

use super::bound::ends;
use super::promise::{broken, succeeds};
use crate::store::{Store, StoreError, StoredCheckpoint, StoredMapping};

/// Returns the UUID of mapping `number`. Numbers next to each other differ in one bit or few.
pub(super) const fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Returns a mapping to keep, with `text` in it.
pub(super) fn mapping(number: u128, text: &str) -> StoredMapping {
    StoredMapping::new(uuid(number), text)
}

/// Returns a checkpoint of mapping `number`, with `text` in it.
pub(super) fn checkpoint(
    number: u128,
    partition: &str,
    text: &str,
    fence: u64,
) -> StoredCheckpoint {
    StoredCheckpoint::new(uuid(number), partition, text, fence)
}

/// A store, and what it must hold after all that was done to it.
pub(super) struct Stored<S, R> {
    pub(super) store: S,
    reopen: R,
    mappings: BTreeMap<Uuid, StoredMapping>,
    /// By mapping, those without checkpoints included, and partition.
    checkpoints: BTreeMap<Uuid, BTreeMap<String, StoredCheckpoint>>,
}

impl<S: Store, R: AsyncFn(S) -> S> Stored<S, R> {
    pub(super) const fn new(store: S, reopen: R) -> Self {
        Self {
            store,
            reopen,
            mappings: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
        }
    }

    /// Closes the store, and opens what it has kept.
    pub(super) async fn reopened(self) -> Self {
        let store = ends("reopen", (self.reopen)(self.store)).await;
        Self { store, ..self }
    }

    pub(super) async fn put(&mut self, mapping: StoredMapping) {
        self.note_put(&mapping);
        succeeds("a put succeeds", ends("put", self.store.put(mapping)).await);
    }

    pub(super) async fn remove(&mut self, number: u128) {
        let mapping = uuid(number);
        self.mappings.remove(&mapping);
        self.checkpoints.insert(mapping, BTreeMap::new());
        let removed = ends("remove", self.store.remove(mapping)).await;
        succeeds("a removal succeeds, also of what is not there", removed);
    }

    pub(super) async fn commit(&mut self, promise: &str, rows: Vec<StoredCheckpoint>) {
        self.note_commit(&rows);
        succeeds(promise, self.try_commit(rows).await);
    }

    pub(super) async fn try_commit(&self, rows: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        ends("commit", self.store.commit(rows)).await
    }

    pub(super) async fn forget(&self, number: u128, partitions: &[&str]) {
        let partitions = partitions.iter().map(ToString::to_string).collect();
        let forgotten = ends("forget", self.store.forget(uuid(number), partitions)).await;
        succeeds("a forget succeeds, also of what is not there", forgotten);
    }

    /// From now on, the mapping must be there.
    pub(super) fn note_put(&mut self, mapping: &StoredMapping) {
        self.mappings.insert(mapping.uuid, mapping.clone());
        self.checkpoints.entry(mapping.uuid).or_default();
    }

    /// From now on, these checkpoints must be there.
    pub(super) fn note_commit(&mut self, rows: &[StoredCheckpoint]) {
        for row in rows {
            let kept = self.checkpoints.entry(row.mapping).or_default();
            kept.insert(row.partition.clone(), row.clone());
        }
    }

    /// From now on, the checkpoint must not be there.
    pub(super) fn note_forgotten(&mut self, number: u128, partition: &str) {
        if let Some(kept) = self.checkpoints.get_mut(&uuid(number)) {
            kept.remove(partition);
        }
    }

    pub(super) async fn load(&self) -> Vec<StoredMapping> {
        let loaded = ends("load", self.store.load()).await;
        let mut mappings = succeeds("a load succeeds", loaded);
        mappings.sort_by_key(|mapping| mapping.uuid);
        mappings
    }

    pub(super) async fn checkpoints(&self, mapping: Uuid) -> Vec<StoredCheckpoint> {
        let found = ends("checkpoints", self.store.checkpoints(mapping)).await;
        let mut rows = succeeds("checkpoints are found, also where there are none", found);
        rows.sort_by(|a, b| a.partition.cmp(&b.partition));
        rows
    }

    /// Checks that the store holds what it must, and nothing else.
    pub(super) async fn check(&self, promise: &str) {
        let expected: Vec<_> = self.mappings.values().cloned().collect();
        same(promise, &self.load().await, &expected);
        for (mapping, rows) in &self.checkpoints {
            let expected: Vec<_> = rows.values().cloned().collect();
            same(promise, &self.checkpoints(*mapping).await, &expected);
        }
    }
}

/// Checks that two lists are the same, and shows the first difference.
pub(super) fn same<T: Debug + PartialEq>(promise: &str, seen: &[T], expected: &[T]) {
    for index in 0..seen.len().max(expected.len()) {
        let (seen, expected) = (seen.get(index), expected.get(index));
        if seen != expected {
            broken(promise, short(&expected), &format_args!("{}", short(&seen)));
        }
    }
}

/// Shows the beginning of a value, which may be very long.
fn short(value: &impl Debug) -> String {
    const MOST: usize = 500;
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}
