//! Stopping: the broker delivers no more, what the function does not have goes back, what it has is waited for, and then
//! the session is ended.

use std::collections::HashSet;

use super::action::Action;
use super::link::{Link, Stop};
use super::machine::PushQueueMachine;
use crate::stream::item::{Item, Place};
use crate::time::Timestamp;

impl PushQueueMachine {
    /// The mapping stops.
    pub(super) fn drain(&mut self, now: Timestamp) {
        self.draining = true;
        for lane in 0..self.lanes.len() {
            self.abandon(now, lane);
        }
        self.buffer.clear();
        self.buffered = 0;
    }

    /// Goes on with stopping.
    pub(super) fn go_on_draining(&mut self) {
        if !self.draining {
            return;
        }
        match &mut self.link {
            Link::Waiting(_) => self.link = Link::Over,
            Link::Open(session) => match session.stop {
                Stop::No => {
                    let (id, session_id) = (self.shared.next_call(), session.id);
                    session.stop = Stop::Asked(id);
                    let session = session_id;
                    self.actions.push_back(Action::Stop { id, session });
                }
                // What it has sent meanwhile is given back together with what was there.
                Stop::Asked(_) => {}
                Stop::Done => {
                    self.release_all();
                    if self.deliveries.is_empty() && self.settlements.is_empty() {
                        self.close();
                    }
                }
            },
            Link::Connecting(_) | Link::Closing(_) | Link::Over => {}
        }
    }

    /// Gives back whatever the function does not have.
    fn release_all(&mut self) {
        self.buffer.clear();
        self.buffered = 0;
        let lanes = self.lanes.iter().flat_map(|lane| lane.with_function());
        let held: HashSet<_> = lanes.map(|item| item.ordinal).collect();
        let given_back = self.deliveries.iter();
        let given_back = given_back.filter(|(ordinal, _)| !held.contains(ordinal));
        let given_back: Vec<Item> = given_back
            .map(|(&ordinal, delivery)| Item {
                ordinal,
                place: Place::Delivery(delivery.tag),
                arrival: Timestamp(0),
            })
            .collect();
        for item in &given_back {
            self.release(item);
        }
    }
}
