//! Which shards the process owns: all that there are, or those that are assigned to it.
//!
//! Where shards are assigned, by a consumer group or by leases, a shard that is listed is not read before it is
//! [acquired](super::Input::Acquired), under an epoch that grows with each change of the owner. When it is
//! [lost](super::Input::Lost), whatever this process has of it is dropped in the same step: nothing of it is settled, told to
//! a destination or committed any more, and answers that come late find nobody, since the shard has another
//! [key](super::shard_key::ShardKey) when it comes back. A commit that was on its way may still arrive; so each carries its epoch, and a
//! store refuses what is older than it has. What a lost batch did in the function happens once more under the next
//! owner: at most one batch of each lane.
//!
//! An owner that is asked to let go, as a group's revoke call-back does, has until then what is settled in the commits
//! on their way: it waits for their answers, within its bound, and then says that the shard is lost.
//!
//! Parents: a child waits for those of its parents that this process owns, and for one that it has lost until that is
//! acquired again, at [its end](super::Checkpoint::END) if its next owner has come so far, or listed no more. That parents
//! which were never this process's are over before a child is assigned to it is for who assigns them.

use std::collections::{BTreeMap, BTreeSet};

use super::port::{Shard as Listed, ShardId};

/// Who owns which shards.
#[derive(Debug)]
pub(super) enum Ownership {
    /// The process owns all.
    All,
    /// Somebody assigns them.
    Assigned {
        /// What was told of each shard last.
        assignments: BTreeMap<ShardId, Assignment>,
        /// Those that are listed and not owned.
        others: BTreeMap<ShardId, Listed>,
    },
}

/// What was told last of who owns a shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    epoch: u64,
    /// Whether the process owns it.
    owned: bool,
    /// Whether it begins where the mapping says, since nobody has settled anything of it.
    begins: bool,
}

impl Ownership {
    pub(super) const fn new(assigned: bool) -> Self {
        if assigned {
            Self::Assigned {
                assignments: BTreeMap::new(),
                others: BTreeMap::new(),
            }
        } else {
            Self::All
        }
    }

    /// Returns the epoch under which the process owns a shard; `None` if it does not.
    pub(super) fn epoch(&self, shard: &ShardId) -> Option<u64> {
        match self {
            Self::All => Some(0),
            Self::Assigned { assignments, .. } => {
                let owned = assignments.get(shard).filter(|told| told.owned);
                owned.map(|told| told.epoch)
            }
        }
    }

    /// Tells, once, whether a shard that was acquired begins where the mapping says.
    pub(super) fn begins(&mut self, shard: &ShardId) -> bool {
        match self {
            Self::All => false,
            Self::Assigned { assignments, .. } => {
                let told = assignments.get_mut(shard);
                told.is_some_and(|told| std::mem::take(&mut told.begins))
            }
        }
    }

    /// Tells whether the process has lost a shard, and does not own it again.
    pub(super) fn is_lost(&self, shard: &ShardId) -> bool {
        match self {
            Self::All => false,
            Self::Assigned {
                assignments,
                others,
            } => others.contains_key(shard) && assignments.contains_key(shard),
        }
    }

    /// A shard was found that the process does not own.
    pub(super) fn found(&mut self, listed: Listed) {
        if let Self::Assigned { others, .. } = self {
            others.insert(listed.id.clone(), listed);
        }
    }

    /// Forgets the shards of others that are not listed.
    pub(super) fn keep_listed(&mut self, listed: &BTreeSet<ShardId>) {
        if let Self::Assigned { others, .. } = self {
            others.retain(|id, _| listed.contains(id));
        }
    }

    /// Forgets the shards of others: the stream is another one.
    pub(super) fn forget_listed(&mut self) {
        self.keep_listed(&BTreeSet::new());
    }

    /// Takes it that the process owns a shard. Returns whether that is news.
    pub(super) fn acquire(&mut self, shard: &ShardId, epoch: u64, begins: bool) -> bool {
        let Self::Assigned { assignments, .. } = self else {
            return false;
        };
        let is_news = assignments.get(shard).is_none_or(|told| epoch > told.epoch);
        if is_news {
            let assignment = Assignment {
                epoch,
                owned: true,
                begins,
            };
            assignments.insert(shard.clone(), assignment);
        }
        is_news
    }

    /// Takes it that the process owns a shard no more. Returns whether that is news.
    pub(super) fn lose(&mut self, shard: &ShardId, epoch: u64) -> bool {
        let Self::Assigned { assignments, .. } = self else {
            return false;
        };
        let told = assignments.get_mut(shard);
        told.filter(|told| told.epoch == epoch)
            .is_some_and(|told| std::mem::replace(&mut told.owned, false))
    }

    /// Returns a shard that was listed while it was somebody else's.
    pub(super) fn take(&mut self, shard: &ShardId) -> Option<Listed> {
        match self {
            Self::All => None,
            Self::Assigned { others, .. } => others.remove(shard),
        }
    }
}
