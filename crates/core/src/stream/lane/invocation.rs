//! Invoking the function with a batch, and what its answer means.

use super::batch_in_flight::{Part, Phase};
use super::partial_batch_response::{Failures, failures};
use super::{Effect, Lane, Turn};
use crate::decision::{BatchId, Decision};
use crate::fault::InvokeError;
use crate::on_failure_record::FailedResponse;
use crate::response::{InvokeAnswer, read_window_state};
use crate::stream::action::Action;
use crate::stream::context::Context;
use crate::stream::iterator_age::iterator_age_ms;
use crate::stream::tumbling_window::{self, WindowEnd};

impl Lane {
    /// Sends the next part to the function, whose turn has come.
    pub(super) fn invoke(&mut self, ctx: &mut Context<'_>, effects: &mut Vec<Effect>) {
        let Some(batch) = &mut self.in_flight else {
            return;
        };
        if let (Some(start), Some(length)) = (batch.window, ctx.config.tumbling()) {
            self.tumbling.open(start, length);
        }
        let Some(part) = batch.front_mut() else {
            return;
        };
        let Turn::Come(turn) = std::mem::take(&mut self.turn) else {
            return;
        };
        let tail = self.tumbling.event_tail(ctx, part.ends_window);
        let payload = match tail {
            Some(tail) => part.batch.payload_ending_with(&tail),
            None => ctx.config.encoder.event(&part.batch),
        };
        let unwritten = part.batch.unwritten();
        part.phase = Phase::Invoking;
        part.attempt += 1;
        let (batch, attempt, records) = (part.id, part.attempt, part.batch.items.len());
        if let Some(end) = part.ends_window {
            self.tumbling.tell_end(ctx, batch, end);
        }
        let last = part.batch.items.last();
        let iterator_age_ms = last.map(|last| iterator_age_ms(ctx, last.arrival));
        effects.push(Effect::Sent { iterator_age_ms });
        ctx.invokes(batch);
        ctx.report(Decision::Invoked {
            batch,
            attempt,
            records,
            iterator_age_ms,
        });
        ctx.act(Action::Invoke {
            turn,
            batch,
            attempt,
            payload,
            unwritten,
        });
    }

    /// Tells whether the function has this try of this batch.
    pub(in crate::stream) fn awaits(&self, batch: BatchId, attempt: u32) -> bool {
        self.front().is_some_and(|part| {
            part.id == batch && part.phase == Phase::Invoking && part.attempt == attempt
        })
    }

    /// An invocation ended that it [awaits](Self::awaits).
    pub(in crate::stream) fn invoked(
        &mut self,
        ctx: &mut Context<'_>,
        result: Result<InvokeAnswer, InvokeError>,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(answer) => self.answered(ctx, answer, effects),
            Err(error) => self.no_answer(ctx, error, effects),
        }
    }

    fn answered(&mut self, ctx: &mut Context<'_>, answer: InvokeAnswer, effects: &mut Vec<Effect>) {
        let InvokeAnswer { payload, run } = answer;
        let Some(part) = self.front() else {
            return;
        };
        if part.ends_window.is_some() {
            self.tumbling.close();
            return self.succeeded(ctx, effects);
        }
        let state = if ctx.config.tumbling().is_some() {
            match read_window_state(&payload) {
                Ok(state) if state.get().len() > tumbling_window::MAX_SENT_STATE_BYTES => {
                    let bytes = state.get().len();
                    let error = format!("the window's state of {bytes} bytes fits into no event");
                    return self.failed(ctx, error, FailedResponse::answered(run), effects);
                }
                Ok(state) => Some(state),
                Err(reason) => {
                    let error = format!("invalid tumbling window response: {reason}");
                    return self.failed(ctx, error, FailedResponse::answered(run), effects);
                }
            }
        } else {
            None
        };
        let failed = match failures(ctx, part, &payload) {
            Ok(failed) => failed,
            Err(error) => {
                return self.failed(ctx, error, FailedResponse::answered(run), effects);
            }
        };
        let ends_early = state.is_some_and(|state| self.tumbling.set_state(state));
        match failed {
            Failures::None => self.succeeded(ctx, effects),
            Failures::From(first) => self.progressed(ctx, first, effects),
            Failures::These(failed) => self.failed_in_part(ctx, &failed, run, effects),
        }
        // What is left of the batch begins the window anew, with an empty state.
        if ends_early {
            let (early, at) = (true, ctx.now);
            let end = WindowEnd { early, at };
            self.put_back(Part::window_end(ctx.shared.next_batch(), end));
        }
    }

    fn succeeded(&mut self, ctx: &mut Context<'_>, effects: &mut Vec<Effect>) {
        self.problem = None;
        let Some(part) = self.take_part() else {
            return;
        };
        ctx.report(Decision::Succeeded {
            batch: part.id,
            records: part.batch.items.len(),
        });
        effects.push(Effect::Settled(part.batch.items));
        self.tell_given_up(effects);
    }
}
