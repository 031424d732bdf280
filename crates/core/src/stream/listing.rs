//! Which shards there are, and where each begins.

use std::collections::BTreeSet;
use std::time::Duration;

use super::action::{Action, CallId};
use super::answering::millis;
use super::checkpoint::{Checkpoint, Place};
use super::clock::SourceClock;
use super::lineage::Lineage;
use super::machine::{Stream, StreamMachine};
use super::pages::MOST_SHARDS;
use super::port::{Listing, Shard as Listed, ShardId};
use super::shard::{Shard, ShardKey, Stage};
use super::tally::Tally;
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::mapping::StartingPosition;
use crate::time::Timestamp;

/// How often shards are listed. Lambda documents no interval.
const INTERVAL: Duration = Duration::from_secs(10);
/// How many listings follow each other quickly when a shard has ended without naming its children.
const AWAITING: u32 = 10;
/// The shortest time between two listings.
const SHORTEST: Duration = Duration::from_secs(1);

/// What the machine knows of its listings.
#[derive(Debug)]
pub(super) struct Directory {
    open: Option<CallId>,
    /// When to list next.
    due: Timestamp,
    /// When the last listing began.
    began: Timestamp,
    last: Option<Timestamp>,
    failures: u32,
    last_key: u32,
    /// Where the shards of a new mapping begin, on its way to the store: none is read before.
    beginnings: Option<Beginnings>,
    /// How many listings are still to come soon, since a shard has ended and its children are not known.
    awaiting: u32,
    /// How many listings have begun.
    begun: u64,
    /// Whether there are shards that are not read, since there are too many of them.
    is_crowded: bool,
    /// Why the shards cannot be listed, while that is so.
    problem: Option<String>,
    /// Why the beginnings cannot be kept, while that is so.
    pub(super) store_problem: Option<String>,
}

#[derive(Debug)]
struct Beginnings {
    /// The commit under way; `None` while a failed one waits.
    open: Option<CallId>,
    checkpoints: Vec<(ShardId, Checkpoint)>,
    failures: u32,
    not_before: Timestamp,
}

impl Directory {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            open: None,
            due: now,
            began: now,
            last: None,
            failures: 0,
            last_key: 0,
            beginnings: None,
            awaiting: 0,
            begun: 0,
            is_crowded: false,
            problem: None,
            store_problem: None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let list = self.open.is_none().then_some(self.due);
        let waiting = self
            .beginnings
            .as_ref()
            .filter(|waiting| waiting.open.is_none());
        list.into_iter()
            .chain(waiting.map(|waiting| waiting.not_before))
            .min()
    }

    /// Returns why shards cannot be listed or read, while that is so.
    pub(super) fn problem(&self) -> Option<String> {
        let crowded = || {
            let text = format!("more than {MOST_SHARDS} shards: the others are not read");
            self.is_crowded.then_some(text)
        };
        self.problem.clone().or_else(crowded)
    }

    /// Tells whether this call keeps the beginnings of a new mapping.
    pub(super) fn is_opening(&self, id: CallId) -> bool {
        let open = self.beginnings.as_ref().and_then(|each| each.open);
        open == Some(id)
    }
}

impl StreamMachine {
    /// Lists the shards if it is time.
    pub(super) fn list(&mut self, now: Timestamp) {
        if self.draining {
            return;
        }
        self.keep_beginnings(now);
        if std::mem::take(&mut self.out.awaits_children) {
            self.out.list = true;
            self.directory.awaiting = AWAITING;
        }
        if std::mem::take(&mut self.out.list) {
            let soon = self
                .directory
                .last
                .map_or(now, |last| now.max(last + SHORTEST));
            self.directory.due = self.directory.due.min(soon);
        }
        if self.directory.open.is_none() && self.directory.due <= now {
            let id = self.out.next_call();
            self.directory.open = Some(id);
            self.directory.begun += 1;
            self.directory.began = now;
            self.out.actions.push_back(Action::List { id });
        }
    }

