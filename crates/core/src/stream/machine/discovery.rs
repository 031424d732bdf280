//! Which shards there are: what a listing says, and what follows from it.

use std::collections::BTreeSet;

use super::{Known, Stream, StreamMachine};
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::mapping::StartingPosition;
use crate::stream::action::{Action, CallId, ShardCheckpoint};
use crate::stream::checkpoint::{Checkpoint, KeptCheckpoint};
use crate::stream::port::{Listing, Shard as Listed, ShardId, Start};
use crate::stream::shard::{Shard, Stage};
use crate::stream::shard_discovery::beginnings::Beginnings;
use crate::stream::shard_discovery::forgetting::Forgetting;
use crate::stream::shard_discovery::lineage::Lineage;
use crate::stream::shard_discovery::listings::Seeing;
use crate::stream::shard_discovery::pages::MOST_SHARDS;
use crate::stream::shard_key::ShardKey;
use crate::stream::source_clock::SourceClock;
use crate::stream::totals::Totals;
use crate::time::{self, Timestamp};

impl StreamMachine {
    /// Lists the shards if it is time.
    pub(super) fn list(&mut self, now: Timestamp) {
        if self.draining {
            return;
        }
        self.keep_beginnings(now);
        let awaits_children = std::mem::take(&mut self.shared.awaits_children);
        if std::mem::take(&mut self.shared.list) || awaits_children {
            self.listings.hurry(now, awaits_children);
        }
        if self.listings.are_due(now) {
            let id = self.shared.next_call();
            self.listings.begin(now, id);
            self.shared.act(Action::List { id });
        }
    }

