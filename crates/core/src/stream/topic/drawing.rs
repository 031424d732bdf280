//! Drawing records from partitions into the batches of lanes.
//!
//! A partition is drawn from when nothing of it is under way, or only gathered: so its records keep their order. Those
//! that can be drawn from stand in a line. A lane that gathers takes from one after the other until its batch is full:
//! where much waits, a batch is full of one partition and as many run at a time as there are pollers; where little
//! does, one batch holds what there is of all.

use super::filter::PartitionRecord;
use super::machine::TopicMachine;
use super::partition::Partition;
use super::topic_lane::TopicLane;
use crate::batching::Oversized;
use crate::decision::Decision;
use crate::event::RECORDS;
use crate::event::kafka::KafkaEncoder;
use crate::on_failure_record::Condition;
use crate::record::KafkaRecord;
use crate::stream::data_filter::{DataFilter, explain};
use crate::stream::item::{Item, Place};
use crate::stream::on_failure_destination::GivenUp;
use crate::time::Timestamp;

impl TopicMachine {
    /// Has a partition stand in line, if it can be drawn from.
    pub(super) fn line_up(&mut self, number: i32) {
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        let gathers = match partition.lane {
            Some(lane) => self.gathers(lane),
            None => true,
        };
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let stands_there = partition.queued || partition.buffer.is_empty();
        if gathers && !stands_there && partition.may_be_drawn_from() {
            partition.queued = true;
            self.line.push_back(number);
        }
    }

    /// Draws from those in line, as long as a lane gathers.
    pub(super) fn draw(&mut self, now: Timestamp) {
        while let Some((number, lane)) = self.next_draw() {
            self.line.pop_front();
            if let Some(partition) = self.partitions.get_mut(&number) {
                partition.queued = false;
            }
            if lane == Some(self.lanes.len()) {
                self.lanes.push(TopicLane::new(&self.config.batches));
            }
            if let Some(lane) = lane {
                self.draw_from(now, number, lane);
            }
        }
    }

    /// Returns the first in line, and the lane that draws from it; none if it is to stand in line no more. `None` if nothing
    /// is to be drawn now.
    pub(super) fn next_draw(&self) -> Option<(i32, Option<usize>)> {
        let number = *self.line.front().filter(|_| !self.draining)?;
        let partition = self.partitions.get(&number);
        let lane = match partition.filter(|partition| partition.may_be_drawn_from()) {
            // It lines up again when that has changed, or when its lane gathers again.
            None => None,
            Some(Partition {
                lane: Some(lane), ..
            }) => Some(*lane).filter(|&lane| self.gathers(lane)),
            Some(_) => Some(self.gathering_lane()?),
        };
        Some((number, lane))
    }

    /// Tells whether a lane's next batch may be filled. While the destination is told of its records, no more are drawn: so
    /// there is a bound to how many are on their way.
    fn gathers(&self, lane: usize) -> bool {
        self.lanes[lane].lane.accepts() && !self.deliveries.any_of(lane)
    }

    /// Returns the lane whose batch is to be filled next: one that has begun to gather, and else an idle one, which may be
    /// new; `None` if as many are at work as may be.
    fn gathering_lane(&self) -> Option<usize> {
        let lanes = || self.lanes.iter();
        let has_begun = |&lane: &usize| !self.lanes[lane].members.is_empty() && self.gathers(lane);
        let begun = (0..self.lanes.len()).find(has_begun);
        if begun.is_some() {
            return begun;
        }
        let busy = lanes().filter(|each| !each.is_empty()).count();
        if busy >= self.limit() {
            return None;
        }
        let idle = lanes().position(TopicLane::is_empty);
        idle.or(Some(self.lanes.len()))
    }

