//! The on-failure destination: records that are given up are told to it before the checkpoint moves past them
//! (Lambda developer guide, "Retaining discarded batches").

mod documents;

use std::mem;

use super::action::{Action, CallId};
use super::config::StreamConfig;
use super::context::Context;
use super::item::Item;
use crate::backoff::Backoff;
use crate::batching::Batch;
use crate::decision::{BatchId, Decision};
use crate::event::RECORDS;
use crate::excerpt::{LONGEST_TEXT, excerpt};
use crate::fault::DeliveryError;
use crate::mapping::KafkaDestination;
use crate::on_failure_record::{Condition, FailedResponse, FailureRecord};
use crate::time::{self, Timestamp};

/// How often a delivery is tried. Lambda documents no number.
const DELIVERY_TRIES: u32 = 5;

/// Records that are given up together, adjacent in their batch.
#[derive(Debug)]
pub(super) struct GivenUp {
    /// The part of a batch that they were, the last one if they were several.
    batch: BatchId,
    condition: Condition,
    /// Parts of a batch, in their order.
    records: Vec<Batch<Item>>,
    /// Why the function never sees them; `None` for what it has seen.
    because: Option<String>,
    invokes: u32,
    response: Option<FailedResponse>,
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
            records: vec![records],
            because: None,
            invokes,
            response,
        }
    }

    /// Returns a record that the function is never to see, under a batch of its own: as an event would have it.
    pub(super) fn unseen(
        batch: BatchId,
        condition: Condition,
        item: Item,
        fragment: &[u8],
        because: String,
    ) -> Self {
        Self {
            batch,
            condition,
            records: vec![Batch::of_one(item, fragment, RECORDS)],
            because: Some(because),
            invokes: 1,
            response: None,
        }
    }

    /// Returns the records.
    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.records.iter().flat_map(|part| &part.items)
    }

    /// Lets go of records that are somebody else's. Returns whether any is left.
    pub(super) fn strip(&mut self, is_lost: impl Fn(&Item) -> bool) -> bool {
        for part in &mut self.records {
            part.retain(|item| !is_lost(item));
        }
        self.items().next().is_some()
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
        self.records.extend(next.records);
    }

    /// Returns the records, and why they are given up.
    fn take_records(&mut self) -> (Batch<Item>, String) {
        let because = self.because.take();
        let because = because.unwrap_or_else(|| match self.condition {
            Condition::RetryAttemptsExhausted => "the function failed with every try".to_owned(),
            _ => "too old".to_owned(),
        });
        (Batch::joined(mem::take(&mut self.records)), because)
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
        let (batch, because) = given_up.take_records();
        let (Some(first), Some(last)) = (batch.items.first(), batch.items.last()) else {
            return batch.items;
        };
        ctx.report(Decision::Discarded {
            shard: ctx.shard.clone(),
            batch: given_up.batch,
            records: batch.items.len(),
            condition: given_up.condition,
            because,
            first: first.place.to_string(),
            last: last.place.to_string(),
            destination: destination(ctx.config),
        });
        let records = match &ctx.config.on_failure {
            None => return batch.items,
            Some(KafkaDestination::Aws(destination)) => {
                let destination = destination.clone();
                let record = documents::record(ctx, &given_up, &batch, &destination);
                vec![(batch.items, record)]
            }
            // One message for each record.
            Some(KafkaDestination::Topic(_)) => (0..batch.items.len())
                .map(|index| batch.pick([index]))
                .map(|one| {
                    let record = documents::topic_record(ctx, &given_up, &one);
                    (one.items, record)
                })
                .collect(),
        };
        for (items, record) in records {
            self.open.push(Delivery {
                lane,
                items,
                record,
                tries: 0,
                phase: Phase::Waiting(ctx.now),
            });
        }
        self.deliver(ctx);
        Vec::new()
    }

    /// Tells whether a record for which `is_it` holds is on its way.
    pub(super) fn hold(&self, is_it: impl Fn(&Item) -> bool) -> bool {
        let mut items = self.open.iter().flat_map(|delivery| &delivery.items);
        items.any(is_it)
    }

    /// Lets go of what waits to be sent again, and tells only of records that are somebody else's.
    pub(super) fn strip(&mut self, is_lost: impl Fn(&Item) -> bool) {
        self.open.retain(|delivery| {
            let is_under_way = matches!(delivery.phase, Phase::Delivering(_));
            is_under_way || !delivery.items.iter().all(&is_lost)
        });
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

fn destination(config: &StreamConfig) -> Option<String> {
    Some(match config.on_failure.as_ref()? {
        KafkaDestination::Aws(destination) => destination.arn().as_str().to_owned(),
        KafkaDestination::Topic(topic) => format!("kafka://{topic}"),
    })
}
