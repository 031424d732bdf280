//! Where a mapping begins: what lies before that need not be processed, or must not be.

use std::collections::BTreeSet;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, ShardId, Start};

use super::case::Begin;
use super::ledger::Ledger;
use crate::world::clock::cut;
use crate::world::log::Stream;

/// What a new mapping found.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    /// Whether nothing was kept when this life began.
    pub(super) fresh: bool,
    listed: Option<BTreeSet<ShardId>>,
    listed_at: Timestamp,
    /// What the stream's clock showed then.
    showed: Timestamp,
    opened: BTreeSet<ShardId>,
    pub(super) kept_any: bool,
}

impl Beginning {
    /// Another life begins: as a new mapping, if nothing was ever kept.
    pub(super) fn died(&mut self) {
        *self = Self {
            fresh: !self.kept_any,
            kept_any: self.kept_any,
            ..Self::default()
        };
    }
}

impl Ledger {
    /// Tells whether a record of the time need not be processed, and whether it must not.
    pub(super) fn place(&self, arrival: Timestamp) -> (bool, bool) {
        match self.case.start {
            Begin::TrimHorizon => (false, false),
            // Those of them that the listing found may be passed over.
            Begin::Latest => (false, false),
            Begin::At(before) => {
                let start = self.case.beginning(before);
                let begin = cut(start, self.case.clock.claimed);
                (arrival < start, arrival < begin)
            }
        }
    }

    pub(super) fn listed(&mut self, now: Timestamp, stream: &Stream) {
        self.hear_clock(now);
        if self.beginning.listed.is_some() {
            return;
        }
        let listed = stream.shards.iter().filter(|(_, log)| !log.gone);
        let names: BTreeSet<ShardId> = listed.map(|(shard, _)| shard.clone()).collect();
        if self.case.start == Begin::Latest && self.beginning.fresh {
            names.iter().for_each(|shard| self.pass(stream, shard));
        }
        self.beginning.listed = Some(names);
        self.beginning.listed_at = now;
        self.beginning.showed = self.clock.shows(now);
    }

    pub(super) fn opened(&mut self, stream: &Stream, shard: &ShardId, from: &Start) {
        self.beginning.opened.insert(shard.clone());
        if *from != Start::Latest {
            return;
        }
        let known = self
            .beginning
            .listed
            .as_ref()
            .is_some_and(|listed| listed.contains(shard));
        assert!(
            known && self.beginning.fresh,
            "{shard} is opened at its end"
        );
        self.pass(stream, shard);
    }

    /// A new mapping that begins at the end says where that is: closed shards are taken as read, and of the
    /// others what shows an earlier time is not to be delivered, if they are opened by time.
    pub(super) fn begun_at_the_end(
        &mut self,
        stream: &Stream,
        shard: &ShardId,
        checkpoint: &Checkpoint,
    ) {
        let begins = self.case.start == Begin::Latest
            && self.beginning.fresh
            && !self.beginning.opened.contains(shard);
        if !begins {
            return;
        }
        let listed = self.beginning.listed.as_ref();
        let known = listed.is_some_and(|listed| listed.contains(shard));
        assert!(known, "{shard} begins at its end");
        match checkpoint.start {
            None => {}
            Some(Start::Timestamp(since)) => {
                self.check_beginning(since.millis());
                let begin = cut(since, self.case.clock.claimed);
                for record in &stream.shards[shard].records {
                    let entry = &mut self.entries[self.index[&record.sequence]];
                    if record.arrival < begin {
                        assert!(entry.before_start, "{entry:?} would be lost");
                        entry.forbidden = true;
                    }
                }
            }
            _ => panic!("{shard} begins at {checkpoint:?}"),
        }
    }

    /// A beginning is not later than the source's clock shows, and not much earlier: two seconds if it tells
    /// that, five minutes otherwise.
    fn check_beginning(&self, since: i64) {
        let now = self.beginning.listed_at;
        let margin = self.beginning.showed.0 - since;
        if self.case.clock.tells {
            assert!((1_000..2_000).contains(&margin), "{margin} ms");
        } else {
            assert_eq!(since, now.0 - 300_000);
        }
    }

    pub(super) fn pass(&mut self, stream: &Stream, shard: &ShardId) {
        for record in &stream.shards[shard].records {
            self.entries[self.index[&record.sequence]].before_start = true;
        }
    }
}
