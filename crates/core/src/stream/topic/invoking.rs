//! Lanes at work, and what they yield.

use super::machine::{Partitions, TopicMachine};
use super::topic_lane::TopicLane;
use crate::decision::BatchId;
use crate::fault::{DeliveryError, InvokeError, InvokeErrorKind};
use crate::response::InvokeAnswer;
use crate::stream::CallId;
use crate::stream::item::Item;
use crate::stream::lane::{Conditions, ENDLESS, Effect, Next};
use crate::stream::on_failure_destination::GivenUp;
use crate::time::Timestamp;

impl TopicMachine {
    /// Has all lanes do what they can.
    pub(super) fn advance_lanes(&mut self, now: Timestamp) {
        for lane in 0..self.lanes.len() {
            if !self.lanes[lane].is_empty() {
                self.advance_lane(now, lane);
            }
        }
    }

    /// Goes on with the batch of a lane, or begins the next one, as far as that goes.
    pub(super) fn advance_lane(&mut self, now: Timestamp, index: usize) {
        let mut effects = Vec::new();
        let last = loop {
            let conditions = Conditions {
                delivering: self.deliveries.any_of(index),
                uncommitted: self.must_wait(index),
                reading: ENDLESS,
            };
            let next = self.with_lane(now, index, |lane, ctx| {
                lane.advance(ctx, conditions, &mut effects)
            });
            self.apply(now, index, &mut effects);
            if next != Next::More {
                break next;
            }
        };
        if last == Next::Nothing {
            self.with_lane(now, index, |lane, ctx| lane.forgo_turn(ctx));
        }
    }

    /// Tells whether a lane must not begin its next batch: what its last one has settled is not committed, or as many
    /// batches run as may.
    fn must_wait(&self, lane: usize) -> bool {
        if self.lanes[lane].lane.is_working() {
            return false;
        }
        let mut members = self.lanes[lane].members.iter();
        let awaits = |member| self.partitions.get(member)?.awaits;
        let running = self.lanes.iter().filter(|each| each.lane.is_working());
        members.any(|member| awaits(member).is_some()) || running.count() >= self.limit()
    }

    /// Hands on what a lane has yielded.
    fn apply(&mut self, now: Timestamp, lane: usize, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Settled(items) => self.settle(&items),
                Effect::GivenUp(given_up) => self.give_up(now, lane, given_up),
                Effect::Sent { .. } => {}
                Effect::BatchEnded => self.batch_ended(lane),
            }
        }
    }

    /// Records of a lane are given up: the destination is told of those whose partition is still owned.
    pub(super) fn give_up(&mut self, now: Timestamp, lane: usize, mut given_up: GivenUp) {
        if !given_up.strip(|item| !self.is_alive(item)) {
            return;
        }
        let settled = self.with_deliveries(now, |deliveries, ctx| {
            deliveries.give_up(ctx, lane, given_up)
        });
        self.settle(&settled);
    }

    fn settle(&mut self, items: &[Item]) {
        for item in items {
            let number = item.place.offset().0;
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.settled.settle(item);
                self.dirty.insert(number);
            }
        }
    }

    /// Nothing is left of a lane's batch: its partitions are drawn from again once that is committed.
    fn batch_ended(&mut self, lane: usize) {
        self.lane_is_free = true;
        let TopicLane { members, .. } = &mut self.lanes[lane];
        let partitions = &mut self.partitions;
        let dirty = &mut self.dirty;
        let ended = members.clone();
        members.retain(|&number| {
            let Some(partition) = partitions.get_mut(&number) else {
                return false;
            };
            if partition.news().is_some() {
                partition.awaits = Some(partition.settled.end());
                dirty.insert(number);
            }
            // Some of its records are in the next batch already.
            let stays = partition.settled.unsettled() > 0 && !partition.revoking;
            if !stays {
                partition.lane = None;
            }
            stays
        });
        for number in ended {
            self.line_up(number);
        }
    }

    /// An invocation ended.
    pub(super) fn invoked(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        attempt: u32,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let mut lanes = self.lanes.iter();
        let Some(index) = lanes.position(|each| each.lane.awaits(batch, attempt)) else {
            return;
        };
        self.shared.end_invocation(batch);
        if let Err(error) = &result
            && matches!(error.kind, InvokeErrorKind::Throttled { .. })
        {
            self.scaling.note_throttled();
        }
        let mut effects = Vec::new();
        self.with_lane(now, index, |lane, ctx| {
            lane.invoked(ctx, result, &mut effects)
        });
        self.apply(now, index, &mut effects);
        self.strip_stale(index);
        if self.draining {
            self.abandon(now, index);
        }
    }

    /// Takes out what a lane has of partitions that were lost, or asked back, while the function had it.
    fn strip_stale(&mut self, lane: usize) {
        let stays = |partitions: &Partitions, item: &Item| {
            let partition = partitions.get(&item.place.offset().0);
            partition.is_some_and(|partition| partition.has(item) && !partition.revoking)
        };
        let (partitions, each) = (&self.partitions, &mut self.lanes[lane]);
        let mut members = each.members.iter();
        let any_returns =
            members.any(|member| partitions.get(member).is_some_and(|known| known.revoking));
        if each.is_stale || any_returns {
            each.lane.strip(|item| !stays(partitions, item));
            each.is_stale = each.lane.holds(|item| !stays(partitions, item));
        }
    }

    /// A delivery ended.
    pub(super) fn delivered(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<(), DeliveryError>,
    ) {
        self.shared.end_call(id);
        let answered =
            self.with_deliveries(now, |deliveries, ctx| deliveries.answered(ctx, id, result));
        self.deliveries_ended();
        if let Some((lane, items)) = answered {
            self.settle(&items);
            if self.draining {
                self.abandon(now, lane);
            }
        }
    }

    /// Deliveries have ended, or their records were lost: of what is somebody else's by now nobody is told again, and lanes
    /// that deliver no more gather again.
    pub(super) fn deliveries_ended(&mut self) {
        let partitions = &self.partitions;
        self.deliveries.strip(|item| {
            let partition = partitions.get(&item.place.offset().0);
            partition.is_none_or(|partition| !partition.has(item))
        });
        for lane in 0..self.lanes.len() {
            for member in 0..self.lanes[lane].members.len() {
                self.line_up(self.lanes[lane].members[member]);
            }
        }
    }

    /// Lets go of what a lane has gathered and not invoked, and of what waits for a retry.
    pub(super) fn abandon(&mut self, now: Timestamp, lane: usize) {
        let mut effects = Vec::new();
        self.with_lane(now, lane, |lane, ctx| lane.abandon(ctx, &mut effects));
        self.apply(now, lane, &mut effects);
        if !self.deliveries.any_of(lane) {
            self.lanes[lane].lane.let_go();
        }
    }
}
