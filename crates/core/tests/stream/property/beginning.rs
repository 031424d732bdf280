//! Where a mapping begins: what lies before that need not be processed, or must not be.

use std::collections::BTreeSet;

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, Place, ShardId, StartAt};

use super::case::Begin;
use super::ledger::Ledger;
use crate::mapping::START;
use crate::world::log::Stream;

/// What a new mapping found.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    /// Whether nothing was kept when this life began.
    pub(super) fresh: bool,
    listed: Option<BTreeSet<ShardId>>,
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
            // Whether one that came about then was in time is known when its shard is opened.
            Begin::Latest => {
                let early = arrival.0 < START.0 - 1_000;
                (early, early)
            }
            Begin::At(before) => {
                let start = START.0 - i64::try_from(before).unwrap();
                let earlier_second = arrival.0.div_euclid(1000) < start.div_euclid(1000);
                (arrival.0 < start, earlier_second)
            }
        }
    }

    pub(super) fn listed(&mut self, stream: &Stream) {
        let listed = stream.shards.iter().filter(|(_, log)| !log.gone);
        let names = || listed.map(|(shard, _)| shard.clone()).collect();
        self.beginning.listed.get_or_insert_with(names);
    }

    pub(super) fn opened(&mut self, stream: &Stream, shard: &ShardId, from: &StartAt) {
        self.beginning.opened.insert(shard.clone());
        if *from != StartAt::Latest {
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

    /// A new mapping that begins at the end says where that is: closed shards are taken as read, and records
    /// that came before the shards were listed as old.
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
        match checkpoint.place {
            Place::End => {
                assert!(known, "{shard} is taken as read");
                self.pass(stream, shard);
            }
            Place::Since(since) => {
                assert!(known, "{shard} begins at its end");
                for record in &stream.shards[shard].records {
                    self.entries[self.index[&record.sequence]].before_start |=
                        record.arrival.0 < since;
                }
            }
            _ => {}
        }
    }

    pub(super) fn pass(&mut self, stream: &Stream, shard: &ShardId) {
        for record in &stream.shards[shard].records {
            self.entries[self.index[&record.sequence]].before_start = true;
        }
    }
}
