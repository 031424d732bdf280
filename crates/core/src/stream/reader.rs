//! Polling a shard: when it is read, from where, and how much.
//!
//! The reader owns where the shard is read, and leaves the source alone while it fails (`failures`). What it has read
//! before, or is not to process, it passes over (`passed_over`).

mod failures;
mod passed_over;
mod read_quota;

use std::sync::Arc;
use std::time::Duration;

use read_quota::ReadQuota;

use super::action::{Action, CallId};
use super::checkpoint::Checkpoint;
use super::checkpoint::settled_prefix::SettledPrefix;
use super::context::Context;
use super::port::{Cursor, FetchRequest, Page, Shard, Start};
use crate::backoff::Backoff;
use crate::batching::MAX_PAYLOAD_BYTES;
use crate::fault::{SourceError, SourceErrorKind};
use crate::pacing::Pacing;
use crate::record::StreamRecord;
use crate::time::Timestamp;

/// How many records of a shard may be read beyond what its lanes need to fill their batches.
const READ_AHEAD: usize = 2_000;
/// With less room than this nothing is read: a few large pages cost less than many small ones.
const SMALLEST_PAGE: usize = READ_AHEAD / 2;
/// How many full events of a shard may be read ahead, at least.
const READ_AHEAD_EVENTS: usize = 4;

/// What a record is taken to hold before one was read, if memory is short.
const UNKNOWN_RECORD_BYTES: usize = 64 * 1024;

/// How many empty pages in the middle of a shard follow each other at once.
const EMPTY_PAGES_IN_A_ROW: u32 = 10;
/// The longest that a shard waits for records to be pushed while others wait for its polling slot.
const CROWDED_WAIT: Duration = Duration::from_secs(1);
/// So long after the listing a new mapping may still take the newest record for that of its beginning.
const LATEST_IS_NOW: Duration = Duration::from_secs(1);

/// How far a shard was read, as its lanes must know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Whether there is nothing more to read.
    pub(super) has_ended: bool,
    /// The fetches since the last one that found something; `None` if that was the last.
    pub(super) quiet: Option<Quiet>,
}

/// What a fetch has brought.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) records: Vec<StreamRecord>,
    /// The children that the source named at the shard's end.
    pub(super) children: Vec<Shard>,
    pub(super) read_to: Option<Arc<str>>,
}

/// Whether the shard is open at the source, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// No cursor is known.
    Closed,
    Opening(CallId),
    At(Cursor),
    Fetching(Fetching),
    /// There is nothing more to read.
    Ended,
}

/// An open fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fetching {
    id: CallId,
    cursor: Cursor,
    began: Timestamp,
    wait: Duration,
}

/// Fetches in a row that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    /// When the first of them began.
    since: Timestamp,
    /// When the last of them began.
    at: Timestamp,
    /// Whether the source said that there is nothing newer. An empty page alone does not say so.
    caught_up: bool,
}

impl Quiet {
    /// Tells whether the shard has held nothing since `time`, and for as long as `wait` where the source
    /// does not say that it is all.
    pub(super) fn covers(&self, time: Timestamp, wait: Duration) -> bool {
        self.at >= time && (self.caught_up || self.at.since(self.since) >= wait)
    }
}

/// What a shard knows of its reading.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
    /// Where to open the shard anew: after the last record read.
    resume: Start,
    /// Until then, by the engine's clock, the newest record is that of the mapping's beginning.
    latest_until: Timestamp,
    /// Records that arrived before this are passed over, until the first that did not.
    since: Option<Timestamp>,
    /// How many were, and are not told of.
    passed: usize,
    /// Records up to this one are passed over, for they were read before.
    known: Option<Arc<str>>,
    /// Nothing that arrived before this, by the source's clock, is still to be read. `None` if that is not
    /// known.
    reached: Option<Timestamp>,
    /// Why the shard cannot be read, while that is so.
    problem: Option<SourceError>,
    /// Why it is read no more, of a source whose mapping ends with what is lost.
    halted: Option<String>,
    /// Whether the source has said that there is no such shard.
    gone: bool,
    /// Before this the source is left alone.
    not_before: Option<Timestamp>,
    failures: u32,
    /// How many fetches in a row found nothing.
    empty: u32,
    /// Whether the last page said that there is more.
    is_hungry: bool,
    /// Whether it waits in line for a polling slot.
    is_lined_up: bool,
    /// The fetches since the last one that found something; `None` if that was the last.
    quiet: Option<Quiet>,
    quota: Option<ReadQuota>,
}