    fn draw_from(&mut self, now: Timestamp, number: i32, lane: usize) {
        let mut filter = DataFilter::default();
        let encoder = self.config.encoder.clone();
        let filters = self.config.batches.filters.clone();
        let detail = self.config.batches.detail;
        let (mut skipped, mut last_skipped, mut unseen) = (0, 0, 0);
        self.make_room(&encoder, number, lane);
        while self.lanes[lane].lane.accepts()
            && unseen < self.config.batches.limits.count
            && let Some(partition) = self.partitions.get_mut(&number)
            && let Some(record) = partition.buffer.pop_front()
        {
            let size = record.size();
            partition.buffered -= size;
            self.buffered -= size;
            let offset = record.offset;
            let failure = record
                .schemas
                .as_ref()
                .and_then(|known| known.failure.as_ref());
            if let Some(failure) = failure {
                let (condition, because) = (failure.condition, failure.because.clone());
                let item = self.item(now, number, lane, &record);
                unseen += 1;
                self.give_up_unseen(now, lane, item, &record, (condition, because));
                continue;
            }
            let seen = PartitionRecord {
                encoder: &encoder,
                partition: number,
                record: &record,
            };
            let passes = filters
                .as_ref()
                .is_none_or(|filters| filter.passes(filters, &seen));
            if !passes {
                partition.settled.pass(offset + 1);
                skipped += 1;
                last_skipped = offset;
                if detail && let Some(filters) = &filters {
                    let decision = Decision::Skipped {
                        shard: partition.name.clone(),
                        records: 1,
                        sequence_number: offset.to_string(),
                        because: explain(filters, &seen),
                    };
                    self.shared.report(decision);
                }
                continue;
            }
            let item = self.item(now, number, lane, &record);
            let gathered = self.lanes[lane].lane.gather(now, item, |out| {
                encoder.write(out, number, &record);
                0
            });
            if let Err(Oversized { item, bytes }) = gathered {
                let because = format!("its event alone is {bytes} bytes");
                let why = (Condition::MaximumPayloadSizeExceeded, because);
                unseen += 1;
                self.give_up_unseen(now, lane, item, &record, why);
            }
        }
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        if skipped > 0 && !detail {
            self.shared.report(Decision::Skipped {
                shard: partition.name.clone(),
                records: skipped,
                sequence_number: last_skipped.to_string(),
                because: String::new(),
            });
        }
        self.pass_holes(number);
        self.line_up(number);
        self.dirty.insert(number);
        self.hungry.insert(number);
    }

    /// Notes that a record is drawn into a lane.
    fn item(&mut self, now: Timestamp, number: i32, lane: usize, record: &KafkaRecord) -> Item {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        if let Some(partition) = self.partitions.get_mut(&number) {
            partition.settled.draw(ordinal, record.offset);
            if partition.lane.replace(lane).is_none() {
                self.lanes[lane].members.push(number);
            }
        }
        Item {
            ordinal,
            place: Place::Offset {
                partition: number,
                offset: record.offset,
            },
            // Of a record without a time the age is not known: it counts from now.
            arrival: if record.timestamp < Timestamp(0) {
                now
            } else {
                record.timestamp
            },
        }
    }

    /// Leaves room in the lane's batch for what stands around the records of each partition.
    fn make_room(&mut self, encoder: &KafkaEncoder, number: i32, lane: usize) {
        let envelope = RECORDS.prefix.len() + RECORDS.suffix.len();
        let around = encoder.overhead().saturating_sub(envelope);
        let alone = around + encoder.partition_overhead(number);
        let lane = &mut self.lanes[lane];
        let others = lane.members.iter().filter(|&&member| member != number);
        let others: usize = others
            .map(|&member| encoder.partition_overhead(member))
            .sum();
        lane.lane.reserve(alone + others, alone);
    }

    /// Gives up a record that the function is never to see.
    fn give_up_unseen(
        &mut self,
        now: Timestamp,
        lane: usize,
        item: Item,
        record: &KafkaRecord,
        (condition, because): (Condition, String),
    ) {
        let number = item.place.offset().0;
        let mut fragment = Vec::new();
        self.config.encoder.write(&mut fragment, number, record);
        let batch = self.shared.next_batch();
        let given_up = GivenUp::unseen(batch, condition, item, &fragment, because);
        self.give_up(now, lane, given_up);
    }
}