    pub(super) fn listed(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<Listing, SourceError>,
    ) {
        if self.directory.open != Some(id) {
            return;
        }
        self.directory.open = None;
        self.directory.last = Some(now);
        match result {
            Ok(listing) => {
                if self.directory.failures > 0 {
                    self.directory.problem = None;
                }
                self.directory.failures = 0;
                let awaits = self.directory.awaiting > 0;
                self.directory.awaiting = self.directory.awaiting.saturating_sub(1);
                // One that takes long is not to keep the source busy all the time.
                let took = now.since(self.directory.began);
                self.directory.due = now
                    + if awaits {
                        SHORTEST.max(took)
                    } else {
                        INTERVAL.max(10 * took)
                    };
                if !self.draining {
                    self.take_listing(now, listing);
                }
            }
            Err(error) => {
                self.directory.failures = self.directory.failures.saturating_add(1);
                let wait = Backoff::SOURCE.wait(self.directory.failures, &mut self.out.random);
                self.directory.due = now + wait;
                self.directory.problem = Some(error.message.clone());
                self.out.report(Decision::PollFailed {
                    error: error.message,
                    retry_ms: millis(wait),
                });
            }
        }
    }

    fn take_listing(&mut self, now: Timestamp, listing: Listing) {
        let identity = &listing.facts.identity;
        let before = self.stream.as_ref().map(|stream| &stream.facts.identity);
        let first = before.is_none();
        // A stream made anew holds nothing that was settled before, nor what was not.
        let recreated = match before {
            Some(before) => before != identity,
            None => {
                let kept = &self.kept;
                !kept.is_empty() && kept.values().all(|kept| &kept.identity != identity)
            }
        };
        let listed: BTreeSet<ShardId> = listing
            .shards
            .iter()
            .map(|shard| shard.id.clone())
            .collect();
        for (shard, _) in self
            .kept
            .extract_if(.., |_, kept| &kept.identity != identity)
        {
            self.gone.add(shard);
        }
        if recreated {
            self.forget_stream();
        }
        self.directory.is_crowded = false;
        let new = first && !recreated && self.kept.is_empty();
        let clock = self.stream.as_ref().map(|stream| stream.clock);
        let mut clock = clock.unwrap_or_else(SourceClock::new);
        clock.hear(now, &listing);
        let pushed = !listing.facts.longest_wait.is_zero();
        self.out.seats.provide(self.config.shards_at_once, pushed);
        self.stream = Some(Stream {
            facts: listing.facts,
            clock,
        });
        self.drop_gone(&listed);
        if new && self.config.start != StartingPosition::TrimHorizon {
            self.begin(now, clock.before(now), listing.shards);
        } else {
            for shard in listing.shards {
                self.add(shard);
            }
        }
        if !first {
            // This listing lacks them, as the one before did.
            for (shard, _) in std::mem::take(&mut self.kept) {
                self.gone.add(shard);
            }
        }
        for shard in &listed {
            self.gone.is_back(shard);
        }
        self.out.visits += listed.len() as u64;
        self.lineage.reconsider();
        self.break_rings();
        self.advance_all(now);
        self.forget_gone();
    }

    /// Forgets all shards of a stream that is no more.
    fn forget_stream(&mut self) {
        let lanes = self.shards.values_mut().flat_map(|shard| &mut shard.lanes);
        for lane in lanes {
            lane.forgo(&mut self.out);
        }
        let abandoned = self.shards.values().map(|shard| shard.ledger.unsettled());
        let abandoned = abandoned.sum();
        for shard in std::mem::take(&mut self.shards).into_values() {
            self.gone.add(shard.id);
        }
        self.tally = Tally::default();
        self.keys.clear();
        self.lineage = Lineage::default();
        // Reads that are still under way keep their seats.
        let seats = &mut self.out.seats;
        seats.clear_lines();
        self.out.calls.retain(|_, key| seats.has(*key));
        self.out.flights.clear();
        self.out.timers.clear();
        self.directory.beginnings = None;
        self.out.report(Decision::StreamRecreated { abandoned });
    }

    /// Forgets the shards that the stream no longer has: two listings in a row must say so, since one may
    /// be old. One that is being read goes on until its end.
    fn drop_gone(&mut self, listed: &BTreeSet<ShardId>) {
        let begun = self.directory.begun;
        let (tally, gone, lineage) = (&mut self.tally, &mut self.gone, &mut self.lineage);
        self.shards.retain(|_, shard| {
            let is_news = shard.found < begun;
            shard.needs_listing &= !is_news;
            if listed.contains(&shard.id) || !is_news {
                shard.reader.gone = false;
                shard.missing = 0;
                return true;
            }
            shard.missing += 1;
            if shard.missing < 2 {
                return true;
            }
            if shard.stage == Stage::Running && shard.reader.gone {
                shard.reader.end();
            }
            let stays = shard.stage == Stage::Running;
            if !stays {
                tally.forget(shard.key);
                lineage.forget(shard);
                self.keys.remove(&shard.id);
                gone.add(shard.id.clone());
            }
            stays
        });
    }

