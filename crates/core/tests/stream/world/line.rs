//! Who may call the function: what an engine has for each function, around one machine.

use std::collections::BTreeMap;

use lambda_esm_core::Timestamp;
use lambda_esm_core::function_concurrency::{Ended, FunctionConcurrency, Ticket};
use lambda_esm_core::stream::CallId;

#[derive(Default)]
pub(crate) struct Line {
    turns: FunctionConcurrency,
    waiting: BTreeMap<Ticket, CallId>,
    /// Those whose turn has come.
    come: Vec<CallId>,
}

impl Line {
    pub(super) fn new(concurrency: Option<usize>) -> Self {
        let mut line = Self::default();
        line.turns.set_known(concurrency);
        line
    }

    pub(super) fn reserve(&mut self, turn: CallId) {
        self.waiting.insert(self.turns.line_up(), turn);
    }

    pub(super) fn next(&mut self, now: Timestamp) -> Option<CallId> {
        let ticket = self.turns.next(now)?;
        let turn = self.waiting.remove(&ticket).expect("a turn that waits");
        self.come.push(turn);
        Some(turn)
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.turns.next_deadline()
    }

    pub(super) fn forgo(&mut self, now: Timestamp, turn: CallId) {
        if let Some((&ticket, _)) = self.waiting.iter().find(|(_, each)| **each == turn) {
            self.waiting.remove(&ticket);
            self.turns.leave(ticket);
        } else {
            self.use_up(turn);
            self.turns.ended(now, Ended::Unused);
        }
    }

    /// The function is called: only by one whose turn it is.
    pub(super) fn use_up(&mut self, turn: CallId) {
        let place = self.come.iter().position(|each| *each == turn);
        self.come.swap_remove(place.expect("a turn that has come"));
    }

    pub(super) fn ended(&mut self, now: Timestamp, how: Ended) {
        self.turns.ended(now, how);
    }

    /// Tells whether nobody has a turn that is not used, nor waits for one.
    pub(crate) fn is_left(&self) -> bool {
        self.come.is_empty() && self.turns.waiting() == 0
    }
}
