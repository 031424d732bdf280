//! A consumer group: who owns which partition, from where, and what is committed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_core::topic::{Beginning, beginning};

use super::balance::{MemberId, moves};
use super::log::PartitionLog;
use crate::ports::{Assignment, GroupEvent, OwnedPartition, PartitionOffset};

/// A member of a group, as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// Its number, in the order in which the members of all groups joined.
    pub id: u64,
    /// The partitions that it owns.
    pub partitions: Vec<i32>,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    committed: BTreeMap<i32, i64>,
    members: BTreeMap<MemberId, Member>,
    owners: BTreeMap<i32, Owner>,
}

#[derive(Debug)]
struct Member {
    start: StartingPosition,
    /// What it has not heard yet.
    events: VecDeque<GroupEvent>,
}

/// Who has a partition.
#[derive(Debug)]
struct Owner {
    member: MemberId,
    epoch: u64,
    /// Where the next fetch begins.
    position: i64,
    /// When it is lost that was asked back for.
    asked_until: Option<Timestamp>,
}

/// What a group must know of its topic to share it out.
pub(super) struct Rebalance<'a> {
    pub(super) logs: &'a [PartitionLog],
    /// The last epoch that was given out.
    pub(super) epoch: &'a mut u64,
    pub(super) now: Timestamp,
    pub(super) revoke_bound: Duration,
}

impl Group {
    /// Takes a member in, who hears of a `problem` before all else.
    pub(super) fn join(
        &mut self,
        id: MemberId,
        start: StartingPosition,
        problem: Option<SourceError>,
        with: &mut Rebalance<'_>,
    ) {
        let events = problem.into_iter().map(GroupEvent::Problem).collect();
        self.members.insert(id, Member { start, events });
        self.rebalance(Some(id), with);
    }

    pub(super) fn leave(&mut self, id: MemberId, with: &mut Rebalance<'_>) {
        if self.members.remove(&id).is_some() {
            self.owners.retain(|_, owner| owner.member != id);
            self.rebalance(None, with);
        }
    }

    /// Takes a member for dead, gives its partitions to the others, and lets it join again.
    pub(super) fn expel(&mut self, id: MemberId, with: &mut Rebalance<'_>) -> bool {
        let Some(mut member) = self.members.remove(&id) else {
            return false;
        };
        let lost = self.owned(id, |_| true);
        self.owners.retain(|_, owner| owner.member != id);
        if !lost.is_empty() {
            member.events.push_back(GroupEvent::Lost(lost));
        }
        self.rebalance(None, with);
        self.members.insert(id, member);
        self.rebalance(Some(id), with);
        true
    }

    /// Returns when the next partition is lost that was asked back for.
    pub(super) fn next_loss(&self) -> Option<Timestamp> {
        self.owners
            .values()
            .filter_map(|owner| owner.asked_until)
            .min()
    }

    /// Takes what was not let go of in time. Returns whether there was any.
    pub(super) fn lose_overdue(&mut self, with: &mut Rebalance<'_>) -> bool {
        let now = with.now;
        if self.next_loss().is_none_or(|next| next > now) {
            return false;
        }
        let overdue = |owner: &Owner| owner.asked_until.is_some_and(|until| until <= now);
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        for id in ids {
            let lost = self.owned(id, overdue);
            if !lost.is_empty() {
                self.tell(id, GroupEvent::Lost(lost));
            }
        }
        self.owners.retain(|_, owner| !overdue(owner));
        self.rebalance(None, with);
        true
    }

    /// Shares all partitions out. A `newcomer` hears of its share also if that is nothing yet.
    pub(super) fn rebalance(&mut self, newcomer: Option<MemberId>, with: &mut Rebalance<'_>) {
        let partitions = (0..).zip(with.logs).map(|(partition, _)| partition);
        let free: Vec<i32> = partitions
            .filter(|partition| !self.owners.contains_key(partition))
            .collect();
        let staying = |owner: &&Owner| owner.asked_until.is_none();
        let held = self.owners.iter().filter(|(_, owner)| staying(owner));
        let held: BTreeMap<i32, MemberId> = held.map(|(p, owner)| (*p, owner.member)).collect();
        let moving = self.owners.len() - held.len();
        let moves = moves(self.members.keys().copied(), &held, &free, moving);

        let mut asked: BTreeMap<MemberId, Vec<OwnedPartition>> = BTreeMap::new();
        for partition in moves.take {
            if let Some(owner) = self.owners.get_mut(&partition) {
                owner.asked_until = Some(with.now + with.revoke_bound);
                let epoch = owner.epoch;
                let owned = OwnedPartition { partition, epoch };
                asked.entry(owner.member).or_default().push(owned);
            }
        }
        for (id, partitions) in asked {
            self.tell(id, GroupEvent::Revoking(partitions));
        }

        let mut assigned: BTreeMap<MemberId, Vec<Assignment>> = BTreeMap::new();
        assigned.extend(newcomer.map(|id| (id, Vec::new())));
        for (partition, id) in moves.give {
            let assignment = self.assign(partition, id, with);
            assigned.entry(id).or_default().extend(assignment);
        }
        for (id, assignments) in assigned {
            self.tell(id, GroupEvent::Assigned(assignments));
        }
    }

