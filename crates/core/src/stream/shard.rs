//! One shard of a stream. It wires the owners of its state: what one of them yields, it hands to the next.
//!
//! ```text
//!  Reader ──records──> RecordFilter ──> Lane ──Effect::GivenUp──> Deliveries
//!                                        │ Effect::Settled            │
//!                                        └──────> SettledPrefix <─────┘
//!                                                      │ checkpoint
//!                           Lane <──may begin── Commits <┘
//! ```

mod view;

use super::action::{CallId, Input};
use super::checkpoint::Checkpoint;
use super::checkpoint::commits::Commits;
use super::checkpoint::settled_prefix::SettledPrefix;
use super::config::StreamConfig;
use super::context::Context;
use super::deaggregation::user_records;
use super::filter::RecordFilter;
use super::lane::{Conditions, Effect, Lane, Next};
use super::on_failure_destination::{Deliveries, GivenUp};
use super::parallelization::lane_of;
use super::port::{Page, Shard as Listed, ShardId, Start};
use super::reader::Reader;
use super::shard_key::ShardKey;
use super::tumbling_window::TumblingWindow;
use crate::batching::{Limits, Oversized};
use crate::decision::{BatchId, Decision};
use crate::fault::{InvokeError, SourceError};
use crate::on_failure_record::Condition;
use crate::record::{StreamContent, StreamRecord};
use crate::response::InvokeAnswer;
use crate::time::Timestamp;

/// Where a shard is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not read before its parents are over.
    Waiting,
    /// Being read and processed.
    Running,
    /// Read to its end, and all of it settled; that is durable.
    Over,
}

/// One shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) key: ShardKey,
    /// As it was listed.
    listed: Listed,
    stage: Stage,
    /// Under which the process owns it.
    epoch: u64,
    /// Whether where it begins must be durable before it is read: after a restart it would be another place.
    keeps_start: bool,
    reader: Reader,
    prefix: SettledPrefix,
    lanes: Vec<Lane>,
    deliveries: Deliveries,
    commits: Commits,
    /// The age of the last record of the batch that was sent last.
    iterator_age_ms: Option<u64>,
    /// Children that the source named at the end, for the machine to take.
    children: Vec<Listed>,
}

impl Shard {
    /// Returns a shard that waits for its parents. It goes on at `checkpoint`, which is durable already or not.
    pub(super) fn new(
        key: ShardKey,
        listed: Listed,
        epoch: u64,
        (checkpoint, durable): (Checkpoint, bool),
        config: &StreamConfig,
    ) -> Self {
        let factor = config.factor();
        let window = checkpoint.window.clone();
        let window = window.filter(|_| config.tumbling().is_some());
        let lane = || Lane::new(config, TumblingWindow::new(window.clone()));
        Self {
            key,
            listed,
            stage: match checkpoint.start {
                Some(_) => Stage::Waiting,
                None => Stage::Over,
            },
            epoch,
            keeps_start: !durable
                && (checkpoint.start.as_ref()).is_some_and(|start| *start != Start::TrimHorizon),
            reader: Reader::new(&checkpoint),
            prefix: SettledPrefix::new(&checkpoint, factor),
            lanes: std::iter::repeat_with(lane).take(factor).collect(),
            deliveries: Deliveries::default(),
            commits: Commits::new(durable.then_some(checkpoint), factor),
            iterator_age_ms: None,
            children: Vec::new(),
        }
    }

    pub(super) const fn id(&self) -> &ShardId {
        &self.listed.id
    }

    pub(super) fn parents(&self) -> &[ShardId] {
        &self.listed.parents
    }

