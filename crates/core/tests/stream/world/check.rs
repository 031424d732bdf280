//! The promises that hold in every world, checked as they come up.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::{
    Checkpoint, FetchRequest, KeptCheckpoint, ShardId, Start, StreamConfig, compare_sequences,
};

use super::Store;
use super::call::{Call, Label, sequence};
use super::log::Stream;

/// So many steps without the clock moving are no progress.
const MOST_STEPS: u32 = 200_000;

struct Flight {
    shard: ShardId,
    keys: BTreeSet<Arc<str>>,
}

#[derive(Default)]
pub(super) struct Checks {
    flights: BTreeMap<usize, Flight>,
    reading: BTreeSet<ShardId>,
    /// Openings and fetches under way.
    open_reads: usize,
    pub(super) most_reads: usize,
    reads: BTreeMap<ShardId, VecDeque<Timestamp>>,
    /// The most records of a batch under any settings so far.
    pub(super) most_records: usize,
    steps: u32,
}

impl Checks {
    pub(super) fn new(batch_size: usize) -> Self {
        Self {
            most_records: batch_size,
            ..Self::default()
        }
    }

    pub(super) fn forget_flights(&mut self) {
        self.flights.clear();
        self.reading.clear();
    }

    /// What is under way for a shard is another owner's business.
    pub(super) fn lose(&mut self, shard: &ShardId) {
        self.flights.retain(|_, flight| flight.shard != *shard);
        self.reading.remove(shard);
    }

    pub(super) fn died(&mut self) {
        self.forget_flights();
        self.open_reads = 0;
    }

    /// The source has no more calls at a time than the settings say; eight times as many where it pushes.
    pub(super) fn reads(&mut self, config: &StreamConfig, stream: &Stream) {
        self.open_reads += 1;
        self.most_reads = self.most_reads.max(self.open_reads);
        let pushes = !stream.manners.longest_wait.is_zero();
        let most = config.shards_at_once * if pushes { 8 } else { 1 };
        assert!(
            self.open_reads <= most,
            "{} reads at a time",
            self.open_reads
        );
    }

    pub(super) fn answers_read(&mut self) {
        self.end_reads(1);
    }

    pub(super) fn end_reads(&mut self, reads: usize) {
        self.open_reads -= reads;
    }

    pub(super) fn moved(&mut self, before: Timestamp, now: Timestamp) {
        self.steps = if before == now { self.steps + 1 } else { 0 };
        assert!(
            self.steps < MOST_STEPS,
            "the machine turns in circles at {now:?}"
        );
    }

    /// A shard is opened only when everything in its parents is settled, unless it is a parent of theirs.
    pub(super) fn opens(&self, stream: &Stream, store: &Store, shard: &ShardId) {
        let Some(log) = stream.shards.get(shard) else {
            return;
        };
        for parent in log
            .parents
            .iter()
            .filter(|parent| !descends(stream, parent, shard))
        {
            let listed = stream.shards.get(parent).is_some_and(|log| !log.gone);
            let kept = store.get(parent).map(|kept| &kept.checkpoint);
            assert!(
                !listed || kept == Some(&Checkpoint::END),
                "{shard} is opened while its parent {parent} is at {kept:?}"
            );
        }
    }

    /// A shard is read by one fetch at a time, within its quota and limits.
    pub(super) fn fetches(
        &mut self,
        now: Timestamp,
        config: &StreamConfig,
        stream: &Stream,
        request: &FetchRequest,
    ) {
        let manners = &stream.manners;
        assert!(
            (1..=manners.fetch_limit).contains(&request.limit),
            "{request:?}"
        );
        assert!(request.wait <= manners.longest_wait, "{request:?}");
        let first = self.reading.insert(request.shard.clone());
        assert!(first, "{} is read twice at a time", request.shard);
        let Some(most) = manners
            .reads_per_second
            .filter(|_| manners.enforces_quota || config.pacing == Pacing::Aws)
        else {
            return;
        };
        let reads = self.reads.entry(request.shard.clone()).or_default();
        reads.push_back(now);
        reads.retain(|&at| now.since(at).as_millis() < 10_000);
        // A quota that was saved up may be used at once: so over any ten seconds, eleven times the rate.
        let most = 11 * most.get() as usize;
        assert!(
            reads.len() <= most,
            "{} reads of {} in 10 s",
            reads.len(),
            request.shard
        );
    }

