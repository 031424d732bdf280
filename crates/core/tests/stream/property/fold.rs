//! Tumbling windows, folded a second time beside the function.

use std::collections::BTreeMap;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, ShardId};
use serde_json::Value;

use crate::world::call::Window;

/// A window and what it has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fold {
    start: i64,
    seen: Vec<Arc<str>>,
}

#[derive(Default)]
pub(super) struct Folds {
    now: BTreeMap<ShardId, Fold>,
    /// As of the last checkpoint that was kept.
    kept: BTreeMap<ShardId, Fold>,
}

impl Folds {
    /// The function gets the state that the window has, and only records that belong to it: of its time, or
    /// late ones.
    pub(super) fn called(
        &mut self,
        length: u64,
        shard: &ShardId,
        window: &Window,
        arrivals: impl Iterator<Item = Timestamp>,
    ) {
        let (start, end) = (window.start().0, window.end().0);
        let length = i64::try_from(length).unwrap() * 1000;
        assert!(start % length == 0 && end == start + length, "{window:?}");
        assert!(!window.early || window.is_final, "{window:?}");
        let fold = self.now.entry(shard.clone()).or_insert(Fold {
            start,
            seen: Vec::new(),
        });
        if fold.seen.is_empty() && !window.is_final {
            // Nothing was processed in the window before, or there was none.
            fold.start = start;
        }
        assert_eq!(
            fold.start, start,
            "another window while {fold:?} is open: {window:?}"
        );
        assert_eq!(seen(window.state.get()), fold.seen, "{window:?}");
        for arrival in arrivals {
            assert!(
                arrival.0 < end,
                "a record of a later window: {arrival:?} in {window:?}"
            );
        }
    }

    pub(super) fn answered(&mut self, shard: &ShardId, window: &Window, processed: &[Arc<str>]) {
        if window.is_final {
            self.now.remove(shard);
        } else {
            let fold = self.now.get_mut(shard).expect("an open window");
            fold.seen.extend(processed.iter().cloned());
        }
    }

    pub(super) fn dropped(&mut self, shard: &ShardId, start: i64) {
        let fold = self.now.remove(shard);
        assert!(
            fold.is_none_or(|fold| fold.start == start),
            "another window is dropped"
        );
    }

    pub(super) fn committed(&mut self, shard: &ShardId, checkpoint: &Checkpoint, kept: bool) {
        let state = checkpoint
            .window
            .as_ref()
            .map(|window| seen(window.state.get()));
        let now = self.now.get(shard).map(|fold| fold.seen.clone());
        assert_eq!(
            state.unwrap_or_default(),
            now.unwrap_or_default(),
            "of {shard}"
        );
        if kept {
            match self.now.get(shard) {
                Some(fold) => self.kept.insert(shard.clone(), fold.clone()),
                None => self.kept.remove(shard),
            };
        }
    }

    pub(super) fn died(&mut self) {
        self.now = self.kept.clone();
    }

    pub(super) fn are_closed(&self) -> bool {
        self.now.values().all(|fold| fold.seen.is_empty())
    }
}

fn seen(state: &str) -> Vec<Arc<str>> {
    let state: Value = serde_json::from_str(state).expect("a state");
    let seen = state["seen"].as_str().unwrap_or_default();
    seen.split_whitespace().map(Arc::from).collect()
}
