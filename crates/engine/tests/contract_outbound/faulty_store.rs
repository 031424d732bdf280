//! A store in memory with a fault.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use tokio::task::yield_now;
use tokio::time::sleep;
use uuid::Uuid;

/// What is wrong with a store, or odd and yet legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AsciiOnly,
    AnswersInAnotherOrder,
    CheckpointsLosePlace,
    CheckpointsOfUnknownFail,
    ChecksFirstFenceOnly,
    CommitChecksThenWrites,
    CommitInSteps,
    CommitIsLost,
    CommitKeepsFirst100,
    CommitNeedsMapping,
    CommitNeverAnswers,
    CommitReadsAndWritesAll,
    CommitReplacesAll,
    CommitTakesAtMost100,
    CommitWaitsForDropped,
    CutsTexts,
    DroppedCallsGoOn,
    FenceIsLost,
    FenceOfWholeMapping,
    FencedIsIo,
    FencedIsSuccess,
    FencedNamesNothing,
    FencedRowsAreLeftOut,
    FencesAreFloats,
    FencesAreSigned,
    FencesAreTexts,
    ForgetsAll,
    ForgetsByPrefix,
    ForgetsFirstOnly,
    ForgetsInAllMappings,
    ForgetIsLost,
    ForgetLeavesFence,
    ForgetsNothing,
    ForgetUnknownFails,
    IgnoresFences,
    KeepsNothingForUnknown,
    KeepsRowsBeforeFenced,
    LineFeedsOnly,
    LoadGivesOnePage,
    LoadNeverAnswers,
    LoadsTwice,
    NormalizesText,
    PartitionsAreFileNames,
    PartitionsAreShort,
    PartitionsAreTrimmed,
    PartitionsIgnoreCase,
    PutDropsCheckpoints,
    PutIsLost,
    PutKeepsFirst,
    PutReadsAndWritesAll,
    RemoveByPrefix,
    RemoveInSteps,
    RemoveIsLost,
    RemoveLeavesCheckpoints,
    RemoveLeavesFence,
    RemovesAllCheckpoints,
    RemoveUnknownFails,
    SameFenceIsRefused,
    TrimsText,
    WritesWhenClosed,
}

type Key = (Uuid, String);

#[derive(Clone, Default)]
struct Contents {
    mappings: BTreeMap<Uuid, StoredMapping>,
    rows: BTreeMap<Key, StoredCheckpoint>,
    fences: BTreeMap<Key, u64>,
}

#[derive(Default)]
struct State {
    now: Contents,
    /// What is there after reopening.
    durable: Contents,
    is_busy: bool,
}

/// A store that keeps its promises but for one fault; clones are the same store.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    fault: Option<Fault>,
    state: Arc<Mutex<State>>,
}

/// Returns the mapping with its text changed.
fn with_text(mut mapping: StoredMapping, change: impl Fn(&str) -> String) -> StoredMapping {
    mapping.record = change(&mapping.record);
    mapping
}

/// Returns the checkpoint with its text changed.
fn with_place(mut row: StoredCheckpoint, change: impl Fn(&str) -> String) -> StoredCheckpoint {
    row.record = change(&row.record);
    row
}

fn io(text: &str) -> StoreError {
    StoreError::Io(text.to_owned())
}

/// The first half of a UUID.
fn prefix(mapping: Uuid) -> u64 {
    mapping.as_u64_pair().0
}

