//! Lanes at work, and what they yield.

use super::machine::PushQueueMachine;
use super::port::Outcome;
use crate::decision::BatchId;
use crate::fault::InvokeError;
use crate::response::InvokeAnswer;
use crate::stream::lane::{Conditions, ENDLESS, Effect, Next};
use crate::time::Timestamp;

/// A lane's next batch begins though the last one is not settled yet: whatever is not is delivered again.
const CONDITIONS: Conditions = Conditions {
    delivering: false,
    uncommitted: false,
    reading: ENDLESS,
};

impl PushQueueMachine {
    /// Has all lanes do what they can.
    pub(super) fn advance_lanes(&mut self, now: Timestamp) {
        // Also those of which nothing is left: they may have lined up for a turn.
        for lane in 0..self.lanes.len() {
            self.advance_lane(now, lane);
        }
    }

    /// Goes on with the batch of a lane, or begins the next one, as far as that goes.
    fn advance_lane(&mut self, now: Timestamp, index: usize) {
        self.release_expired(now, index);
        let mut effects = Vec::new();
        let last = loop {
            let next = self.with_lane(now, index, |lane, ctx| {
                lane.advance(ctx, CONDITIONS, &mut effects)
            });
            self.apply(&mut effects);
            if next != Next::More {
                break next;
            }
        };
        if last == Next::Nothing {
            self.with_lane(now, index, |lane, ctx| lane.forgo_turn(ctx));
        }
    }

    /// Hands on what a lane has yielded.
    fn apply(&mut self, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Settled(items) => {
                    for item in &items {
                        self.settle(item, Outcome::Accepted);
                    }
                }
                Effect::GivenUp(given_up) => {
                    for item in given_up.items() {
                        self.settle(item, Outcome::Rejected);
                    }
                }
                Effect::Sent { .. } => {}
                Effect::BatchEnded => self.lane_is_free = true,
            }
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
        let Some(index) = lanes.position(|lane| lane.awaits(batch, attempt)) else {
            return;
        };
        self.shared.end_invocation(batch);
        let mut effects = Vec::new();
        self.with_lane(now, index, |lane, ctx| {
            lane.invoked(ctx, result, &mut effects)
        });
        self.apply(&mut effects);
        self.count_failures(index, batch);
        self.strip(index);
        if self.draining {
            self.abandon(now, index);
        }
    }

    /// Lets go of what a lane has of deliveries that are settled or void, but for what the function has.
    pub(super) fn strip(&mut self, lane: usize) {
        let deliveries = &self.deliveries;
        self.lanes[lane].strip(|item| !deliveries.contains_key(&item.ordinal));
    }

    /// Lets go of what a lane has gathered and not invoked, and of what waits for a retry.
    pub(super) fn abandon(&mut self, now: Timestamp, index: usize) {
        let mut effects = Vec::new();
        self.with_lane(now, index, |lane, ctx| lane.abandon(ctx, &mut effects));
        self.apply(&mut effects);
        self.lanes[index].let_go();
    }
}
