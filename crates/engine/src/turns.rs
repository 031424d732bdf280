//! The lines in front of the functions of an engine: one for each function, whatever mappings call it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lambda_esm_core::Timestamp;
use lambda_esm_core::function_concurrency::{Ended, FunctionConcurrency, Ticket};
use tokio::sync::oneshot;

use crate::clock::Clock;

/// The lines of all functions that are called.
#[derive(Debug)]
pub(crate) struct Lines {
    clock: Clock,
    lines: Mutex<HashMap<String, Weak<Line>>>,
}

impl Lines {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            lines: Mutex::default(),
        }
    }

    /// Returns the line of a function, by name: its versions and aliases share what it can run.
    pub(crate) fn of(&self, function: &str) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(function).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let line = Arc::new(Line {
            clock: self.clock,
            state: Mutex::default(),
        });
        lines.insert(function.to_owned(), Arc::downgrade(&line));
        line
    }
}

/// The line in front of one function.
#[derive(Debug)]
pub(crate) struct Line {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    turns: FunctionConcurrency,
    waiting: HashMap<Ticket, oneshot::Sender<Turn>>,
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many invocations the function can run at a time; `None` if that is not known.
    pub(crate) fn set_known(self: &Arc<Self>, concurrency: Option<usize>) {
        self.change(|turns, _| turns.set_known(concurrency));
    }

    /// Lines up, and returns the turn if it has come already.
    pub(crate) fn line_up(self: &Arc<Self>) -> Result<Turn, Place> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        let ticket = state.turns.line_up();
        state.waiting.insert(ticket, sender);
        drop(state);
        self.change(|_, _| {});
        let mut place = Place {
            line: self.clone(),
            ticket,
            turn: receiver,
        };
        place.turn.try_recv().map_err(|_| place)
    }

    /// Changes who waits and who runs, and tells those whose turn it is then.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut FunctionConcurrency, Timestamp)) {
        let now = self.clock.now();
        let mut state = self.lock();
        change(&mut state.turns, now);
        let mut come = Vec::new();
        while let Some(ticket) = state.turns.next(now) {
            come.push(state.waiting.remove(&ticket));
        }
        drop(state);
        for sender in come {
            let turn = Turn {
                line: self.clone(),
                how: Ended::Unused,
            };
            // Who waits no more gives it back by dropping it.
            if let Some(sender) = sender {
                drop(sender.send(turn));
            }
        }
    }
}

/// A place in the line. Dropping it leaves the line.
#[derive(Debug)]
pub(crate) struct Place {
    line: Arc<Line>,
    ticket: Ticket,
    turn: oneshot::Receiver<Turn>,
}

impl Place {
    /// Waits for the turn.
    pub(crate) async fn turn(mut self) -> Turn {
        loop {
            let clock = self.line.clock;
            let deadline = self.line.lock().turns.next_deadline();
            let more = async {
                match deadline {
                    Some(deadline) => clock.sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                turn = &mut self.turn => match turn {
                    Ok(turn) => return turn,
                    // The line keeps the sender until this place is left.
                    Err(_) => std::future::pending().await,
                },
                () = more => self.line.change(|_, _| {}),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.turns.leave(self.ticket);
        state.waiting.remove(&self.ticket);
    }
}

/// The right to call the function once, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    line: Arc<Line>,
    how: Ended,
}

impl Turn {
    /// Ends with what the invocation has shown of the function's concurrency.
    pub(crate) fn end(mut self, how: Ended) {
        self.how = how;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let how = self.how;
        self.line.change(|turns, now| turns.ended(now, how));
    }
}