impl FaultyStore {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let state = Arc::default();
        Self { fault, state }
    }

    /// Closes the store, and opens what it has kept.
    pub(crate) async fn reopened(self) -> Self {
        let mut state = self.lock();
        if self.has(Fault::WritesWhenClosed) {
            state.durable = state.now.clone();
        }
        if self.loses() {
            state.now = state.durable.clone();
        }
        if self.has(Fault::FenceIsLost) {
            state.now.fences.clear();
        }
        drop(state);
        self
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether there is a difference between what is there and what is durable.
    fn loses(&self) -> bool {
        matches!(
            self.fault,
            Some(
                Fault::PutIsLost
                    | Fault::RemoveIsLost
                    | Fault::CommitIsLost
                    | Fault::ForgetIsLost
                    | Fault::WritesWhenClosed
            )
        )
    }

    /// Ends a change: it is durable unless that is the fault.
    fn end(&self, lost: Fault) {
        if self.loses() && !self.has(lost) && !self.has(Fault::WritesWhenClosed) {
            let mut state = self.lock();
            state.durable = state.now.clone();
        }
    }

    fn key(&self, mapping: Uuid, partition: &str) -> Key {
        let partition = match self.fault {
            Some(Fault::PartitionsAreFileNames) => {
                partition.replace(['/', ' '], "_").replace("%2F", "_")
            }
            Some(Fault::PartitionsAreShort) => partition.chars().take(255).collect(),
            Some(Fault::PartitionsAreTrimmed) => partition.trim_end().to_owned(),
            Some(Fault::PartitionsIgnoreCase) => partition.to_lowercase(),
            _ => partition.to_owned(),
        };
        (mapping, partition)
    }

    fn text(&self, text: &str) -> String {
        match self.fault {
            Some(Fault::AsciiOnly) => text.replace(|letter: char| !letter.is_ascii(), "?"),
            Some(Fault::CutsTexts) => text.chars().take(65_535).collect(),
            Some(Fault::LineFeedsOnly) => text.replace("\r\n", "\n"),
            Some(Fault::NormalizesText) => text.replace("e\u{301}", "\u{e9}"),
            Some(Fault::TrimsText) => text.trim().to_owned(),
            _ => text.to_owned(),
        }
    }

    /// Tells whether a commit of the row comes too late.
    fn is_late(&self, kept: &Contents, row: &StoredCheckpoint) -> bool {
        let key = self.key(row.mapping, &row.partition);
        let known = if self.has(Fault::FenceOfWholeMapping) {
            let fences = kept.fences.iter();
            let own = fences.filter(|((mapping, _), _)| *mapping == row.mapping);
            own.map(|(_, fence)| *fence).max()
        } else {
            kept.fences.get(&key).copied()
        };
        let Some(known) = known else { return false };
        match self.fault {
            Some(Fault::IgnoresFences) => false,
            Some(Fault::SameFenceIsRefused) => known >= row.fence,
            Some(Fault::FencesAreFloats) => known as f64 > row.fence as f64,
            Some(Fault::FencesAreSigned) => known.cast_signed() > row.fence.cast_signed(),
            Some(Fault::FencesAreTexts) => known.to_string() > row.fence.to_string(),
            _ => known > row.fence,
        }
    }

    fn refusal(&self, row: &StoredCheckpoint) -> Result<(), StoreError> {
        match self.fault {
            Some(Fault::FencedIsIo) => Err(io("a newer one is there")),
            Some(Fault::FencedIsSuccess) => Ok(()),
            Some(Fault::FencedNamesNothing) => Err(StoreError::Fenced(String::new())),
            _ => Err(StoreError::Fenced(row.partition.clone())),
        }
    }

    fn write(&self, kept: &mut Contents, row: &StoredCheckpoint) {
        let (key, mut row) = (self.key(row.mapping, &row.partition), row.clone());
        if self.has(Fault::CheckpointsLosePlace) {
            row = with_place(row, |text| text.chars().take(65_535).collect());
        }
        kept.fences.insert(key.clone(), row.fence);
        kept.rows.insert(key, row);
    }

    async fn committed(&self, rows: &[StoredCheckpoint]) -> Result<(), StoreError> {
        let late: Vec<_> = {
            let mut state = self.lock();
            let to_check = if self.has(Fault::ChecksFirstFenceOnly) {
                1
            } else {
                rows.len()
            };
            let to_check = rows.iter().take(to_check);
            let late: Vec<_> = to_check
                .filter(|row| self.is_late(&state.now, row))
                .collect();
            if let Some(first) = late.first() {
                for row in rows {
                    if self.has(Fault::KeepsRowsBeforeFenced) && row == *first {
                        break;
                    }
                    let left = self.has(Fault::FencedRowsAreLeftOut) && !late.contains(&row);
                    if left || self.has(Fault::KeepsRowsBeforeFenced) {
                        self.write(&mut state.now, row);
                    }
                }
            }
            late
        };
        if let Some(row) = late.first() {
            return self.refusal(row);
        }
        if self.has(Fault::CommitChecksThenWrites) {
            yield_now().await;
        }
        if self.has(Fault::CommitReadsAndWritesAll) {
            let before = self.lock().now.rows.clone();
            yield_now().await;
            self.lock().now.rows = before;
        }
        for (index, row) in rows.iter().enumerate() {
            if self.has(Fault::CommitInSteps) && index > 0 {
                yield_now().await;
            }
            self.write(&mut self.lock().now, row);
        }
        Ok(())
    }

    async fn removed(&self, mapping: Uuid) {
        let goes = |owner: &Uuid| match self.fault {
            Some(Fault::RemoveByPrefix) => prefix(*owner) == prefix(mapping),
            Some(Fault::RemovesAllCheckpoints) => true,
            Some(Fault::RemoveLeavesCheckpoints) => false,
            _ => *owner == mapping,
        };
        let stays = |(owner, _): &Key| !goes(owner);
        self.lock().now.rows.retain(|key, _| stays(key));
        if !self.has(Fault::RemoveLeavesFence) {
            self.lock().now.fences.retain(|key, _| stays(key));
        }
        if self.has(Fault::RemoveInSteps) {
            yield_now().await;
        }
        self.lock().now.mappings.remove(&mapping);
    }

    async fn keep(&self, rows: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        if self.has(Fault::CommitWaitsForDropped) {
            while self.lock().is_busy {
                sleep(Duration::from_secs(1)).await;
            }
            self.lock().is_busy = true;
            yield_now().await;
            self.lock().is_busy = false;
        }
        self.committed(&rows).await?;
        self.end(Fault::CommitIsLost);
        Ok(())
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn load(&self) -> Result<Vec<StoredMapping>, StoreError> {
        if self.has(Fault::LoadNeverAnswers) {
            pending().await
        }
        let mut found: Vec<_> = self.lock().now.mappings.values().cloned().collect();
        match self.fault {
            Some(Fault::LoadGivesOnePage) => found.truncate(100),
            Some(Fault::LoadsTwice) => found.extend(found.clone().last().cloned()),
            Some(Fault::AnswersInAnotherOrder) => found.reverse(),
            _ => {}
        }
        Ok(found)
    }

    async fn put(&self, mapping: StoredMapping) -> Result<(), StoreError> {
        let uuid = mapping.uuid;
        let mapping = with_text(mapping, |text| self.text(text));
        if self.has(Fault::PutReadsAndWritesAll) {
            let before = self.lock().now.mappings.clone();
            yield_now().await;
            self.lock().now.mappings = before;
        }
        if self.has(Fault::PutDropsCheckpoints) {
            self.lock().now.rows.retain(|(owner, _), _| *owner != uuid);
        }
        if self.has(Fault::PutKeepsFirst) {
            self.lock().now.mappings.entry(uuid).or_insert(mapping);
        } else {
            self.lock().now.mappings.insert(uuid, mapping);
        }
        self.end(Fault::PutIsLost);
        Ok(())
    }

    async fn remove(&self, mapping: Uuid) -> Result<(), StoreError> {
        let is_there = self.lock().now.mappings.contains_key(&mapping);
        if self.has(Fault::RemoveUnknownFails) && !is_there {
            return Err(io("no such mapping"));
        }
        if self.has(Fault::DroppedCallsGoOn) {
            let store = self.clone();
            tokio::spawn(async move { store.removed(mapping).await })
                .await
                .unwrap();
        } else {
            self.removed(mapping).await;
        }
        self.end(Fault::RemoveIsLost);
        Ok(())
    }

    async fn checkpoints(&self, mapping: Uuid) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let state = self.lock();
        if self.has(Fault::CheckpointsOfUnknownFail) && !state.now.mappings.contains_key(&mapping) {
            return Err(io("no such mapping"));
        }
        let rows = state.now.rows.values();
        let mut rows: Vec<_> = rows.filter(|row| row.mapping == mapping).cloned().collect();
        if self.has(Fault::AnswersInAnotherOrder) {
            rows.reverse();
        }
        Ok(rows)
    }

    async fn commit(&self, mut rows: Vec<StoredCheckpoint>) -> Result<(), StoreError> {
        let is_known = |row: &StoredCheckpoint| self.lock().now.mappings.contains_key(&row.mapping);
        match self.fault {
            Some(Fault::CommitNeverAnswers) => pending().await,
            Some(Fault::CommitTakesAtMost100) if rows.len() > 100 => {
                return Err(io("too many items in one transaction"));
            }
            Some(Fault::CommitKeepsFirst100) => rows.truncate(100),
            Some(Fault::CommitNeedsMapping) if !rows.iter().all(is_known) => {
                return Err(io("no such mapping"));
            }
            Some(Fault::KeepsNothingForUnknown) => rows.retain(is_known),
            Some(Fault::CommitReplacesAll) => {
                let replaced = |(owner, _): &Key| rows.iter().any(|row| row.mapping == *owner);
                self.lock().now.rows.retain(|key, _| !replaced(key));
            }
            Some(Fault::DroppedCallsGoOn) => {
                let store = self.clone();
                let commit = tokio::spawn(async move { store.keep(rows).await });
                return commit.await.unwrap();
            }
            _ => {}
        }
        self.keep(rows).await
    }

    async fn forget(&self, mapping: Uuid, mut partitions: Vec<String>) -> Result<(), StoreError> {
        let known = self.lock().now.mappings.contains_key(&mapping);
        match self.fault {
            Some(Fault::ForgetsNothing) => return Ok(()),
            Some(Fault::ForgetUnknownFails) if !known => return Err(io("no such mapping")),
            Some(Fault::ForgetsFirstOnly) => partitions.truncate(1),
            _ => {}
        }
        let goes = |(owner, partition): &Key| match self.fault {
            Some(Fault::ForgetsAll) => *owner == mapping,
            Some(Fault::ForgetsInAllMappings) => partitions.contains(partition),
            Some(Fault::ForgetsByPrefix) => {
                let mut named = partitions.iter();
                *owner == mapping && named.any(|each| partition.starts_with(each))
            }
            _ => *owner == mapping && partitions.contains(partition),
        };
        self.lock().now.rows.retain(|key, _| !goes(key));
        if !self.has(Fault::ForgetLeavesFence) {
            self.lock().now.fences.retain(|key, _| !goes(key));
        }
        self.end(Fault::ForgetIsLost);
        Ok(())
    }
}
