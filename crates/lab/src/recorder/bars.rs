//! Batches one by one, as far as a page can show them.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm_core::decision::{AfterFailure, Decision};
use lambda_esm_core::stream::ShardId;

use super::figures::word;
use crate::report::{Attempt, BatchBar, Lane, LogLine, Outcome, Timeline};

/// How many batches all timelines show together.
const MOST: usize = 1500;

/// The batches of one mapping that may be shown: the first ones, those around failures, and every so often one of the others.
#[derive(Debug)]
pub(super) struct Bars {
    /// How many may be kept for each of the three reasons.
    first: usize,
    troubled: usize,
    sampled: usize,
    /// How many are.
    kept: [usize; 3],
    /// One in so many is a sample.
    stride: u64,
    closed: u64,
    bars: BTreeMap<u64, Bar>,
    /// Which lanes of a shard are taken.
    taken: BTreeMap<Option<ShardId>, BTreeSet<usize>>,
}

/// Why a batch is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Not yet: only if something goes wrong with it.
    No,
    First,
    Troubled,
    Sampled,
}

#[derive(Debug)]
struct Bar {
    kept: Kept,
    is_over: bool,
    shard: Option<ShardId>,
    slot: usize,
    bar: BatchBar,
    /// What was decided, in words only once it is shown.
    log: Vec<(u64, Decision)>,
    /// When the try under way began.
    began: Option<u64>,
}

