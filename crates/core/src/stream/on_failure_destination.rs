//! The on-failure destination: records that are given up are told to it before the checkpoint moves past them
//! (Lambda developer guide, "Retaining discarded batches").

use std::mem;

use bytes::Bytes;
use uuid::Uuid;

use super::action::{Action, CallId};
use super::checkpoint::settled_prefix::Item;
use super::config::StreamConfig;
use super::context::Context;
use crate::backoff::Backoff;
use crate::batching::Batch;
use crate::decision::{BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::DeliveryError;
use crate::on_failure_record::{Condition, Discarded, FailureRecord, ResponseContext};
use crate::response::Run;
use crate::time::{self, Timestamp};

/// How often a delivery is tried. Lambda documents no number.
const DELIVERY_TRIES: u32 = 5;

/// What the function answered to a failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedResponse {
    status_code: u16,
    function_error: Option<&'static str>,
    run: Run,
}

impl FailedResponse {
    /// The function ran and failed (recorded: `Unhandled` whatever the error, with status 200).
    pub(super) const fn unhandled(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: Some("Unhandled"),
            run,
        }
    }

    /// The function answered, but not that the batch succeeded (recorded: `null`).
    pub(super) const fn answered(run: Run) -> Self {
        Self {
            status_code: 200,
            function_error: None,
            run,
        }
    }

    /// The backend did not take the call.
    pub(super) const fn refused(status: u16, run: Run) -> Self {
        Self {
            status_code: status,
            function_error: None,
            run,
        }
    }
}

/// Records that are given up together, adjacent in their batch.
#[derive(Debug)]
pub(super) struct GivenUp {
    /// The part of a batch that they were, the last one if they were several.
    batch: BatchId,
    condition: Condition,
    records: Records,
    invokes: u32,
    response: Option<FailedResponse>,
}

#[derive(Debug)]
enum Records {
    /// Parts of a batch, in their order.
    Batch(Vec<Batch<Item>>),
    /// A record that the function never sees: its event, and why.
    Unseen {
        item: Item,
        event: Bytes,
        because: String,
    },
}

impl GivenUp {
    /// Returns records of a batch, after so many invocations and the last one's response.
    pub(super) fn batch(
        batch: BatchId,
        condition: Condition,
        records: Batch<Item>,
        invokes: u32,
        response: Option<FailedResponse>,
    ) -> Self {
        Self {
            batch,
            condition,
            records: Records::Batch(vec![records]),
            invokes,
            response,
        }
    }

    /// Returns a record that the function is never to see, under a batch of its own.
    pub(super) const fn unseen(
        batch: BatchId,
        condition: Condition,
        item: Item,
        event: Bytes,
        because: String,
    ) -> Self {
        Self {
            batch,
            condition,
            records: Records::Unseen {
                item,
                event,
                because,
            },
            invokes: 1,
            response: None,
        }
    }

    /// Tells whether neighbours that are given up for the same reason are told together with these records.
    pub(super) fn waits_for_neighbours(&self) -> bool {
        self.condition == Condition::RetryAttemptsExhausted
    }

    /// Adds the records that follow these, given up for the same reason.
    pub(super) fn join(&mut self, next: Self) {
        self.batch = next.batch;
        self.invokes = self.invokes.max(next.invokes);
        self.response = next.response;
        if let (Records::Batch(records), Records::Batch(more)) = (&mut self.records, next.records) {
            records.extend(more);
        }
    }

    /// Returns the records, their event, and why they are given up.
    fn take_records(&mut self) -> (Vec<Item>, Bytes, String) {
        match mem::replace(&mut self.records, Records::Batch(Vec::new())) {
            Records::Batch(parts) => {
                let because = match self.condition {
                    Condition::RetryAttemptsExhausted => "the function failed with every try",
                    _ => "too old",
                };
                let batch = Batch::joined(parts);
                let event = batch.payload();
                (batch.items, event, because.to_owned())
            }
            Records::Unseen {
                item,
                event,
                because,
            } => (vec![item], event, because),
        }
    }
}

/// The failure records of a shard on their way to the destination.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    open: Vec<Delivery>,
}

#[derive(Debug)]
struct Delivery {
    lane: usize,
    items: Vec<Item>,
    record: FailureRecord,
    tries: u32,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Delivering(CallId),
    Waiting(Timestamp),
}

impl Deliveries {
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Tells whether records of a lane are on their way.
    pub(super) fn any_of(&self, lane: usize) -> bool {
        self.open.iter().any(|delivery| delivery.lane == lane)
    }

