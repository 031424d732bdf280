//! The calls that a driver has under way, whatever the kind of its source.

use std::future::Future;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::machine::{Machine, Signal};
use tokio::task::JoinSet;

use super::function::Function;
use super::reservations::Reservations;
use crate::ports::InvokeAnswer;
use crate::reporter::Reporter;

/// The calls whose answers a machine waits for, those of its function in their turn. Dropping it aborts them.
pub(crate) struct Calls<M: Machine> {
    function: Function,
    reporter: Reporter,
    turns: Reservations<M::Turn>,
    under_way: JoinSet<M::Input>,
}

impl<M: Machine> Calls<M> {
    pub(super) fn new(function: Function, reporter: Reporter) -> Self {
        Self {
            turns: Reservations::new(function.limiter.clone()),
            function,
            reporter,
            under_way: JoinSet::new(),
        }
    }

    /// Calls another function from now on.
    pub(super) fn set_function(&mut self, function: Function) {
        self.turns.move_to(function.limiter.clone());
        self.function = function;
    }

    /// Lines up for a turn to call the function.
    pub(super) fn reserve(&mut self, turn: M::Turn) {
        self.turns.reserve(turn);
    }

    /// Leaves the line, or gives the turn back.
    pub(super) fn forgo(&mut self, turn: M::Turn) {
        self.turns.forgo(turn);
    }

    /// Calls the function in its turn with a try of a batch. Of the event so many bytes are not written. `input` makes its answer what the machine takes.
    pub(super) fn invoke(
        &mut self,
        turn: M::Turn,
        batch: (BatchId, u32),
        event: (Bytes, usize),
        input: impl FnOnce(Result<InvokeAnswer, InvokeError>) -> M::Input + Send + 'static,
    ) {
        let turn = self.turns.take(turn);
        let invocation = self.function.invoke(turn, batch, event);
        self.begin(async move { input(invocation.await) });
    }

    /// Begins a call.
    pub(super) fn begin(&mut self, call: impl Future<Output = M::Input> + Send + 'static) {
        self.under_way.spawn(call);
    }

    pub(super) fn report(&self, now: Timestamp, decision: Decision) {
        self.reporter.report(now, &self.function.name, decision);
    }

    pub(super) const fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    /// Returns a turn that came as soon as it was asked for.
    pub(super) fn turn_at_once(&mut self) -> Option<M::Input> {
        let turn = self.turns.at_once()?;
        Some(Signal::Reserved(turn).into())
    }

    /// Waits for the next answer, or the next turn; for ever if there is nothing to wait for. Cancel safe.
    pub(super) async fn next(&mut self) -> M::Input {
        loop {
            tokio::select! {
                biased;
                // No call panics; what is left is one that ended with the runtime.
                Some(answer) = self.under_way.join_next() => if let Ok(answer) = answer {
                    return answer;
                },
                turn = self.turns.next() => return Signal::Reserved(turn).into(),
            }
        }
    }
}