impl Reader {
    /// Returns the reader of a shard that goes on at `checkpoint`.
    pub(super) fn new(checkpoint: &Checkpoint) -> Self {
        let reached = match checkpoint.start {
            Some(Start::Timestamp(time)) => Some(time),
            _ => None,
        };
        Self {
            state: match checkpoint.start {
                Some(_) => State::Closed,
                None => State::Ended,
            },
            resume: checkpoint.start.clone().unwrap_or(Start::TrimHorizon),
            latest_until: Timestamp::default(),
            since: None,
            passed: 0,
            known: None,
            reached,
            problem: None,
            halted: None,
            gone: false,
            not_before: None,
            failures: 0,
            empty: 0,
            is_hungry: false,
            is_lined_up: false,
            quiet: None,
            quota: None,
        }
    }

    /// Begins just after the newest record, which is known `now`.
    pub(super) fn start_at_latest(&mut self, now: Timestamp) {
        self.resume = Start::Latest;
        self.latest_until = now + LATEST_IS_NOW;
    }

    /// Returns how far the shard was read.
    pub(super) const fn reading(&self) -> Reading {
        Reading {
            has_ended: self.has_ended(),
            quiet: self.quiet,
        }
    }

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Tells whether the place to go on is known, or that there is none.
    pub(super) const fn is_open(&self) -> bool {
        let closed = matches!(self.state, State::Closed | State::Opening(_));
        !closed || self.gone || self.halted.is_some()
    }

    pub(super) const fn is_fetching(&self) -> bool {
        matches!(self.state, State::Fetching(_))
    }

    const fn is_calling(&self) -> bool {
        matches!(self.state, State::Opening(_) | State::Fetching(_))
    }

    /// Returns why the shard cannot be read, while that is so.
    pub(super) const fn problem(&self) -> Option<&SourceError> {
        self.problem.as_ref()
    }

    /// Returns when the source may be read again, if it is left alone because it fails.
    pub(super) fn backing_off_until(&self) -> Option<Timestamp> {
        self.not_before.filter(|_| self.failures > 0)
    }

    /// Takes it that the source has the shard.
    pub(super) const fn is_listed(&mut self) {
        self.gone = false;
    }

    /// Takes it that the source lists the shard no more: if it has said that there is none, nothing is left.
    pub(super) fn is_not_listed(&mut self) {
        if self.gone {
            self.state = State::Ended;
        }
    }

    /// Returns where reading begins, in words.
    pub(super) fn beginning(&self, prefix: &SettledPrefix) -> String {
        match self.resume {
            Start::Latest => self.resume.to_string(),
            _ => prefix.end().to_string(),
        }
    }

    /// Opens or reads the shard, if it is time, there is room, and a polling slot is free. Otherwise it lines up.
    pub(super) fn read(&mut self, ctx: &mut Context<'_>, prefix: &SettledPrefix) {
        if self.is_calling() {
            return;
        }
        if let Some(room) = self.appetite(ctx, prefix) {
            if ctx.shared.slots.take(ctx.key) {
                self.call_source(ctx, prefix, room);
            } else if !std::mem::replace(&mut self.is_lined_up, true) {
                ctx.shared.slots.line_up(ctx.key, self.is_hungry);
            }
        }
        if !self.is_calling() {
            ctx.shared.slots.leave(ctx.key);
        }
    }

    /// Takes it that the shard has come to its turn, and stands in line no more.
    pub(super) const fn has_slot(&mut self) {
        self.is_lined_up = false;
    }

