//! A view of the machine.

use super::link::{Link, Session};
use super::machine::PushQueueMachine;
use crate::activity::Activity;
use crate::stream::lane::Lane;
use crate::time::Timestamp;

impl PushQueueMachine {
    /// Returns a view of the machine.
    #[must_use]
    pub fn status(&self) -> Activity {
        let lanes = || self.lanes.iter();
        let waits = lanes().filter_map(Lane::waits_until);
        let is_reading = matches!(self.link, Link::Open(Session { reading: true, .. }));
        Activity {
            concurrency: self.config.concurrency(),
            running: lanes().filter(|lane| lane.is_working()).count(),
            waiting: lanes().map(Lane::waiting).sum(),
            gathering: self.deliveries.len(),
            receives: usize::from(is_reading),
            backing_off_until: waits.min().map(Timestamp::millis),
            source_problem: self.problem.as_ref().map(|error| error.message.clone()),
            source_reason: self.problem.as_ref().and_then(|error| error.reason),
            function_problem: lanes().find_map(Lane::problem).cloned(),
            ..Activity::default()
        }
    }
}