    /// Returns it as it was listed: it is dropped, and somebody else's.
    pub(super) fn into_listed(self) -> Listed {
        self.listed
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns under which epoch the process owns it.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Tells whether a checkpoint of it is durable.
    pub(super) const fn is_durable(&self) -> bool {
        self.commits.committed().is_some()
    }

    /// Returns how many records are gathered and not settled.
    pub(super) const fn unsettled(&self) -> usize {
        self.prefix.unsettled()
    }

    /// Waits no longer for parents that `is_none` picks: its lineage is a ring.
    pub(super) fn forget_parents(&mut self, is_none: impl Fn(&ShardId) -> bool) {
        self.listed.parents.retain(|parent| !is_none(parent));
    }

    /// Takes the children that the source named at the end.
    pub(super) fn take_children(&mut self) -> Vec<Listed> {
        std::mem::take(&mut self.children)
    }

    /// Begins just after the newest record, which is known `now`.
    pub(super) fn start_at_latest(&mut self, now: Timestamp) {
        self.reader.start_at_latest(now);
    }

    /// Takes it that the source lists it.
    pub(super) const fn is_listed(&mut self) {
        self.reader.is_listed();
    }

    /// Takes it that the source lists it no more.
    pub(super) fn is_not_listed(&mut self) {
        if self.stage == Stage::Running {
            self.reader.is_not_listed();
        }
    }

    /// Begins to be read and processed: its parents are over.
    pub(super) fn start(&mut self, ctx: &mut Context<'_>) {
        self.stage = Stage::Running;
        ctx.report(Decision::ShardStarted {
            shard: ctx.shard.clone(),
            from: self.reader.beginning(&self.prefix),
        });
        self.advance(ctx);
    }

    /// Changes when batches are full.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        for lane in &mut self.lanes {
            lane.set_limits(limits);
        }
    }

    /// Takes one fact that this shard waits for, and goes on.
    pub(super) fn handle(&mut self, ctx: &mut Context<'_>, input: Input) {
        match input {
            Input::Opened { id, result } => self.reader.opened(ctx, &self.prefix, id, result),
            Input::Fetched { id, result } => self.fetched(ctx, id, result),
            Input::Reserved { turn } => {
                for lane in &mut self.lanes {
                    lane.reserved(turn);
                }
            }
            Input::Invoked {
                batch,
                attempt,
                result,
            } => self.invoked(ctx, batch, attempt, result),
            Input::Delivered { id, result } => {
                if let Some((lane, items)) = self.deliveries.answered(ctx, id, result) {
                    self.prefix.settle(lane, &items);
                    self.abandon_if_draining(ctx, lane);
                }
            }
            Input::Committed { id, result } => self.committed(ctx, id, result),
            _ => {}
        }
        self.advance(ctx);
    }

    /// Does whatever can be done now.
    pub(super) fn advance(&mut self, ctx: &mut Context<'_>) {
        if self.stage != Stage::Running {
            return;
        }
        self.deliveries.deliver(ctx);
        for lane in 0..self.lanes.len() {
            self.advance_lane(ctx, lane);
        }
        self.commit(ctx);
        self.read(ctx);
    }

    /// Reads, now that it has a polling slot.
    pub(super) fn take_slot(&mut self, ctx: &mut Context<'_>) {
        self.reader.has_slot();
        self.read(ctx);
    }

    fn read(&mut self, ctx: &mut Context<'_>) {
        if !self.keeps_start || self.is_durable() {
            self.reader.read(ctx, &self.prefix);
        }
    }

    /// Lets go of what was gathered and not invoked, and of batches that wait for a retry.
    pub(super) fn drain(&mut self, ctx: &mut Context<'_>) {
        (0..self.lanes.len()).for_each(|lane| self.abandon(ctx, lane));
    }

    /// Gives back its turns at the function: the shard is to be dropped, and whatever it waits for comes too late.
    pub(super) fn forgo_turns(&mut self, ctx: &mut Context<'_>) {
        for lane in &mut self.lanes {
            lane.forgo_turn(ctx);
        }
    }

    fn fetched(&mut self, ctx: &mut Context<'_>, id: CallId, result: Result<Page, SourceError>) {
        let Some(fetched) = self.reader.fetched(ctx, &self.prefix, id, result) else {
            return;
        };
        self.children.extend(fetched.children);
        let found = fetched.records.len();
        if found > 0 {
            ctx.report(Decision::Polled { messages: found });
            let records = self.reader.take(ctx, &mut self.prefix, fetched.records);
            self.gather(ctx, records);
        }
        self.reader.skip_to(&mut self.prefix, fetched.read_to);
        if found == 0 || self.reader.has_ended() {
            self.reader.tell_passed_over(ctx);
        }
    }

    /// Takes records in their order: each is filtered out, given up, or added to the open batch of its lane.
    fn gather(&mut self, ctx: &mut Context<'_>, records: Vec<StreamRecord>) {
        let mut filter = RecordFilter::default();
        for record in records {
            self.prefix.read(&record.sequence);
            match user_records(ctx.config, self.listed.hash_keys, &record) {
                Some(parts) => {
                    for part in parts {
                        self.gather_one(ctx, &mut filter, &part);
                    }
                }
                None => self.gather_one(ctx, &mut filter, &record),
            }
        }
        filter.end_page(ctx);
    }

    fn gather_one(
        &mut self,
        ctx: &mut Context<'_>,
        filter: &mut RecordFilter,
        record: &StreamRecord,
    ) {
        let index = lane_of(&record.content, self.lanes.len());
        if self.prefix.was_settled(index, &record.sequence) {
            return;
        }
        let (sequence, size) = (&record.sequence, record.content.size());
        if let StreamContent::Unreadable(unreadable) = &record.content {
            let item = self.prefix.gather(index, sequence, record.arrival, size);
            // A bucket keeps it as it came.
            let fragment = unreadable.json.as_bytes();
            let because = format!("it cannot be read: {}", unreadable.because);
            let condition = Condition::RecordUnreadable;
            let batch = ctx.shared.next_batch();
            let given_up = GivenUp::unseen(batch, condition, item, fragment, because);
            return self.give_up(ctx, index, given_up);
        }
        self.lanes[index].note_arrival(ctx.config, record.arrival);
        if !filter.passes(ctx, record) {
            return;
        }
        let item = self.prefix.gather(index, sequence, record.arrival, size);
        let encoder = &ctx.config.encoder;
        let encode = |out: &mut Vec<u8>| encoder.write(out, &ctx.shard, record, filter.change());
        if let Err(Oversized { item, bytes }) = self.lanes[index].gather(ctx.now, item, encode) {
            let mut fragment = Vec::new();
            // Without what is not written, which nobody reads.
            let _: usize = encode(&mut fragment);
            let condition = Condition::MaximumPayloadSizeExceeded;
            let because = format!("its event alone is {bytes} bytes");
            let batch = ctx.shared.next_batch();
            let given_up = GivenUp::unseen(batch, condition, item, &fragment, because);
            self.give_up(ctx, index, given_up);
        }
    }

    /// Goes on with the batch of a lane, or begins the next one, as far as that goes.
    fn advance_lane(&mut self, ctx: &mut Context<'_>, index: usize) {
        let mut effects = Vec::new();
        let last = loop {
            let conditions = Conditions {
                delivering: self.deliveries.any_of(index),
                uncommitted: self.commits.are_awaited_by(index),
                reading: self.reader.reading(),
            };
            let next = self.lanes[index].advance(ctx, conditions, &mut effects);
            self.apply(ctx, index, &mut effects);
            if next != Next::More {
                break next;
            }
        };
        if last == Next::Nothing {
            self.lanes[index].forgo_turn(ctx);
        }
    }

    /// Hands on what a lane has yielded.
    fn apply(&mut self, ctx: &mut Context<'_>, lane: usize, effects: &mut Vec<Effect>) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Settled(items) => self.prefix.settle(lane, &items),
                Effect::GivenUp(given_up) => self.give_up(ctx, lane, given_up),
                Effect::Sent { iterator_age_ms } => {
                    self.iterator_age_ms = iterator_age_ms.or(self.iterator_age_ms);
                }
                Effect::BatchEnded => self.commits.batch_ended(lane),
            }
        }
    }

    fn give_up(&mut self, ctx: &mut Context<'_>, lane: usize, given_up: GivenUp) {
        let settled = self.deliveries.give_up(ctx, lane, given_up);
        self.prefix.settle(lane, &settled);
    }

    fn invoked(
        &mut self,
        ctx: &mut Context<'_>,
        batch: BatchId,
        attempt: u32,
        result: Result<InvokeAnswer, InvokeError>,
    ) {
        let mut lanes = self.lanes.iter();
        let Some(index) = lanes.position(|lane| lane.awaits(batch, attempt)) else {
            return;
        };
        ctx.shared.end_invocation(batch);
        let mut effects = Vec::new();
        self.lanes[index].invoked(ctx, result, &mut effects);
        self.apply(ctx, index, &mut effects);
        self.abandon_if_draining(ctx, index);
    }

    fn abandon_if_draining(&mut self, ctx: &mut Context<'_>, lane: usize) {
        if ctx.draining {
            self.abandon(ctx, lane);
        }
    }

    fn abandon(&mut self, ctx: &mut Context<'_>, lane: usize) {
        let mut effects = Vec::new();
        self.lanes[lane].abandon(ctx, &mut effects);
        self.apply(ctx, lane, &mut effects);
        if !self.deliveries.any_of(lane) {
            self.lanes[lane].let_go();
        }
    }

    /// Begins a commit if there is something new, and none is on its way.
    fn commit(&mut self, ctx: &mut Context<'_>) {
        self.prefix.advance();
        if !self.commits.may_begin(ctx) {
            return;
        }
        // Where nothing is new, lanes need not wait; what they then do may be new.
        while let Some(checkpoint) = self.checkpoint(ctx) {
            if self.commits.is_news(&checkpoint) {
                return self.commits.begin(ctx, checkpoint);
            }
            let settlements = self.commits.settlements();
            self.release_lanes(ctx, settlements);
            self.prefix.advance();
            if self.commits.settlements() == settlements {
                return;
            }
        }
    }

    /// Returns how far the shard is settled; `None` while that is not to be kept.
    fn checkpoint(&self, ctx: &Context<'_>) -> Option<Checkpoint> {
        // The function's state belongs to what is settled when its batch is settled whole.
        if ctx.config.tumbling().is_some() && self.lanes.iter().any(Lane::is_working) {
            return None;
        }
        if self.is_finished() {
            return Some(Checkpoint::END);
        }
        // Where a mapping goes on that is begun again.
        if ctx.draining && self.reader.halted().is_some() {
            return Some(Checkpoint::at(Start::TrimHorizon));
        }
        let mut lanes = self.lanes.iter();
        Some(Checkpoint {
            window: lanes.find_map(|lane| lane.tumbling().kept()),
            ..self.prefix.checkpoint()
        })
    }

    fn committed(&mut self, ctx: &mut Context<'_>, id: CallId, result: Result<(), String>) {
        let Some(settlements) = self.commits.answered(ctx, id, result) else {
            return;
        };
        self.release_lanes(ctx, settlements);
        if self.commits.committed() == Some(&Checkpoint::END) && self.is_finished() {
            self.stage = Stage::Over;
            ctx.report(Decision::ShardEnded {
                shard: ctx.shard.clone(),
            });
        }
    }

    /// Lets the lanes go on whose settlements are durable.
    fn release_lanes(&mut self, ctx: &mut Context<'_>, settlements: u64) {
        for lane in 0..self.lanes.len() {
            if self.commits.release(lane, settlements) {
                self.advance_lane(ctx, lane);
            }
        }
    }

    /// Tells whether nothing of the shard is outside.
    fn is_idle(&self) -> bool {
        self.deliveries.is_empty()
            && !self.commits.is_busy()
            && !self.lanes.iter().any(Lane::is_working)
    }

    /// Tells whether everything was read and is settled.
    fn is_finished(&self) -> bool {
        self.reader.has_ended()
            && self.prefix.is_empty()
            && self.deliveries.is_empty()
            && self.lanes.iter().all(Lane::is_empty)
    }
}
