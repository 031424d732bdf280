//! What depends on the source's clock: ages, and the ends of windows.

use std::collections::BTreeMap;

use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::BatchId;
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::stream::ShardId;
use std::time::Duration;

use super::ledger::{Entry, Ledger};
use crate::world::call::{Call, Window};
use crate::world::clock::SourceClock;
use crate::world::log::Stream;

/// What was told in this life.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// When the shards were listed last: so old is what the machine knows of the source's clock.
    pub(super) listed: Option<Timestamp>,
    /// Whether the mapping's clock was set since.
    set: bool,
    /// The age of the last record of the batch that is sent next, in milliseconds.
    pub(super) iterator_age: Option<(BatchId, u64)>,
    /// The start of the window of each shard that was ended last, in its time.
    ended: BTreeMap<ShardId, Timestamp>,
    /// When a shard's window was found to be over at the earliest, and how often its final call failed.
    finals: BTreeMap<(ShardId, i64), (Timestamp, u32)>,
    /// When the call of each shard was made that was answered last.
    called: BTreeMap<ShardId, Timestamp>,
}

impl Ledger {
    /// The mapping's clock was set, so that the stream's goes otherwise beside it.
    pub(super) fn set_clock(&mut self, clock: SourceClock) {
        self.clock = clock;
        self.times.set = true;
    }

    /// The machine hears of the stream's clock.
    pub(super) fn hear_clock(&mut self, now: Timestamp) {
        self.times.listed = Some(now);
        self.times.set = false;
    }

    /// Returns by how much the source's clock may have gone wrong since its time was told.
    fn drift(&self, now: Timestamp) -> Duration {
        let since = self.times.listed.unwrap_or(now);
        let gained = now.since(since) * self.clock.gains.unsigned_abs().try_into().unwrap();
        gained / 1_000_000 + Duration::from_millis(2)
    }

    /// Returns how old a record is, if not even the clock that gave it its time may be asked.
    pub(super) fn age(&self, now: Timestamp, entry: &Entry) -> Duration {
        let clock = &self.clock;
        if clock.tells {
            let age = clock.shows(now).since(entry.born);
            age + self.drift(now)
        } else {
            now.since(entry.arrival)
        }
    }

    /// The age that is told is not more than the last record's, nor much less.
    pub(super) fn check_age(&self, call: &Call, indexes: &[usize]) {
        let (Some((batch, told)), Some(&last)) = (self.times.iterator_age, indexes.last()) else {
            return;
        };
        assert_eq!(batch, call.batch, "an age of another batch");
        if !self.clock.tells {
            return;
        }
        let age = self.clock.shows(call.at).since(self.entries[last].arrival);
        let (told, drift) = (Duration::from_millis(told), self.drift(call.at));
        let late = Duration::from_millis(1_000 + self.case.page_latency);
        assert!(told <= age + drift, "{told:?} for {age:?}");
        let heard = !self.times.set;
        assert!(!heard || told + late + drift >= age, "{told:?} for {age:?}");
    }

    /// A window of an open shard ends when its time is over by the source's clock, or a later record is there;
    /// and it does so once.
    pub(super) fn check_window(&self, stream: &Stream, call: &Call, window: &Window) {
        if !self.clock.tells || self.case.stale > 0.0 {
            return;
        }
        let ended = self.times.ended.get(&call.shard);
        let start = window.start();
        assert!(ended.is_none_or(|ended| *ended < start), "again: {call:?}");
        let log = &stream.shards[&call.shard];
        let later = log
            .records
            .last()
            .is_some_and(|last| last.arrival >= window.end());
        if window.is_final && !window.early && !log.closed && !later {
            let shows = self.clock.shows(call.at);
            assert!(
                shows + self.drift(call.at) >= window.end(),
                "at {shows:?}: {call:?}"
            );
        }
    }

    /// A final call came to nothing.
    pub(super) fn final_failed(&mut self, call: &Call, window: &Window, counts: bool) {
        let name = (call.shard.clone(), window.start().0);
        let over = self.over_since(&call.shard).unwrap_or(call.at);
        let (_, failures) = self.times.finals.entry(name).or_insert((over, 0));
        *failures += u32::from(counts);
    }

    /// A call was answered, and all is known that it changes.
    pub(super) fn call_answered(&mut self, call: &Call) {
        self.times.called.insert(call.shard.clone(), call.at);
    }

    /// Returns when the window of a shard may have been found to be over: after the last call, where a final
    /// call has to wait for its turn; `None` where it is made at once.
    fn over_since(&self, shard: &ShardId) -> Option<Timestamp> {
        self.case.concurrency?;
        Some(self.times.called.get(shard).copied().unwrap_or_default())
    }

    /// A window is dropped after too many tries of its final call, or when it is over for too long.
    pub(super) fn check_drop(
        &mut self,
        now: Timestamp,
        shard: &ShardId,
        start: i64,
        condition: Condition,
    ) {
        let name = (shard.clone(), start);
        let known = self.times.finals.remove(&name);
        let untried = || (self.over_since(shard).expect("a final call"), 0);
        let (over, failures) = known.unwrap_or_else(untried);
        if condition == Condition::RetryAttemptsExhausted {
            let most = self.limits.fewest_retries.expect("a limit of retries");
            assert!(failures > most, "after {failures} tries");
        } else {
            let retention = self.case.retention.map(Duration::from_secs);
            let limit = self.limits.shortest_age.into_iter().chain(retention).min();
            let limit = limit.expect("a limit of age");
            assert!(now.since(over) > limit, "after {:?}", now.since(over));
        }
    }

    pub(super) fn window_answered(&mut self, call: &Call, window: &Window) {
        if window.is_final {
            self.times.ended.insert(call.shard.clone(), window.start());
        }
    }
}
