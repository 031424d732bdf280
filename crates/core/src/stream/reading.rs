//! Reading a shard: when, from where, and how much.

use std::sync::Arc;
use std::time::Duration;

use super::accepting::size;
use super::action::{Action, CallId};
use super::checkpoint::{Checkpoint, Place};
use super::pace::ReadQuota;
use super::port::{Cursor, FetchRequest, Page, Start};
use super::shard::{Context, Shard};
use crate::backoff::Backoff;
use crate::batching::MAX_PAYLOAD_BYTES;
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};
use crate::pacing::Pacing;
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
/// The longest that a shard waits for records to be pushed while others wait for its seat.
const CROWDED_WAIT: Duration = Duration::from_secs(1);
/// So long after the listing a new mapping may still take the newest record for that of its beginning.
const LATEST_IS_NOW: Duration = Duration::from_secs(1);

/// Where a reader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// The cursor is not known.
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
    pub(super) since: Timestamp,
    /// When the last of them began.
    pub(super) at: Timestamp,
    /// Whether the source said that there is nothing newer. An empty page alone does not say so.
    pub(super) caught_up: bool,
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
    stand: Stand,
    /// Where to open the shard anew: after the last record read.
    pub(super) resume: Start,
    /// Until then, by the engine's clock, the newest record is that of the mapping's beginning.
    latest_until: Timestamp,
    /// Records that arrived before this are passed over, until the first that did not.
    pub(super) since: Option<Timestamp>,
    /// How many were, and are not told of.
    pub(super) passed: usize,
    /// Records up to this one are passed over, for they were read before.
    pub(super) known: Option<Arc<str>>,
    /// Nothing that arrived before this, by the source's clock, is still to be read. `None` if that is not
    /// known.
    pub(super) reached: Option<Timestamp>,
    /// By lane, the last record that was settled before a restart.
    pub(super) settled: Vec<Option<Arc<str>>>,
    /// Why the shard cannot be read, while that is so.
    pub(super) problem: Option<String>,
    /// Whether the source has said that there is no such shard.
    pub(super) gone: bool,
    /// Before this the source is left alone.
    pub(super) not_before: Option<Timestamp>,
    pub(super) failures: u32,
    /// How many fetches in a row found nothing.
    empty: u32,
    /// Whether the last page said that there is more.
    is_hungry: bool,
    /// Whether it waits in line for a seat.
    is_lined_up: bool,
    /// The fetches since the last one that found something; `None` if that was the last.
    pub(super) quiet: Option<Quiet>,
    quota: Option<ReadQuota>,
}

impl Reader {
    /// Tells whether the place to go on is known, or that there is none.
    pub(super) const fn is_open(&self) -> bool {
        let closed = matches!(self.stand, Stand::Closed | Stand::Opening(_));
        !closed || self.gone
    }

