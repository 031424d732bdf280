//! A lane, and whose records it has.

use crate::stream::StreamConfig;
use crate::stream::lane::Lane;
use crate::stream::tumbling_window::TumblingWindow;

/// A lane, and the partitions of which it has records.
#[derive(Debug)]
pub(super) struct TopicLane {
    pub(super) lane: Lane,
    pub(super) members: Vec<i32>,
    /// Whether records of a partition that was lost may be in it, with the function.
    pub(super) is_stale: bool,
}

impl TopicLane {
    pub(super) fn new(config: &StreamConfig) -> Self {
        Self {
            lane: Lane::new(config, TumblingWindow::new(None)),
            members: Vec::new(),
            is_stale: false,
        }
    }

    /// Tells whether it has nothing, and is to do nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.lane.is_empty()
    }
}