    /// Returns how many records to read now; `None` if it is not the time for any.
    fn appetite(&mut self, ctx: &mut Context<'_>, prefix: &SettledPrefix) -> Option<usize> {
        // A listing tells first whether the stream was made anew.
        if ctx.draining || self.gone || self.has_ended() || self.halted.is_some() {
            return None;
        }
        let room = room(ctx, prefix);
        if room == 0 {
            return None;
        }
        if let Some(time) = self.not_before {
            if time > ctx.now {
                ctx.wake(time);
                return None;
            }
            self.not_before = None;
        }
        Some(room)
    }

    fn call_source(&mut self, ctx: &mut Context<'_>, prefix: &SettledPrefix, room: usize) {
        match self.state.clone() {
            State::Closed => {
                // The newest record of a later moment would be too late: others have come since the beginning.
                if ctx.now > self.latest_until {
                    self.begin_by_time(prefix);
                }
                let from = self.place_to_open(ctx);
                let id = ctx.call();
                self.state = State::Opening(id);
                let shard = ctx.shard.clone();
                ctx.act(Action::Open { id, shard, from });
            }
            State::At(cursor) => self.fetch(ctx, cursor, room),
            State::Opening(_) | State::Fetching(_) | State::Ended => {}
        }
    }

    /// From here on, a shard that begins after its newest record is opened by the time of that.
    fn begin_by_time(&mut self, prefix: &SettledPrefix) {
        if let (Start::Latest, by_time @ Start::Timestamp(_)) = (&self.resume, prefix.end()) {
            self.resume = by_time;
        }
    }

    /// Returns where to open the shard. What is opened by time may give what arrived before that: all of what
    /// an open shard gave after its newest record was new, whatever time it showed.
    fn place_to_open(&mut self, ctx: &Context<'_>) -> Start {
        let Start::Timestamp(since) = self.resume else {
            return self.resume.clone();
        };
        self.since = Some(since);
        Start::Timestamp(ctx.clock.cut(since))
    }

    fn fetch(&mut self, ctx: &mut Context<'_>, cursor: Cursor, room: usize) {
        let quota = ctx
            .facts
            .reads_per_second
            .filter(|_| ctx.facts.enforces_quota || ctx.config.pacing == Pacing::Aws);
        if let Some(quota) = quota {
            let quota = self
                .quota
                .get_or_insert_with(|| ReadQuota::new(ctx.now, quota));
            if let Err(next) = quota.take(ctx.now) {
                self.not_before = Some(next);
                return ctx.wake(next);
            }
        }
        let id = ctx.call();
        let wait = match ctx.facts.longest_wait {
            longest if ctx.shared.slots.are_wanted() => longest.min(CROWDED_WAIT),
            longest => longest,
        };
        self.state = State::Fetching(Fetching {
            id,
            cursor: cursor.clone(),
            began: ctx.now,
            wait,
        });
        let request = FetchRequest {
            shard: ctx.shard.clone(),
            cursor,
            limit: room.min(ctx.facts.fetch_limit.max(1)),
            wait,
        };
        ctx.act(Action::Fetch { id, request });
    }

    /// The shard was opened, or could not be.
    pub(super) fn opened(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &SettledPrefix,
        id: CallId,
        result: Result<Cursor, SourceError>,
    ) {
        if self.state != State::Opening(id) {
            return;
        }
        self.state = State::Closed;
        match result {
            Ok(cursor) => {
                self.state = State::At(cursor);
                self.begin_by_time(prefix);
            }
            Err(error) if error.kind == SourceErrorKind::Trimmed => {
                self.restart_at_horizon(ctx, prefix, error);
            }
            Err(error) => {
                // The stream may have been made anew, so that the place means nothing in it.
                ctx.shared.list = true;
                self.source_failed(ctx, error);
            }
        }
    }

    /// A fetch ended. Returns what it brought.
    pub(super) fn fetched(
        &mut self,
        ctx: &mut Context<'_>,
        prefix: &SettledPrefix,
        id: CallId,
        result: Result<Page, SourceError>,
    ) -> Option<Fetched> {
        let fetching = match &self.state {
            State::Fetching(fetching) if fetching.id == id => fetching.clone(),
            _ => return None,
        };
        match result {
            // What is not taken is read again, the end of the shard too.
            Ok(_) if ctx.draining => {
                self.state = State::At(fetching.cursor);
                None
            }
            Ok(page) => Some(self.page(ctx, &fetching, page)),
            Err(error) => {
                self.fetch_failed(ctx, prefix, fetching.cursor, error);
                None
            }
        }
    }