    pub(super) fn new(checkpoint: &Checkpoint, lanes: usize) -> Self {
        let reached = match checkpoint.place {
            Place::Since(millis) => Some(Timestamp(millis)),
            _ => None,
        };
        let resume = checkpoint.place.start_at();
        // What was settled by lane means nothing if keys are spread over more lanes or fewer.
        let settled = if checkpoint.lanes.len() == lanes {
            checkpoint.lanes.clone()
        } else {
            Vec::new()
        };
        Self {
            stand: if resume.is_some() {
                Stand::Closed
            } else {
                Stand::Ended
            },
            resume: resume.unwrap_or(Start::TrimHorizon),
            latest_until: Timestamp::default(),
            since: None,
            passed: 0,
            known: None,
            reached,
            settled,
            problem: None,
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

    pub(super) const fn has_ended(&self) -> bool {
        matches!(self.stand, Stand::Ended)
    }

    /// Takes the shard to hold nothing more.
    pub(super) fn end(&mut self) {
        self.stand = Stand::Ended;
    }

    pub(super) const fn is_fetching(&self) -> bool {
        matches!(self.stand, Stand::Fetching(_))
    }

    const fn is_calling(&self) -> bool {
        matches!(self.stand, Stand::Opening(_) | Stand::Fetching(_))
    }

    /// Returns when the source may be read again, if it is left alone because it fails.
    pub(super) fn backing_off_until(&self) -> Option<Timestamp> {
        self.not_before.filter(|_| self.failures > 0)
    }
}

impl Shard {
    /// Opens or reads the shard, if it is time, there is room, and a seat is free. Otherwise it lines up.
    pub(super) fn read(&mut self, ctx: &mut Context<'_>) {
        if self.reader.is_calling() {
            return;
        }
        if let Some(room) = self.appetite(ctx) {
            if ctx.out.seats.take(self.key) {
                self.call_source(ctx, room);
            } else if !std::mem::replace(&mut self.reader.is_lined_up, true) {
                ctx.out.seats.line_up(self.key, self.reader.is_hungry);
            }
        }
        if !self.reader.is_calling() {
            ctx.out.seats.leave(self.key);
        }
    }

    /// Reads, now that it has a seat.
    pub(super) fn be_seated(&mut self, ctx: &mut Context<'_>) {
        self.reader.is_lined_up = false;
        self.read(ctx);
    }

    /// Returns how many records to read now; `None` if it is not the time for any.
    fn appetite(&mut self, ctx: &mut Context<'_>) -> Option<usize> {
        // A listing tells first whether the stream was made anew.
        if ctx.draining || self.reader.gone || self.reader.has_ended() {
            return None;
        }
        let room = self.room(ctx);
        if room == 0 {
            return None;
        }
        if let Some(time) = self.reader.not_before {
            if time > ctx.now {
                ctx.wake(time, self.key);
                return None;
            }
            self.reader.not_before = None;
        }
        Some(room)
    }

    fn call_source(&mut self, ctx: &mut Context<'_>, room: usize) {
        match self.reader.stand.clone() {
            Stand::Closed => {
                // The newest record of a later moment would be too late: others have come since the beginning.
                if ctx.now > self.reader.latest_until {
                    self.begin_by_time();
                }
                let from = self.place_to_open(ctx);
                let id = ctx.call(self.key);
                self.reader.stand = Stand::Opening(id);
                let shard = self.id.clone();
                ctx.out.actions.push_back(Action::Open { id, shard, from });
            }
            Stand::At(cursor) => self.fetch(ctx, cursor, room),
            Stand::Opening(_) | Stand::Fetching(_) | Stand::Ended => {}
        }
    }

    /// Returns where reading begins, in words.
    pub(super) fn beginning(&self) -> String {
        match self.reader.resume {
            Start::Latest => "the newest record".to_owned(),
            _ => self.ledger.place().to_string(),
        }
    }

    /// From here on, a shard that begins after its newest record is opened by the time of that.
    pub(super) fn begin_by_time(&mut self) {
        if let (Start::Latest, Place::Since(millis)) = (&self.reader.resume, self.ledger.place()) {
            self.reader.resume = Start::Timestamp(Timestamp(millis));
        }
    }

    /// Returns where to open the shard. What is opened by time may give what arrived before that: all of what
    /// an open shard gave after its newest record was new, whatever time it showed.
    fn place_to_open(&mut self, ctx: &Context<'_>) -> Start {
        let Start::Timestamp(since) = self.reader.resume else {
            return self.reader.resume.clone();
        };
        self.reader.since = Some(since);
        Start::Timestamp(ctx.clock.cut(since))
    }

    fn fetch(&mut self, ctx: &mut Context<'_>, cursor: Cursor, room: usize) {
        let quota = ctx
            .facts
            .reads_per_second
            .filter(|_| ctx.facts.enforces_quota || ctx.config.pacing == Pacing::Aws);
        if let Some(quota) = quota {
            let quota = self
                .reader
                .quota
                .get_or_insert_with(|| ReadQuota::new(ctx.now, quota));
            if let Err(next) = quota.take(ctx.now) {
                self.reader.not_before = Some(next);
                return ctx.wake(next, self.key);
            }
        }
        let id = ctx.call(self.key);
        let wait = match ctx.facts.longest_wait {
            longest if ctx.out.seats.are_wanted() => longest.min(CROWDED_WAIT),
            longest => longest,
        };
        self.reader.stand = Stand::Fetching(Fetching {
            id,
            cursor: cursor.clone(),
            began: ctx.now,
            wait,
        });
        let request = FetchRequest {
            shard: self.id.clone(),
            cursor,
            limit: room.min(ctx.facts.fetch_limit.max(1)),
            wait,
        };
        ctx.out.actions.push_back(Action::Fetch { id, request });
    }

    /// Returns how many more records to read now. All lanes can fill a batch while another one is under way,
    /// if that is no more than the shard's share of what the mapping may read ahead.
    fn room(&self, ctx: &Context<'_>) -> usize {
        let batches = ctx.config.factor() + 1;
        let full = batches.max(READ_AHEAD_EVENTS) * MAX_PAYLOAD_BYTES;
        let share = ctx.config.read_ahead / ctx.shards.max(1);
        let Some(bytes) = full.min(share.max(1)).checked_sub(self.ledger.bytes()) else {
            return 0;
        };
        let most = ctx.config.limits.count.saturating_mul(batches) + READ_AHEAD;
        let room = most.saturating_sub(self.ledger.unsettled());
        if bytes == 0 || room < SMALLEST_PAGE {
            return 0;
        }
        if share >= full {
            return room;
        }
        let each = ctx.out.record_bytes.unwrap_or(UNKNOWN_RECORD_BYTES).max(1);
        room.min((bytes / each).max(1))
    }

    /// Takes note of how large records are: at once of larger ones, slowly of smaller ones.
    fn weigh(ctx: &mut Context<'_>, page: &Page) {
        let bytes: usize = page
            .records
            .iter()
            .map(|record| size(&record.content))
            .sum();
        if let Some(each) = bytes.checked_div(page.records.len()) {
            let before = ctx.out.record_bytes.unwrap_or(each);
            ctx.out.record_bytes = Some(each.max((7 * before + each) / 8));
        }
    }

    pub(super) fn opened(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<Cursor, SourceError>,
    ) {
        if self.reader.stand != Stand::Opening(id) {
            return;
        }
        self.reader.stand = Stand::Closed;
        match result {
            Ok(cursor) => {
                self.reader.stand = Stand::At(cursor);
                self.begin_by_time();
            }
            Err(error) if error.kind == SourceErrorKind::Trimmed => {
                self.restart_at_horizon(ctx, error)
            }
            Err(error) => {
                // The stream may have been made anew, so that the place means nothing in it.
                ctx.out.list = true;
                self.source_failed(ctx, error);
            }
        }
    }

    pub(super) fn fetched(
        &mut self,
        ctx: &mut Context<'_>,
        id: CallId,
        result: Result<Page, SourceError>,
    ) {
        let fetching = match &self.reader.stand {
            Stand::Fetching(fetching) if fetching.id == id => fetching.clone(),
            _ => return,
        };
        let error = match result {
            // What is not taken is read again, the end of the shard too.
            Ok(_) if ctx.draining => {
                self.reader.stand = Stand::At(fetching.cursor);
                return;
            }
            Ok(page) => return self.page(ctx, &fetching, page),
            Err(error) => error,
        };
        self.reader.stand = Stand::Closed;
        match error.kind {
            SourceErrorKind::Trimmed => self.restart_at_horizon(ctx, error),
            // Opened anew at once; an iterator expires after minutes.
            SourceErrorKind::Expired if self.reader.failures == 0 => {
                self.reader.failures = 1;
                ctx.report(Decision::Reopened {
                    shard: self.id.clone(),
                    because: error.message,
                });
            }
            SourceErrorKind::Expired | SourceErrorKind::NotFound | SourceErrorKind::Fatal => {
                self.source_failed(ctx, error);
            }
            _ => {
                self.reader.stand = Stand::At(fetching.cursor);
                self.source_failed(ctx, error);
            }
        }
    }

    fn page(&mut self, ctx: &mut Context<'_>, fetching: &Fetching, page: Page) {
        ctx.out.seats.leave(self.key);
        self.reader.failures = 0;
        self.reader.problem = None;
        self.reader.gone = false;
        Self::weigh(ctx, &page);
        let found = page.records.len();
        let behind = page.behind;
        self.reader.is_hungry = found > 0 || behind.is_some_and(|behind| !behind.is_zero());
        match page.next {
            Some(next) => self.reader.stand = Stand::At(next),
            None => {
                self.reader.stand = Stand::Ended;
                ctx.out.awaits_children |= page.children.is_empty();
                self.children = page.children;
            }
        }
        self.pause(ctx, fetching, found, behind);
        if found > 0 {
            ctx.report(Decision::Polled { messages: found });
            self.accept(ctx, page.records);
        }
        if found == 0 || self.reader.has_ended() {
            self.tell_passed_over(ctx);
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
            self.reader.quiet = None;
            self.reader.empty = 0;
            return;
        }
        let caught_up = behind == Some(Duration::ZERO);
        if behind.is_some() && !caught_up {
            // A gap in the shard is crossed without delay, a source that never gets on is not.
            self.reader.empty = self.reader.empty.saturating_add(1);
            if let Some(pauses) = self.reader.empty.checked_sub(EMPTY_PAGES_IN_A_ROW) {
                let pause = Backoff::SHARD_IDLE.wait(pauses + 1, &mut ctx.out.random);
                self.reader.not_before = Some(ctx.now + pause);
            }
            return;
        }
        let (began, wait) = (fetching.began, fetching.wait);
        let since = self.reader.quiet.map_or(began, |quiet| quiet.since);
        self.reader.quiet = Some(Quiet {
            since,
            at: began,
            caught_up,
        });
        self.reader.empty = self.reader.empty.saturating_add(1);
        let waited = ctx.now.since(began);
        let next = match ctx.config.pacing {
            _ if !wait.is_zero() && waited > wait / 2 => return,
            Pacing::Aws => began + ctx.facts.base_interval,
            Pacing::Eager => {
                ctx.now + Backoff::SHARD_IDLE.wait(self.reader.empty, &mut ctx.out.random)
            }
        };
        self.reader.not_before = Some(next);
    }
}