impl Bars {
    /// `mappings` share what all may show.
    pub(super) fn new(mappings: usize) -> Self {
        let share = MOST / mappings.max(1);
        Self {
            first: share * 2 / 5,
            troubled: share * 2 / 5,
            sampled: share / 5,
            kept: [0; 3],
            stride: 1,
            closed: 0,
            bars: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }

    /// Hears of a decision.
    pub(super) fn decide(&mut self, at_ms: u64, decision: &Decision) {
        let Some(batch) = decision.batch() else {
            return;
        };
        let batch = batch.0;
        match decision {
            Decision::BatchClosed {
                shard,
                reason,
                records,
                bytes,
                ..
            } => {
                let bar = BatchBar {
                    id: batch,
                    closed_ms: at_ms,
                    reason: word(reason),
                    records: *records as u64,
                    bytes: *bytes as u64,
                    ..BatchBar::default()
                };
                self.open(bar, shard.clone());
            }
            Decision::WindowEnding { shard, .. } => {
                let bar = BatchBar {
                    id: batch,
                    closed_ms: at_ms,
                    reason: "window_end".to_owned(),
                    ..BatchBar::default()
                };
                self.open(bar, Some(shard.clone()));
            }
            _ => {}
        }
        self.log(batch, at_ms, decision);
        match decision {
            Decision::Invoked { records, .. } => {
                if let Some(bar) = self.bars.get_mut(&batch) {
                    bar.bar.records = *records as u64;
                }
            }
            Decision::AttemptFailed { then, .. } => {
                self.trouble(batch);
                if let AfterFailure::Split { into } = then {
                    self.close(batch);
                    for half in into {
                        self.part(batch, half.0, at_ms, "bisect");
                    }
                }
            }
            Decision::PartlyProcessed { remaining, .. } => {
                self.trouble(batch);
                self.close(batch);
                self.part(batch, remaining.0, at_ms, "rest");
            }
            Decision::Deferred { .. } => self.trouble(batch),
            Decision::Failed { .. }
            | Decision::PartiallyFailed { .. }
            | Decision::Discarded { .. }
            | Decision::GivenUp { .. } => {
                self.trouble(batch);
                self.close(batch);
            }
            Decision::Succeeded { .. } => self.close(batch),
            _ => {}
        }
    }

    /// The function is called with a batch.
    pub(super) fn begin(&mut self, batch: u64, at_ms: u64, bytes: usize) {
        if let Some(bar) = self.bars.get_mut(&batch) {
            bar.began = Some(at_ms);
            bar.bar.bytes = bytes as u64;
        }
    }

    /// It has answered.
    pub(super) fn end(&mut self, batch: u64, at_ms: u64, outcome: Outcome) {
        if let Some(bar) = self.bars.get_mut(&batch)
            && let Some(began_ms) = bar.began.take()
        {
            bar.bar.attempts.push(Attempt {
                began_ms,
                ended_ms: at_ms,
                outcome,
            });
        }
    }

    /// Adds what is left of a batch, or a half of it.
    fn part(&mut self, of: u64, batch: u64, at_ms: u64, reason: &str) {
        let shard = self.bars.get(&of).and_then(|bar| bar.shard.clone());
        let is_shown = self.bars.contains_key(&of);
        let bar = BatchBar {
            id: batch,
            parent: is_shown.then_some(of),
            closed_ms: at_ms,
            reason: reason.to_owned(),
            ..BatchBar::default()
        };
        self.open(bar, shard);
        if is_shown {
            self.trouble(batch);
        }
    }

    fn open(&mut self, bar: BatchBar, shard: Option<ShardId>) {
        self.closed += 1;
        let taken = self.taken.entry(shard.clone()).or_default();
        let slot = (0..).find(|slot| !taken.contains(slot)).unwrap_or_default();
        taken.insert(slot);
        let batch = bar.id;
        let kept = if self.kept[0] < self.first {
            self.kept[0] += 1;
            Kept::First
        } else if batch.is_multiple_of(self.stride) && self.sampled > 0 {
            self.kept[2] += 1;
            Kept::Sampled
        } else {
            Kept::No
        };
        let bar = Bar {
            kept,
            is_over: false,
            shard,
            slot,
            bar,
            log: Vec::new(),
            began: None,
        };
        self.bars.insert(batch, bar);
        if self.kept[2] > self.sampled {
            self.thin_out();
        }
    }

    /// Keeps half of the samples.
    fn thin_out(&mut self) {
        self.stride *= 2;
        let stride = self.stride;
        let mut left = 0;
        self.bars.retain(|batch, bar| {
            if bar.kept != Kept::Sampled {
                return true;
            }
            if batch.is_multiple_of(stride) {
                left += 1;
                return true;
            }
            bar.kept = Kept::No;
            !bar.is_over
        });
        self.kept[2] = left;
    }

    fn log(&mut self, batch: u64, at_ms: u64, decision: &Decision) {
        let full = self.kept[1] >= self.troubled;
        if let Some(bar) = self.bars.get_mut(&batch)
            && !(full && bar.kept == Kept::No)
        {
            bar.log.push((at_ms, decision.clone()));
        }
    }

    /// Something went wrong with a batch.
    fn trouble(&mut self, batch: u64) {
        if let Some(bar) = self.bars.get_mut(&batch)
            && matches!(bar.kept, Kept::No | Kept::Sampled)
            && self.kept[1] < self.troubled
        {
            if bar.kept == Kept::Sampled {
                self.kept[2] -= 1;
            }
            bar.kept = Kept::Troubled;
            self.kept[1] += 1;
        }
    }

    /// A batch is over.
    fn close(&mut self, batch: u64) {
        let Some(bar) = self.bars.get_mut(&batch) else {
            return;
        };
        if !bar.is_over {
            bar.is_over = true;
            if let Some(taken) = self.taken.get_mut(&bar.shard) {
                taken.remove(&bar.slot);
            }
        }
        if bar.kept == Kept::No {
            self.bars.remove(&batch);
        }
    }

    /// Returns the timeline at the end, without the mapping's label.
    pub(super) fn timeline(self, end_ms: u64) -> Timeline {
        let mut kept: Vec<Bar> = self.bars.into_values().collect();
        kept.retain(|bar| bar.kept != Kept::No);
        kept.sort_by_key(|bar| (bar.bar.closed_ms, bar.bar.id));
        let shown: BTreeSet<u64> = kept.iter().map(|bar| bar.bar.id).collect();
        let lanes: BTreeSet<(Option<ShardId>, usize)> = kept
            .iter()
            .map(|bar| (bar.shard.clone(), bar.slot))
            .collect();
        let lanes: Vec<_> = lanes.into_iter().collect();
        let omitted = self.closed - kept.len() as u64;
        let batches = kept.into_iter().map(|mut bar| {
            if let Some(began_ms) = bar.began {
                bar.bar.attempts.push(Attempt {
                    began_ms,
                    ended_ms: end_ms,
                    outcome: Outcome::Open,
                });
            }
            let lane = lanes.binary_search(&(bar.shard, bar.slot));
            let log = bar.log.iter().map(|(at_ms, decision)| LogLine {
                at_ms: *at_ms,
                text: decision.to_string(),
            });
            BatchBar {
                lane: lane.unwrap_or_default(),
                parent: bar.bar.parent.filter(|parent| shown.contains(parent)),
                log: log.collect(),
                ..bar.bar
            }
        });
        Timeline {
            mapping: String::new(),
            batches: batches.collect(),
            lanes: lanes.iter().map(lane).collect(),
            omitted,
        }
    }
}

fn lane((shard, slot): &(Option<ShardId>, usize)) -> Lane {
    let number = slot + 1;
    let name = match shard {
        None => format!("{number}"),
        Some(shard) if *slot == 0 => shard.to_string(),
        Some(shard) => format!("{shard} ({number})"),
    };
    Lane { name }
}