    fn page(&mut self, ctx: &mut Context<'_>, fetching: &Fetching, page: Page) -> Fetched {
        ctx.shared.slots.leave(ctx.key);
        self.failures = 0;
        self.problem = None;
        self.gone = false;
        weigh(ctx, &page);
        let found = page.records.len();
        let behind = page.behind;
        self.is_hungry = found > 0 || behind.is_some_and(|behind| !behind.is_zero());
        let mut children = Vec::new();
        match page.next {
            Some(next) => self.state = State::At(next),
            None => {
                self.state = State::Ended;
                ctx.shared.awaits_children |= page.children.is_empty();
                children = page.children;
            }
        }
        self.pause(ctx, fetching, found, behind);
        Fetched {
            records: page.records,
            children,
            read_to: page.read_to,
        }
    }

    /// Decides when to read again after a page.
    fn pause(
        &mut self,
        ctx: &mut Context<'_>,
        fetching: &Fetching,
        found: usize,
        behind: Option<Duration>,
    ) {
        if found > 0 {
            self.quiet = None;
            self.empty = 0;
            return;
        }
        let caught_up = behind == Some(Duration::ZERO);
        if behind.is_some() && !caught_up {
            // A gap in the shard is crossed without delay, a source that never gets on is not.
            self.empty = self.empty.saturating_add(1);
            if let Some(pauses) = self.empty.checked_sub(EMPTY_PAGES_IN_A_ROW) {
                let pause = Backoff::SHARD_IDLE.wait(pauses + 1, &mut ctx.shared.random);
                self.not_before = Some(ctx.now + pause);
            }
            return;
        }
        let (began, wait) = (fetching.began, fetching.wait);
        let since = self.quiet.map_or(began, |quiet| quiet.since);
        self.quiet = Some(Quiet {
            since,
            at: began,
            caught_up,
        });
        self.empty = self.empty.saturating_add(1);
        let waited = ctx.now.since(began);
        let next = match ctx.config.pacing {
            _ if !wait.is_zero() && waited > wait / 2 => return,
            Pacing::Aws => began + ctx.facts.base_interval,
            Pacing::Eager => ctx.now + Backoff::SHARD_IDLE.wait(self.empty, &mut ctx.shared.random),
        };
        self.not_before = Some(next);
    }
}

/// Returns how many more records to read now. All lanes can fill a batch while another one is under way,
/// if that is no more than the shard's share of what the mapping may read ahead.
fn room(ctx: &Context<'_>, prefix: &SettledPrefix) -> usize {
    let batches = ctx.config.factor() + 1;
    let full = batches.max(READ_AHEAD_EVENTS) * MAX_PAYLOAD_BYTES;
    let share = ctx.config.read_ahead / ctx.shards.max(1);
    let Some(bytes) = full.min(share.max(1)).checked_sub(prefix.bytes()) else {
        return 0;
    };
    let most = ctx.config.limits.count.saturating_mul(batches) + READ_AHEAD;
    let room = most.saturating_sub(prefix.unsettled());
    if bytes == 0 || room < SMALLEST_PAGE {
        return 0;
    }
    if share >= full {
        return room;
    }
    let each = ctx
        .shared
        .record_bytes
        .unwrap_or(UNKNOWN_RECORD_BYTES)
        .max(1);
    room.min((bytes / each).max(1))
}

/// Takes note of how large records are: at once of larger ones, slowly of smaller ones.
fn weigh(ctx: &mut Context<'_>, page: &Page) {
    let bytes: usize = page
        .records
        .iter()
        .map(|record| record.content.size())
        .sum();
    if let Some(each) = bytes.checked_div(page.records.len()) {
        let before = ctx.shared.record_bytes.unwrap_or(each);
        ctx.shared.record_bytes = Some(each.max((7 * before + each) / 8));
    }
}
