//! Discarding: records that are given up, told to the on-failure destination before the position moves.

use uuid::Uuid;

use super::action::{Action, CallId};
use super::answering::millis;
use super::config::{StreamConfig, StreamEncoder};
use super::lane::{Item, Response};
use super::shard::{Context, Shard};
use crate::backoff::Backoff;
use crate::batching::Batch;
use crate::decision::{BatchId, Decision};
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::DeliveryError;
use crate::on_failure_record::{Condition, Discarded, FailureRecord, ResponseContext, StreamKind};
use crate::time::Timestamp;

/// How often a delivery is tried. Lambda documents no number.
const DELIVERY_TRIES: u32 = 5;

/// Records that were given up together, adjacent in their batch.
#[derive(Debug)]
pub(super) struct Discard {
    /// The piece that they were, the last one if they were several.
    batch: BatchId,
    condition: Condition,
    /// The parts, in their order.
    records: Vec<Batch<Item>>,
    invokes: u32,
    response: Option<Response>,
}

/// A failure record on its way to the destination.
#[derive(Debug)]
pub(super) struct Delivery {
    lane: usize,
    items: Vec<Item>,
    record: FailureRecord,
    tries: u32,
    stand: Stand,
}

#[derive(Debug, PartialEq, Eq)]
enum Stand {
    Delivering(CallId),
    Waiting(Timestamp),
}

impl Shard {
    /// Gives up records of a lane's batch. Those whose retries are used up wait for their neighbours: what
    /// a split has taken apart is told as one (CloudFormation reference, `BisectBatchOnFunctionError`).
    #[expect(clippy::too_many_arguments, reason = "all that a failure record says")]
    pub(super) fn discard(
        &mut self,
        ctx: &mut Context<'_>,
        lane: usize,
        batch: BatchId,
        condition: Condition,
        records: Batch<Item>,
        invokes: u32,
        response: Option<Response>,
    ) {
        let discard = Discard {
            batch,
            condition,
            records: vec![records],
            invokes,
            response,
        };
        if condition != Condition::RetryAttemptsExhausted {
            self.flush_held(ctx, lane);
            return self.tell(ctx, lane, discard);
        }
        let Some(work) = &mut self.lanes[lane].work else {
            return self.tell(ctx, lane, discard);
        };
        match &mut work.held {
            None => work.held = Some(discard),
            Some(held) => {
                held.batch = discard.batch;
                held.records.extend(discard.records);
                held.invokes = held.invokes.max(discard.invokes);
                held.response = discard.response;
            }
        }
    }

    /// Gives up a record that the function is never to see.
    pub(super) fn discard_unseen(
        &mut self,
        ctx: &mut Context<'_>,
        lane: usize,
        item: Item,
        condition: Condition,
        event: &[u8],
        because: String,
    ) {
        let batch = ctx.out.next_batch();
        self.deliver(
            ctx,
            lane,
            vec![item],
            batch,
            condition,
            1,
            None,
            event,
            because,
        );
    }

    /// Tells of the discarded records that waited for neighbours.
    pub(super) fn flush_held(&mut self, ctx: &mut Context<'_>, lane: usize) {
        let held = self.lanes[lane]
            .work
            .as_mut()
            .and_then(|work| work.held.take());
        if let Some(held) = held {
            self.tell(ctx, lane, held);
        }
    }

    fn tell(&mut self, ctx: &mut Context<'_>, lane: usize, discard: Discard) {
        let because = match discard.condition {
            Condition::RetryAttemptsExhausted => "the function failed with every try".to_owned(),
            _ => "too old".to_owned(),
        };
        let records = Batch::joined(discard.records);
        let event = records.payload();
        self.deliver(
            ctx,
            lane,
            records.items,
            discard.batch,
            discard.condition,
            discard.invokes,
            discard.response,
            &event,
            because,
        );
    }