    fn assign(
        &mut self,
        partition: i32,
        id: MemberId,
        with: &mut Rebalance<'_>,
    ) -> Option<Assignment> {
        let start = self.members.get(&id)?.start;
        let begins = beginning(start, self.committed.is_empty(), None);
        if self.committed.is_empty() && begins.must_be_kept() {
            self.pin(begins, with.logs);
        }
        let log = with.logs.get(usize::try_from(partition).ok()?)?;
        let committed = self.committed.get(&partition).copied();
        *with.epoch += 1;
        let epoch = *with.epoch;
        let owner = Owner {
            member: id,
            epoch,
            position: committed.map_or_else(|| log.low(), |offset| log.place(offset)),
            asked_until: None,
        };
        self.owners.insert(partition, owner);
        let owned = OwnedPartition { partition, epoch };
        Some(Assignment::new(owned, committed))
    }

    /// Commits where a new group begins, in all partitions that there are.
    fn pin(&mut self, begins: Beginning, logs: &[PartitionLog]) {
        let places = logs.iter().map(|log| match begins {
            Beginning::AtTimestamp(time) => log.since(time),
            _ => log.high(),
        });
        self.committed.extend((0..).zip(places));
    }

    /// Reads the place of a partition's owner, and moves it by what `read` says.
    pub(super) fn read<T>(
        &mut self,
        id: MemberId,
        owned: OwnedPartition,
        read: impl FnOnce(i64) -> (T, i64),
    ) -> Result<T, SourceError> {
        let owner = self.owner(id, owned)?;
        let (page, position) = read(owner.position);
        owner.position = position;
        Ok(page)
    }

    pub(super) fn commit(
        &mut self,
        id: MemberId,
        offsets: &[PartitionOffset],
    ) -> Result<(), SourceError> {
        for PartitionOffset { owned, .. } in offsets {
            if self.owner(id, *owned)?.asked_until.is_some() {
                let text = format!("partition {} is on its way to somebody", owned.partition);
                return Err(SourceError::new(SourceErrorKind::Throttled, text));
            }
        }
        self.committed.extend(
            offsets
                .iter()
                .map(|each| (each.owned.partition, each.offset)),
        );
        Ok(())
    }

    /// Gives up those of the partitions that are owned under their epoch, with offsets unless `fails`.
    pub(super) fn let_go(
        &mut self,
        id: MemberId,
        partitions: &[OwnedPartition],
        offsets: &[PartitionOffset],
        fails: bool,
        with: &mut Rebalance<'_>,
    ) -> Result<(), SourceError> {
        let mut result = Ok(());
        for owned in partitions {
            if let Err(error) = self.owner(id, *owned) {
                result = Err(error);
                continue;
            }
            let settled = offsets.iter().filter(|each| each.owned == *owned && !fails);
            self.committed
                .extend(settled.map(|each| (owned.partition, each.offset)));
            self.owners.remove(&owned.partition);
        }
        self.rebalance(None, with);
        result
    }

    fn owner(&mut self, id: MemberId, owned: OwnedPartition) -> Result<&mut Owner, SourceError> {
        let OwnedPartition { partition, epoch } = owned;
        let owner = self.owners.get_mut(&partition);
        let owner = owner.filter(|owner| owner.member == id && owner.epoch == epoch);
        owner.ok_or_else(|| {
            let text = format!("partition {partition} is not owned under epoch {epoch}");
            SourceError::new(SourceErrorKind::Expired, text)
        })
    }

    /// Returns the partitions of a member.
    fn owned(&self, id: MemberId, which: impl Fn(&Owner) -> bool) -> Vec<OwnedPartition> {
        let owners = self.owners.iter();
        owners
            .filter(|(_, owner)| owner.member == id && which(owner))
            .map(|(partition, owner)| OwnedPartition {
                partition: *partition,
                epoch: owner.epoch,
            })
            .collect()
    }

    /// Returns the numbers of a member's partitions.
    pub(super) fn partitions(&self, id: MemberId) -> Vec<i32> {
        let owned = self.owned(id, |_| true);
        owned.iter().map(|owned| owned.partition).collect()
    }

    pub(super) fn members(&self) -> Vec<GroupMember> {
        let ids = self.members.keys();
        ids.map(|id| GroupMember {
            id: *id,
            partitions: self.partitions(*id),
        })
        .collect()
    }

    pub(super) const fn committed(&self) -> &BTreeMap<i32, i64> {
        &self.committed
    }

    /// Forgets what was committed, and reads all partitions from their beginning: the topic is another one.
    pub(super) fn begin_anew(&mut self) {
        self.committed.clear();
        for owner in self.owners.values_mut() {
            owner.position = 0;
        }
    }

    /// Returns what a member hears next.
    pub(super) fn hear(&mut self, id: MemberId) -> Option<GroupEvent> {
        self.members.get_mut(&id)?.events.pop_front()
    }

    fn tell(&mut self, id: MemberId, event: GroupEvent) {
        if let Some(member) = self.members.get_mut(&id) {
            member.events.push_back(event);
        }
    }

    pub(super) fn tell_all(&mut self, event: &GroupEvent) {
        for member in self.members.values_mut() {
            member.events.push_back(event.clone());
        }
    }
}