    pub(super) fn fetched(&mut self, shard: &ShardId) {
        self.reading.remove(shard);
    }

    /// A batch has no more records than BatchSize and no more bytes than 6 MB, and shares no key with
    /// another one on its way; a shard has no more batches on their way than its factor.
    pub(super) fn invokes(
        &mut self,
        config: &StreamConfig,
        places: &HashMap<Label, (ShardId, Arc<str>)>,
        index: usize,
        call: &Call,
    ) {
        assert!(call.bytes <= MAX_PAYLOAD_BYTES, "{} bytes", call.bytes);
        self.most_records = self.most_records.max(config.limits.count);
        assert!(
            call.records.len() <= self.most_records,
            "{} records",
            call.records.len()
        );
        let is_final = call.window.as_ref().is_some_and(|window| window.is_final);
        assert_eq!(
            call.records.is_empty(),
            is_final,
            "only a final event is empty: {call:?}"
        );
        let shards = call.records.iter().map(|record| &places[record].0);
        assert!(
            shards.into_iter().all(|shard| *shard == call.shard),
            "several shards: {call:?}"
        );
        let in_order =
            |pair: &[Label]| compare_sequences(sequence(&pair[0]), sequence(&pair[1])).is_le();
        assert!(
            call.records.windows(2).all(in_order),
            "out of order: {call:?}"
        );
        let keys: BTreeSet<Arc<str>> = call
            .records
            .iter()
            .map(|record| places[record].1.clone())
            .collect();
        let others = || {
            self.flights
                .values()
                .filter(|flight| flight.shard == call.shard)
        };
        for other in others() {
            assert!(
                other.keys.is_disjoint(&keys),
                "a key in two batches at a time: {call:?}"
            );
        }
        assert!(
            others().count() < config.factor(),
            "too many batches at a time: {call:?}"
        );
        let shard = call.shard.clone();
        self.flights.insert(index, Flight { shard, keys });
    }

    /// Positions are forgotten only of shards that the stream has no more, and never all: a mapping without
    /// any is a new one.
    pub(super) fn forgets(&self, stream: &Stream, store: &Store, shards: &[ShardId]) {
        let generation = stream.identity();
        for shard in shards {
            let listed = stream.shards.get(shard).is_some_and(|log| !log.gone);
            assert!(!listed, "the cursor of {shard} is forgotten");
        }
        let mut left = store.iter().filter(|(shard, _)| !shards.contains(shard));
        assert!(
            left.any(|(_, kept)| kept.identity == generation),
            "no cursor is left without {shards:?}"
        );
    }

    /// The function never has more invocations than it can run.
    pub(super) fn runs_at_most(&self, concurrency: Option<usize>) {
        let running = self.flights.len();
        assert!(
            concurrency.is_none_or(|most| running <= most),
            "{running} invocations at a time of {concurrency:?}"
        );
    }

    pub(super) fn answered(&mut self, index: usize) {
        self.flights.remove(&index);
    }

    /// A checkpoint never goes back, unless the stream is another one.
    pub(super) fn commits(
        &self,
        before: Option<&KeptCheckpoint>,
        identity: &str,
        shard: &ShardId,
        after: &Checkpoint,
    ) {
        let Some(before) = before.filter(|before| before.identity == identity) else {
            return;
        };
        let before = &before.checkpoint;
        let forward = match (&before.start, &after.start) {
            (Some(Start::After(before)), Some(Start::After(after))) => {
                compare_sequences(before, after).is_le()
            }
            (Some(Start::After(_)), Some(_)) => false,
            (None, after) => after.is_none(),
            _ => true,
        };
        assert!(forward, "{shard} goes back from {before:?} to {after:?}");
    }
}

/// Tells whether `shard` is `ancestor`, or comes from it.
fn descends(stream: &Stream, shard: &ShardId, ancestor: &ShardId) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![shard];
    while let Some(shard) = next.pop() {
        if shard == ancestor {
            return true;
        }
        if seen.insert(shard) {
            next.extend(
                stream
                    .shards
                    .get(shard)
                    .into_iter()
                    .flat_map(|log| &log.parents),
            );
        }
    }
    false
}