    #[expect(clippy::too_many_arguments, reason = "all that a failure record says")]
    fn deliver(
        &mut self,
        ctx: &mut Context<'_>,
        lane: usize,
        items: Vec<Item>,
        batch: BatchId,
        condition: Condition,
        invokes: u32,
        response: Option<Response>,
        event: &[u8],
        because: String,
    ) {
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return;
        };
        let (start, end): (&str, &str) = (&first.sequence, &last.sequence);
        ctx.report(Decision::Discarded {
            shard: self.id.clone(),
            batch,
            records: items.len(),
            condition,
            because,
            first: start.to_owned(),
            last: end.to_owned(),
            destination: destination(ctx.config),
        });
        let Some(on_failure) = &ctx.config.on_failure else {
            self.settle(lane, &items);
            return;
        };
        let run = response.as_ref().map(|response| &response.run);
        let version = run.and_then(|run| run.executed_version.as_deref());
        // Only one batch is given up for the failure of a run; age may end several that it left over.
        let failed_with = run
            .filter(|_| condition == Condition::RetryAttemptsExhausted)
            .and_then(|run| Uuid::parse_str(run.request_id.as_deref()?).ok());
        let discarded = Discarded {
            request_id: failed_with.unwrap_or_else(|| ctx.out.random.uuid()),
            function_arn: &ctx.config.function_arn,
            condition,
            invoke_count: invokes,
            response: response.as_ref().map(|response| ResponseContext {
                status_code: response.status_code,
                executed_version: version.unwrap_or(&ctx.config.executed_version),
                function_error: response.function_error,
            }),
            timestamp: ctx.now,
            kind: ctx.config.encoder.kind(),
            shard: &self.id,
            start_sequence: start,
            end_sequence: end,
            first_arrival: first.arrival,
            last_arrival: last.arrival,
            batch_size: items.len(),
            stream_arn: &ctx.config.stream_arn,
            mapping: ctx.config.mapping,
        };
        let record = discarded.record(on_failure, event, ctx.out.random.uuid());
        self.lanes[lane].deliveries += 1;
        let stand = Stand::Waiting(ctx.now);
        self.deliveries.push(Delivery {
            lane,
            items,
            record,
            tries: 0,
            stand,
        });
        self.redeliver(ctx);
    }

    /// Sends what is due to the destination.
    pub(super) fn redeliver(&mut self, ctx: &mut Context<'_>) {
        for delivery in &mut self.deliveries {
            match delivery.stand {
                Stand::Delivering(_) => {}
                Stand::Waiting(until) if until > ctx.now => ctx.wake(until, self.key),
                Stand::Waiting(_) => {
                    let id = ctx.call(self.key);
                    delivery.stand = Stand::Delivering(id);
                    delivery.tries += 1;
                    let record = delivery.record.clone();
                    ctx.out.actions.push_back(Action::Deliver { id, record });
                }
            }
        }
    }

    /// A delivery ended. One that fails too often is given up, and the position moves all the same
    /// (Lambda developer guide, event source mapping metrics: the records count as dropped).
    pub(super) fn delivered(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<(), DeliveryError>,
    ) {
        let open = |delivery: &Delivery| delivery.stand == Stand::Delivering(id);
        let Some(index) = self.deliveries.iter().position(open) else {
            return;
        };
        let records = self.deliveries[index].items.len();
        match result {
            Ok(()) => ctx.report(Decision::Delivered {
                shard: self.id.clone(),
                records,
                destination: destination(ctx.config).unwrap_or_default(),
            }),
            Err(error) if self.deliveries[index].tries < DELIVERY_TRIES => {
                let delivery = &mut self.deliveries[index];
                let wait = Backoff::INVOKE.wait(delivery.tries, &mut ctx.out.random);
                delivery.stand = Stand::Waiting(ctx.now + wait);
                return ctx.report(Decision::DeliveryDeferred {
                    shard: self.id.clone(),
                    records,
                    error: excerpt(&error.message, LONGEST_TEXT),
                    tries: delivery.tries,
                    retry_ms: millis(wait),
                });
            }
            Err(error) => ctx.report(Decision::DeliveryFailed {
                shard: self.id.clone(),
                records,
                destination: destination(ctx.config).unwrap_or_default(),
                error: excerpt(&error.message, LONGEST_TEXT),
            }),
        }
        let delivery = self.deliveries.swap_remove(index);
        self.settle(delivery.lane, &delivery.items);
        let lane = &mut self.lanes[delivery.lane];
        lane.deliveries -= 1;
        if ctx.draining {
            self.abandon(ctx, delivery.lane);
        }
    }
}

fn destination(config: &StreamConfig) -> Option<String> {
    let destination = config.on_failure.as_ref()?;
    Some(destination.arn().as_str().to_owned())
}

impl StreamEncoder {
    const fn kind(&self) -> StreamKind {
        match self {
            Self::Kinesis(_) => StreamKind::Kinesis,
            Self::DynamoDb(_) => StreamKind::DynamoDb,
        }
    }
}