    /// Tells the destination of records of a lane. Returns those that are settled at once, since there is none.
    pub(super) fn give_up(
        &mut self,
        ctx: &mut Context<'_>,
        lane: usize,
        mut given_up: GivenUp,
    ) -> Vec<Item> {
        let (items, event, because) = given_up.take_records();
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return items;
        };
        ctx.report(Decision::Discarded {
            shard: ctx.shard.clone(),
            batch: given_up.batch,
            records: items.len(),
            condition: given_up.condition,
            because,
            first: first.sequence.to_string(),
            last: last.sequence.to_string(),
            destination: destination(ctx.config),
        });
        let Some(record) = failure_record(ctx, &given_up, &items, &event) else {
            return items;
        };
        self.open.push(Delivery {
            lane,
            items,
            record,
            tries: 0,
            phase: Phase::Waiting(ctx.now),
        });
        self.deliver(ctx);
        Vec::new()
    }

    /// Sends what is due to the destination.
    pub(super) fn deliver(&mut self, ctx: &mut Context<'_>) {
        for delivery in &mut self.open {
            match delivery.phase {
                Phase::Delivering(_) => {}
                Phase::Waiting(until) if until > ctx.now => ctx.wake(until),
                Phase::Waiting(_) => {
                    let id = ctx.call();
                    delivery.phase = Phase::Delivering(id);
                    delivery.tries += 1;
                    let record = delivery.record.clone();
                    ctx.act(Action::Deliver { id, record });
                }
            }
        }
    }

    /// A delivery ended. Returns the lane and the records that are settled with it. One that fails too often is
    /// given up, and the checkpoint moves all the same (Lambda developer guide, event source mapping metrics: the
    /// records count as dropped).
    pub(super) fn answered(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<(), DeliveryError>,
    ) -> Option<(usize, Vec<Item>)> {
        let is_it = |delivery: &Delivery| delivery.phase == Phase::Delivering(id);
        let index = self.open.iter().position(is_it)?;
        let delivery = &mut self.open[index];
        let (shard, records) = (ctx.shard.clone(), delivery.items.len());
        let destination = destination(ctx.config).unwrap_or_default();
        match result {
            Ok(()) => ctx.report(Decision::Delivered {
                shard,
                records,
                destination,
            }),
            Err(error) if delivery.tries < DELIVERY_TRIES => {
                let wait = Backoff::INVOKE.wait(delivery.tries, &mut ctx.shared.random);
                delivery.phase = Phase::Waiting(ctx.now + wait);
                ctx.report(Decision::DeliveryDeferred {
                    shard,
                    records,
                    error: excerpt(&error.message, LONGEST_TEXT),
                    tries: delivery.tries,
                    retry_ms: time::millis(wait),
                });
                return None;
            }
            Err(error) => ctx.report(Decision::DeliveryFailed {
                shard,
                records,
                destination,
                error: excerpt(&error.message, LONGEST_TEXT),
            }),
        }
        let delivery = self.open.swap_remove(index);
        Some((delivery.lane, delivery.items))
    }
}

/// Returns what the destination is told; `None` if the mapping has none.
fn failure_record(
    ctx: &mut Context<'_>,
    given_up: &GivenUp,
    items: &[Item],
    event: &[u8],
) -> Option<FailureRecord> {
    let on_failure = ctx.config.on_failure.as_ref()?;
    let (first, last) = (items.first()?, items.last()?);
    let condition = given_up.condition;
    let response = given_up.response.as_ref();
    let run = response.map(|response| &response.run);
    let version = run.and_then(|run| run.executed_version.as_deref());
    // Only one batch is given up for the failure of a run; age may end several that it left over.
    let failed_with = run
        .filter(|_| condition == Condition::RetryAttemptsExhausted)
        .and_then(|run| Uuid::parse_str(run.request_id.as_deref()?).ok());
    let discarded = Discarded {
        request_id: failed_with.unwrap_or_else(|| ctx.shared.random.uuid()),
        function_arn: &ctx.config.function_arn,
        condition,
        invoke_count: given_up.invokes,
        response: response.map(|response| ResponseContext {
            status_code: response.status_code,
            executed_version: version.unwrap_or(&ctx.config.executed_version),
            function_error: response.function_error,
        }),
        timestamp: ctx.now,
        kind: ctx.config.encoder.kind(),
        shard: &ctx.shard,
        start_sequence: &first.sequence,
        end_sequence: &last.sequence,
        first_arrival: first.arrival,
        last_arrival: last.arrival,
        batch_size: items.len(),
        stream_arn: &ctx.config.stream_arn,
        mapping: ctx.config.mapping,
    };
    Some(discarded.record(on_failure, event, ctx.shared.random.uuid()))
}

fn destination(config: &StreamConfig) -> Option<String> {
    let destination = config.on_failure.as_ref()?;
    Some(destination.arn().as_str().to_owned())
}