    /// Adds a shard that is not known yet: it goes on where it was, and else begins with its oldest record.
    pub(super) fn add(&mut self, listed: Listed) {
        // One whose position is being forgotten is taken from a later listing.
        if self.keys.contains_key(&listed.id) || self.gone.is_leaving(&listed.id) {
            return;
        }
        // No listing has more; but there may be others that are read though they are listed no more.
        if self.shards.len() >= MOST_SHARDS {
            self.directory.is_crowded = true;
            return;
        }
        let kept = self.kept.remove(&listed.id);
        let durable = kept.is_some();
        let checkpoint = kept.map(|kept| kept.checkpoint);
        let checkpoint = checkpoint.unwrap_or_else(|| Checkpoint::at(Place::TrimHorizon));
        self.insert(listed, checkpoint, durable);
    }

    fn insert(&mut self, listed: Listed, checkpoint: Checkpoint, durable: bool) -> ShardKey {
        self.directory.last_key += 1;
        let key = ShardKey(self.directory.last_key);
        self.keys.insert(listed.id.clone(), key);
        let mut shard = Shard::new(key, listed, checkpoint, durable, &self.config);
        shard.found = self.directory.begun;
        if shard.stage == Stage::Waiting {
            self.lineage.waits(&shard);
        }
        self.shards.insert(key, Box::new(shard));
        key
    }

    /// Begins a new mapping elsewhere than with the oldest records. Where is kept first: after a restart
    /// these shards must not be taken for later ones, which begin with their oldest records. `latest` is where
    /// `LATEST` is, by the source's clock and at the earliest.
    fn begin(&mut self, now: Timestamp, latest: Timestamp, shards: Vec<Listed>) {
        let mut checkpoints = Vec::new();
        for listed in shards {
            let place = match self.config.start {
                StartingPosition::AtTimestamp(time) => Place::Since(time.millis()),
                _ if listed.closed => Place::End,
                _ => Place::Since(latest.millis()),
            };
            let checkpoint = Checkpoint::at(place);
            checkpoints.push((listed.id.clone(), checkpoint.clone()));
            let open = !listed.closed;
            let key = self.insert(listed, checkpoint, true);
            let latest = open && self.config.start == StartingPosition::Latest;
            if let Some(shard) = self.shards.get_mut(&key).filter(|_| latest) {
                shard.reader.start_at_latest(now);
            }
        }
        if !checkpoints.is_empty() {
            self.directory.beginnings = Some(Beginnings {
                open: None,
                checkpoints,
                failures: 0,
                not_before: now,
            });
        }
    }

    /// Tells whether the beginnings of a new mapping are still to be kept.
    pub(super) const fn is_beginning(&self) -> bool {
        self.directory.beginnings.is_some()
    }

    fn keep_beginnings(&mut self, now: Timestamp) {
        let Some(stream) = &self.stream else { return };
        let Some(beginnings) = &mut self.directory.beginnings else {
            return;
        };
        if beginnings.open.is_some() || beginnings.not_before > now {
            return;
        }
        let id = self.out.next_call();
        beginnings.open = Some(id);
        self.out.actions.push_back(Action::Commit {
            id,
            identity: stream.facts.identity.clone(),
            checkpoints: beginnings.checkpoints.clone(),
        });
    }

    pub(super) fn beginnings_kept(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<(), String>,
    ) {
        let Some(beginnings) = &mut self.directory.beginnings else {
            return;
        };
        debug_assert_eq!(beginnings.open, Some(id));
        let Err(error) = result else {
            self.directory.beginnings = None;
            self.directory.store_problem = None;
            return;
        };
        beginnings.open = None;
        beginnings.failures = beginnings.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(beginnings.failures, &mut self.out.random);
        beginnings.not_before = now + wait;
        let (shard, _) = &beginnings.checkpoints[0];
        self.directory.store_problem = Some(format!("positions cannot be kept: {error}"));
        self.out.report(Decision::CommitFailed {
            shard: shard.clone(),
            error,
            retry_ms: millis(wait),
        });
    }

    /// Tells whether all that comes into the stream from now on will be read, also at `LATEST`: its shards
    /// are listed, where they begin is kept, and those that are to be read are open.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.stream.is_some()
            && !self.is_beginning()
            && !self.has_starters()
            && self.tally.all_are_open()
    }
}
