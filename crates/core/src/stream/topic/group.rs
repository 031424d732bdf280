//! Rebalances: partitions that the group assigns, asks back, and takes away.
//!
//! A partition that is asked back stops at once: what of it was not sent is forgotten, and what the function has is waited
//! for; then it is let go of, with what is settled. The consumer bounds the wait, and says that the partition is lost
//! when it is over. From then on nothing of it is settled, told to a destination or committed; answers that come late
//! find records of an assignment that is no more.

use super::action::Action;
use super::machine::TopicMachine;
use super::partition::Partition;
use super::port::{Assignment, GroupEvent, OwnedPartition, PartitionOffset};
use crate::decision::Decision;
use crate::fault::SourceError;
use crate::stream::ShardId;
use crate::stream::item::Item;
use crate::time::Timestamp;

impl TopicMachine {
    /// Something happened to the group.
    pub(super) fn group_event(&mut self, now: Timestamp, event: GroupEvent) {
        match event {
            GroupEvent::Assigned(assignments) => {
                self.begun = true;
                self.problem = None;
                for assignment in assignments {
                    self.assigned(now, assignment);
                }
            }
            GroupEvent::Revoking(owned) => {
                for owned in owned {
                    self.revoking(now, owned);
                }
            }
            GroupEvent::Lost(owned) => {
                for owned in owned {
                    self.lost(now, owned);
                }
            }
            GroupEvent::Problem(error) => {
                self.shared.report(Decision::PollFailed {
                    error: error.message.clone(),
                    retry_ms: 0,
                });
                self.problem = Some(error);
            }
            GroupEvent::Recovered => self.problem = None,
        }
    }

    fn assigned(&mut self, now: Timestamp, Assignment { owned, committed }: Assignment) {
        let number = owned.partition;
        if let Some(known) = self.partitions.get(&number) {
            if known.owned.epoch >= owned.epoch {
                return;
            }
            // Nobody said that it was lost.
            self.drop_partition(now, number);
        }
        let name = ShardId::new(self.config.encoder.topic_partition(number));
        self.shared.report(Decision::ShardAcquired {
            shard: name.clone(),
            epoch: owned.epoch,
        });
        self.shared.report(Decision::ShardStarted {
            shard: name.clone(),
            from: committed.map_or_else(
                || "its oldest record".to_owned(),
                |offset| format!("offset {offset}"),
            ),
        });
        let partition = Partition::new(owned, name, self.next_ordinal, committed);
        self.partitions.insert(number, partition);
        self.hungry.insert(number);
    }

    /// The group asks for a partition back.
    fn revoking(&mut self, now: Timestamp, owned: OwnedPartition) {
        let Some(partition) = self.owned(owned) else {
            return;
        };
        partition.revoking = true;
        let freed = partition.clear_buffer();
        let lane = partition.lane;
        self.buffered -= freed;
        if let Some(lane) = lane {
            self.strip(now, lane, |item| item.place.offset().0 == owned.partition);
        }
        self.returning.insert(owned.partition);
    }

    /// Lets go of the partitions that the group has asked for, of which nothing is under way any more.
    pub(super) fn let_go(&mut self, now: Timestamp) {
        for number in std::mem::take(&mut self.returning) {
            let Some(partition) = self.partitions.get(&number) else {
                continue;
            };
            let of_it = |item: &Item| partition.has(item);
            let lane = partition.lane.map(|lane| &self.lanes[lane].lane);
            let is_under_way = lane.is_some_and(|lane| lane.holds(of_it));
            if is_under_way || self.deliveries.hold(of_it) {
                self.returning.insert(number);
                continue;
            }
            let owned = partition.owned;
            let offset = partition
                .news()
                .map(|offset| PartitionOffset { owned, offset });
            let events = offset.map_or(0, |news| partition.committed_by(news.offset));
            let (shard, epoch) = (partition.name.clone(), owned.epoch);
            let abandoned = self.drop_partition(now, number);
            self.leaving
                .insert(owned, offset.map(|news| (news.offset, events)));
            self.actions.push_back(Action::LetGo { owned, offset });
            self.shared.report(Decision::ShardLost {
                shard,
                epoch,
                abandoned,
            });
        }
    }

    /// A partition was let go of. What was not committed is delivered again, to whoever has it now.
    pub(super) fn left(&mut self, owned: OwnedPartition, result: Result<(), SourceError>) {
        let Some(Some((offset, events))) = self.leaving.remove(&owned) else {
            return;
        };
        let shard = ShardId::new(self.config.encoder.topic_partition(owned.partition));
        self.shared.report(match result {
            Ok(()) => Decision::OffsetCommitted {
                shard,
                offset,
                events,
            },
            Err(error) => Decision::CommitFailed {
                shard,
                error: error.message,
                retry_ms: 0,
            },
        });
    }

    /// A partition is owned no more.
    fn lost(&mut self, now: Timestamp, owned: OwnedPartition) {
        let Some(partition) = self.owned(owned) else {
            return;
        };
        let shard = partition.name.clone();
        let abandoned = self.drop_partition(now, owned.partition);
        self.shared.report(Decision::ShardLost {
            shard,
            epoch: owned.epoch,
            abandoned,
        });
    }

    fn owned(&mut self, owned: OwnedPartition) -> Option<&mut Partition> {
        let partition = self.partitions.get_mut(&owned.partition);
        partition.filter(|partition| partition.owned == owned)
    }

    /// Drops all that there is of a partition. Returns how many of its records were read and not settled.
    pub(super) fn drop_partition(&mut self, now: Timestamp, number: i32) -> usize {
        let Some(mut partition) = self.partitions.remove(&number) else {
            return 0;
        };
        let abandoned = partition.buffer.len() + partition.settled.unsettled();
        self.buffered -= partition.clear_buffer();
        self.line.retain(|&waiting| waiting != number);
        self.deliveries_ended();
        if let Some(lane) = partition.lane {
            self.strip(now, lane, |item| item.place.offset().0 == number);
            let lane = &mut self.lanes[lane];
            lane.members.retain(|&member| member != number);
            lane.is_stale = true;
        }
        self.dirty.remove(&number);
        self.returning.remove(&number);
        abandoned
    }

    /// Takes records out of a lane, but for those that the function has.
    pub(super) fn strip(&mut self, now: Timestamp, lane: usize, is_lost: impl Fn(&Item) -> bool) {
        self.lanes[lane].lane.strip(is_lost);
        self.advance_lane(now, lane);
    }

    /// Tells whether a record's partition is still owned as it was when the record was drawn.
    pub(super) fn is_alive(&self, item: &Item) -> bool {
        let partition = self.partitions.get(&item.place.offset().0);
        partition.is_some_and(|partition| partition.has(item))
    }
}
