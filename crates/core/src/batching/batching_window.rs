//! The batching window: how long records are gathered (`MaximumBatchingWindowInSeconds`; Lambda developer guide,
//! "Batching behavior").

use std::time::Duration;

use crate::time::Timestamp;

/// The window of one open batch. It begins with the batch's first record, or before that when the previous
/// invocation completes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchingWindow {
    length: Duration,
    opened: Option<Timestamp>,
}

impl BatchingWindow {
    /// Returns a window that is not open.
    pub(super) const fn new(length: Duration) -> Self {
        Self {
            length,
            opened: None,
        }
    }

    /// Changes the length, also of a window that is open.
    pub(super) const fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    /// A record joined the batch: the first opens the window, if none is.
    pub(super) fn record_came(&mut self, now: Timestamp) {
        self.opened.get_or_insert(now);
    }

    /// Opens a window if none is open: the next window begins when the previous invocation completes
    /// (Lambda developer guide, "Batching behavior").
    pub(super) fn invocation_completed(&mut self, now: Timestamp) {
        if !self.length.is_zero() {
            self.opened.get_or_insert(now);
        }
    }

    /// Opens a window now, whether one was open or not.
    pub(super) fn reopen(&mut self, now: Timestamp) {
        self.opened = (!self.length.is_zero()).then_some(now);
    }

    /// Returns when it ends; `None` while it is not open.
    pub(super) fn end(self) -> Option<Timestamp> {
        self.opened.map(|opened| opened + self.length)
    }

    /// Closes it, with the batch or without one.
    pub(super) const fn close(&mut self) {
        self.opened = None;
    }
}