    /// A listing ended.
    pub(super) fn listed(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<Listing, SourceError>,
    ) {
        if !self.listings.ended(now, id) {
            return;
        }
        match result {
            Ok(listing) => {
                self.listings.succeeded(now, listing.problem.clone());
                if !self.draining {
                    self.take_listing(now, listing);
                }
            }
            Err(error) => {
                let random = &mut self.shared.random;
                let wait = self.listings.failed(now, error.clone(), random);
                self.shared.report(Decision::PollFailed {
                    error: error.message,
                    retry_ms: time::millis(wait),
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
        let others = |_: &ShardId, kept: &mut KeptCheckpoint| &kept.identity != identity;
        for (shard, _) in self.kept.extract_if(.., others) {
            self.forgetting.add(shard);
        }
        if recreated {
            self.forget_stream(now);
        }
        self.listings.set_crowded(false);
        let new = first && !recreated && self.kept.is_empty() && !self.config.assigned;
        let clock = self.stream.as_ref().map(|stream| stream.clock);
        let mut clock = clock.unwrap_or_else(SourceClock::new);
        clock.hear(now, &listing);
        let pushed = !listing.facts.longest_wait.is_zero();
        self.shared
            .slots
            .provide(self.config.shards_at_once, pushed);
        self.stream = Some(Stream {
            facts: listing.facts,
            clock,
        });
        self.drop_gone(&listed);
        if new && self.config.start != StartingPosition::TrimHorizon {
            self.begin(now, clock.before(now), listing.shards);
        } else {
            for shard in listing.shards {
                self.add(now, shard);
            }
        }
        if !first && !self.config.assigned {
            // This listing lacks them, as the one before did.
            for (shard, _) in std::mem::take(&mut self.kept) {
                self.forgetting.add(shard);
            }
        }
        for shard in &listed {
            self.forgetting.is_back(shard);
        }
        self.visits += listed.len() as u64;
        self.lineage.reconsider();
        self.break_rings();
        self.advance_all(now);
        self.forget_gone();
    }

    /// Forgets all shards of a stream that is no more.
    fn forget_stream(&mut self, now: Timestamp) {
        self.with_all(now, Shard::forgo_turns);
        let shards = std::mem::take(&mut self.shards).into_values();
        let mut abandoned = 0;
        for Known { shard, .. } in shards.map(|known| *known) {
            abandoned += shard.unsettled();
            self.forgetting.add(shard.id().clone());
        }
        self.totals = Totals::default();
        self.keys.clear();
        self.ownership.forget_listed();
        self.lineage = Lineage::default();
        self.shared.forget_all();
        self.beginnings = Beginnings::default();
        self.shared.report(Decision::StreamRecreated { abandoned });
    }

    /// Forgets the shards that the stream no longer has. One that is being read goes on until its end.
    fn drop_gone(&mut self, listed: &BTreeSet<ShardId>) {
        let (totals, lineage, listings) = (&mut self.totals, &mut self.lineage, &self.listings);
        self.shards.retain(|&key, known| {
            let shard = &mut known.shard;
            match known.seen.look(listings, listed.contains(shard.id())) {
                Seeing::There => {
                    shard.is_listed();
                    return true;
                }
                Seeing::Missing => return true,
                Seeing::Gone => shard.is_not_listed(),
            }
            let stays = shard.stage() == Stage::Running;
            if !stays {
                totals.forget(key);
                lineage.forget(key, shard.parents());
                self.keys.remove(shard.id());
                self.forgetting.add(shard.id().clone());
            }
            stays
        });
        self.ownership.keep_listed(listed);
    }

    /// Adds a shard that is not known yet: it goes on where it was, and else begins with its oldest record. One that
    /// is somebody else's is only remembered.
    pub(super) fn add(&mut self, now: Timestamp, listed: Listed) {
        // One whose checkpoint is being forgotten is taken from a later listing.
        if self.keys.contains_key(&listed.id) || self.forgetting.is_leaving(&listed.id) {
            return;
        }
        let Some(epoch) = self.ownership.epoch(&listed.id) else {
            self.ownership.found(listed);
            return;
        };
        // No listing has more; but there may be others that are read though they are listed no more.
        if self.shards.len() >= MOST_SHARDS {
            self.listings.set_crowded(true);
            return;
        }
        let kept = self.kept.remove(&listed.id);
        if self.ownership.begins(&listed.id) && kept.is_none() {
            return self.begin_assigned(now, listed, epoch);
        }
        let durable = kept.is_some();
        let checkpoint = kept.map(|kept| kept.checkpoint);
        let checkpoint = checkpoint.unwrap_or_else(|| Checkpoint::at(Start::TrimHorizon));
        self.insert(listed, epoch, (checkpoint, durable));
    }

    pub(super) fn insert(
        &mut self,
        listed: Listed,
        epoch: u64,
        checkpoint: (Checkpoint, bool),
    ) -> ShardKey {
        self.last_key += 1;
        let key = ShardKey(self.last_key);
        self.keys.insert(listed.id.clone(), key);
        let shard = Shard::new(key, listed, epoch, checkpoint, &self.config);
        if shard.stage() == Stage::Waiting {
            self.lineage.waits(key, shard.parents());
        }
        let seen = self.listings.find();
        self.shards.insert(key, Box::new(Known { shard, seen }));
        key
    }

    /// Begins a new mapping elsewhere than with the oldest records. `latest` is where `LATEST` is, by the source's
    /// clock and at the earliest.
    fn begin(&mut self, now: Timestamp, latest: Timestamp, shards: Vec<Listed>) {
        let mut checkpoints = Vec::new();
        for listed in shards {
            let checkpoint = beginning(self.config.start, latest, &listed);
            checkpoints.push(ShardCheckpoint {
                shard: listed.id.clone(),
                epoch: 0,
                checkpoint: checkpoint.clone(),
            });
            let open = !listed.closed;
            let key = self.insert(listed, 0, (checkpoint, true));
            let latest = open && self.config.start == StartingPosition::Latest;
            if let Some(known) = self.shards.get_mut(&key).filter(|_| latest) {
                known.shard.start_at_latest(now);
            }
        }
        self.beginnings = Beginnings::new(now, checkpoints);
    }

    fn keep_beginnings(&mut self, now: Timestamp) {
        let Some(stream) = &self.stream else { return };
        if self.beginnings.next_deadline().is_some_and(|at| at <= now) {
            let id = self.shared.next_call();
            let checkpoints = self.beginnings.commit(id);
            self.shared.act(Action::Commit {
                id,
                identity: stream.facts.identity.clone(),
                checkpoints,
            });
        }
    }

    /// The commit of the beginnings ended.
    pub(super) fn beginnings_kept(&mut self, now: Timestamp, result: Result<(), String>) {
        let Err(error) = result else {
            return self.beginnings.succeeded();
        };
        let failed = self.beginnings.failed(now, &error, &mut self.shared.random);
        if let Some((wait, shard)) = failed {
            self.shared.report(Decision::CommitFailed {
                shard,
                error,
                retry_ms: time::millis(wait),
            });
        }
    }

    /// Has checkpoints forgotten. Not before the children have durable ones; and never the last one, since a
    /// mapping without any is taken for a new one, which may begin with its newest records.
    fn forget_gone(&mut self) {
        if self.config.assigned {
            // Who assigns shards also forgets their checkpoints.
            self.forgetting = Forgetting::default();
            return;
        }
        if !self.forgetting.is_due() || self.beginnings.are_pending() {
            return;
        }
        let shards = self.shards.values().map(|known| &known.shard);
        let (kept, unkept): (Vec<_>, Vec<_>) = shards.partition(|shard| shard.is_durable());
        if kept.is_empty() {
            return;
        }
        let needed: BTreeSet<&ShardId> = unkept.iter().flat_map(|child| child.parents()).collect();
        let id = || self.shared.next_call();
        if let Some((id, shards)) = self.forgetting.begin(id, &needed) {
            self.shared.act(Action::Forget { id, shards });
        }
    }

    /// Tells whether all that comes into the stream from now on will be read, also at `LATEST`: its shards
    /// are listed, where they begin is kept, and those that are to be read are open.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.stream.is_some()
            && !self.beginnings.are_pending()
            && !self.has_starters()
            && self.totals.all_are_open()
    }
}

/// Returns where a shard begins for a new mapping. `latest` is where `LATEST` is, by the source's clock.
pub(super) fn beginning(start: StartingPosition, latest: Timestamp, listed: &Listed) -> Checkpoint {
    match start {
        StartingPosition::TrimHorizon => Checkpoint::at(Start::TrimHorizon),
        StartingPosition::AtTimestamp(time) => Checkpoint::at(Start::Timestamp(time)),
        StartingPosition::Latest if listed.closed => Checkpoint::END,
        StartingPosition::Latest => Checkpoint::at(Start::Timestamp(latest)),
    }
}
