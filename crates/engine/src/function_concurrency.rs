//! How many invocations a function runs at a time, and who waits for one: for all mappings together that call it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lambda_esm_core::Timestamp;
use lambda_esm_core::function_concurrency::{Ended, FunctionConcurrency, Ticket};
use tokio::sync::oneshot;

use crate::clock::Clock;

/// The limiters of all functions that are called.
#[derive(Debug)]
pub(crate) struct Limiters {
    clock: Clock,
    functions: Mutex<HashMap<String, Weak<Limiter>>>,
}

impl Limiters {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            functions: Mutex::default(),
        }
    }

    /// Returns the limiter of a function, by name: its versions and aliases share what it can run.
    pub(crate) fn of(&self, function: &str) -> Arc<Limiter> {
        let mut functions = self
            .functions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = functions.get(function).and_then(Weak::upgrade) {
            return limiter;
        }
        functions.retain(|_, limiter| limiter.strong_count() > 0);
        let limiter = Arc::new(Limiter {
            clock: self.clock,
            state: Mutex::default(),
        });
        functions.insert(function.to_owned(), Arc::downgrade(&limiter));
        limiter
    }
}

/// Lets no more invocations of one function run at a time than it can, first come, first served.
#[derive(Debug)]
pub(crate) struct Limiter {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    turns: FunctionConcurrency,
    waiting: HashMap<Ticket, oneshot::Sender<Turn>>,
}

impl Limiter {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many invocations the function can run at a time; `None` if that is not known.
    pub(crate) fn set_known(self: &Arc<Self>, concurrency: Option<usize>) {
        self.change(|turns, _| turns.set_known(concurrency));
    }

    /// Lines up, and returns the turn if it has come already.
    pub(crate) fn line_up(self: &Arc<Self>) -> Result<Turn, Waiter> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        let ticket = state.turns.line_up();
        state.waiting.insert(ticket, sender);
        drop(state);
        self.change(|_, _| {});
        let mut waiter = Waiter {
            limiter: self.clone(),
            ticket,
            turn: receiver,
        };
        waiter.turn.try_recv().map_err(|_| waiter)
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
                limiter: self.clone(),
                how: Ended::Unused,
            };
            // Who waits no more gives it back by dropping it.
            if let Some(sender) = sender {
                drop(sender.send(turn));
            }
        }
    }
}

/// Somebody in the line. Dropping it leaves the line.
#[derive(Debug)]
pub(crate) struct Waiter {
    limiter: Arc<Limiter>,
    ticket: Ticket,
    turn: oneshot::Receiver<Turn>,
}

impl Waiter {
    /// Waits for the turn.
    pub(crate) async fn turn(mut self) -> Turn {
        loop {
            let clock = self.limiter.clock;
            let deadline = self.limiter.lock().turns.next_deadline();
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
                    // The limiter keeps the sender until this one leaves.
                    Err(_) => std::future::pending().await,
                },
                () = more => self.limiter.change(|_, _| {}),
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.turns.leave(self.ticket);
        state.waiting.remove(&self.ticket);
    }
}

/// The right to call the function once, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    limiter: Arc<Limiter>,
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
        self.limiter.change(|turns, now| turns.ended(now, how));
    }
}
