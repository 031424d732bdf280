//! When shards are listed, and what the listings say of each.

use std::time::Duration;

use super::pages::MOST_SHARDS;
use crate::backoff::{Backoff, Random};
use crate::fault::{SourceError, SourceErrorKind};
use crate::stream::action::CallId;
use crate::time::Timestamp;

/// How often shards are listed. Lambda documents no interval.
const INTERVAL: Duration = Duration::from_secs(10);
/// How many listings follow each other quickly when a shard has ended without naming its children.
const AWAITING: u32 = 10;
/// The shortest time between two listings.
const SHORTEST: Duration = Duration::from_secs(1);

/// The listings of a stream, one after another.
#[derive(Debug)]
pub(in crate::stream) struct Listings {
    open: Option<CallId>,
    /// When to list next.
    due: Timestamp,
    /// When the last listing began.
    began: Timestamp,
    last: Option<Timestamp>,
    failures: u32,
    /// How many listings are still to come soon, since a shard has ended and its children are not known.
    awaiting: u32,
    /// How many listings have begun.
    begun: u64,
    /// Whether there are shards that are not read, since there are too many of them.
    is_crowded: bool,
    /// Why the shards cannot be listed, while that is so; or what the last listing said is wrong.
    problem: Option<SourceError>,
}

impl Listings {
    pub(in crate::stream) const fn new(now: Timestamp) -> Self {
        Self {
            open: None,
            due: now,
            began: now,
            last: None,
            failures: 0,
            awaiting: 0,
            begun: 0,
            is_crowded: false,
            problem: None,
        }
    }

    /// Returns when to list next, unless that is being done.
    pub(in crate::stream) fn next_deadline(&self) -> Option<Timestamp> {
        self.open.is_none().then_some(self.due)
    }

    /// Returns why shards cannot be listed or read, while that is so.
    pub(in crate::stream) fn problem(&self) -> Option<SourceError> {
        let crowded = || {
            self.is_crowded.then(|| {
                let text = format!("more than {MOST_SHARDS} shards: the others are not read");
                SourceError::new(SourceErrorKind::Fatal, text)
            })
        };
        self.problem.clone().or_else(crowded)
    }

    /// Takes it that shards may have been made: they are listed soon, and if the children of one are awaited, again
    /// and again.
    pub(in crate::stream) fn hurry(&mut self, now: Timestamp, awaits_children: bool) {
        if awaits_children {
            self.awaiting = AWAITING;
        }
        let soon = self.last.map_or(now, |last| now.max(last + SHORTEST));
        self.due = self.due.min(soon);
    }

    /// Tells whether it is time.
    pub(in crate::stream) fn are_due(&self, now: Timestamp) -> bool {
        self.open.is_none() && self.due <= now
    }

    /// A listing begins.
    pub(in crate::stream) const fn begin(&mut self, now: Timestamp, id: CallId) {
        self.open = Some(id);
        self.begun += 1;
        self.began = now;
    }

    /// A listing ended. Returns whether it is the one that was open.
    pub(in crate::stream) fn ended(&mut self, now: Timestamp, id: CallId) -> bool {
        let is_it = self.open.take_if(|open| *open == id).is_some();
        if is_it {
            self.last = Some(now);
        }
        is_it
    }

    /// The listing that ended has succeeded, and says what is wrong all the same.
    pub(in crate::stream) fn succeeded(&mut self, now: Timestamp, problem: Option<SourceError>) {
        self.problem = problem;
        self.failures = 0;
        let awaits = self.awaiting > 0;
        self.awaiting = self.awaiting.saturating_sub(1);
        // One that takes long is not to keep the source busy all the time.
        let took = now.since(self.began);
        self.due = now
            + if awaits {
                SHORTEST.max(took)
            } else {
                INTERVAL.max(10 * took)
            };
    }

    /// The listing that ended has failed. Returns after which wait there is another one.
    pub(in crate::stream) fn failed(
        &mut self,
        now: Timestamp,
        error: SourceError,
        random: &mut Random,
    ) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = Backoff::SOURCE.wait(self.failures, random);
        self.due = now + wait;
        self.problem = Some(error);
        wait
    }

    /// Takes it that there are more shards than are read, or not.
    pub(in crate::stream) const fn set_crowded(&mut self, is_crowded: bool) {
        self.is_crowded = is_crowded;
    }

    /// Returns what is known of a shard that is found now.
    pub(in crate::stream) const fn find(&self) -> Seen {
        Seen {
            found: self.begun,
            missing: 0,
            needs_listing: false,
        }
    }
}

/// What the listings have said of a shard.
#[derive(Clone, Copy, Debug)]
pub(in crate::stream) struct Seen {
    /// How many listings had begun when it was found.
    found: u64,
    /// How many listings in a row did not have it.
    missing: u32,
    /// Whether it waits for a listing that tells of parents that are not known.
    needs_listing: bool,
}

impl Seen {
    /// Tells whether it waits for a listing that tells of its parents.
    pub(in crate::stream) const fn needs_listing(&self) -> bool {
        self.needs_listing
    }

    /// Lets it wait for a listing that tells of its parents.
    pub(in crate::stream) const fn await_listing(&mut self) {
        self.needs_listing = true;
    }

    /// Takes what the last listing says of it, and returns what is to be made of that: two listings in a row must
    /// lack a shard that is gone, since one may be old.
    pub(in crate::stream) const fn look(&mut self, listings: &Listings, is_listed: bool) -> Seeing {
        let is_news = self.found < listings.begun;
        self.needs_listing &= !is_news;
        if is_listed || !is_news {
            self.missing = 0;
            return Seeing::There;
        }
        self.missing += 1;
        if self.missing < 2 {
            Seeing::Missing
        } else {
            Seeing::Gone
        }
    }
}

/// Whether a shard is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) enum Seeing {
    There,
    /// The next listing tells.
    Missing,
    Gone,
}
