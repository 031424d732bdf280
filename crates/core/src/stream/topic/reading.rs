//! Reading partitions ahead of their lanes.

use std::time::Duration;

use super::action::Action;
use super::machine::TopicMachine;
use super::partition::Partition;
use super::port::{TopicFetch, TopicPage};
use crate::backoff::Backoff;
use crate::decision::Decision;
use crate::fault::{SourceError, SourceErrorKind};
use crate::stream::{CallId, StreamConfig};
use crate::time::{self, Timestamp};

/// How many records of a partition are read ahead, beyond a batch.
const READ_AHEAD: usize = 500;
/// The most data of one page: what fits into an event.
const PAGE_BYTES: usize = 6 * 1024 * 1024;
/// How long a fetch waits for a record.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Returns with how many records in its buffer a partition is not read.
const fn enough(config: &StreamConfig) -> usize {
    config.limits.count + READ_AHEAD
}

impl TopicMachine {
    /// Reads partitions that have room for more.
    pub(super) fn fetch(&mut self, now: Timestamp) {
        if self.draining {
            return;
        }
        for number in std::mem::take(&mut self.hungry) {
            let is_full = self.buffered >= self.config.batches.read_ahead;
            let Some(partition) = self.partitions.get_mut(&number) else {
                continue;
            };
            if partition.revoking || partition.fetching.is_some() {
                continue;
            }
            if let Some(time) = partition.not_before.filter(|&time| time > now) {
                self.waiting.insert((time, number));
                continue;
            }
            partition.not_before = None;
            let enough = enough(&self.config.batches);
            // Whatever others have read ahead, none waits for its first page.
            let must_wait = is_full && !partition.buffer.is_empty();
            if partition.buffer.len() >= enough || must_wait {
                self.starved |= must_wait;
                continue;
            }
            let id = self.shared.next_call();
            partition.fetching = Some(id);
            self.fetches.insert(id, partition.owned);
            let request = TopicFetch::new(partition.owned, 2 * enough, PAGE_BYTES);
            let request = request.with_wait(LONGEST_WAIT);
            self.actions.push_back(Action::Fetch { id, request });
        }
    }

    /// A fetch ended.
    pub(super) fn fetched(
        &mut self,
        now: Timestamp,
        id: CallId,
        result: Result<TopicPage, SourceError>,
    ) {
        let Some(owned) = self.fetches.remove(&id) else {
            return;
        };
        let partition = self.partitions.get_mut(&owned.partition);
        let Some(partition) = partition.filter(|partition| partition.owned == owned) else {
            return;
        };
        partition.fetching = None;
        self.hungry.insert(owned.partition);
        if partition.revoking || self.draining {
            return;
        }
        match result {
            Ok(page) => self.take_page(now, owned.partition, page),
            Err(error) if error.kind == SourceErrorKind::Expired => {
                // The group takes it away: an event will tell.
                partition.not_before = Some(now + Backoff::SOURCE.first);
            }
            Err(error) => {
                partition.failures = partition.failures.saturating_add(1);
                let wait = Backoff::SOURCE.wait(partition.failures, &mut self.shared.random);
                partition.not_before = Some(now + wait);
                partition.problem = Some(error.clone());
                let retry_ms = time::millis(wait);
                let (shard, kind, error) = (partition.name.clone(), error.kind, error.message);
                self.shared.report(match kind {
                    SourceErrorKind::SchemaRegistry => Decision::SchemaRegistryFailed {
                        shard,
                        error,
                        retry_ms,
                    },
                    _ => Decision::PollFailed { error, retry_ms },
                });
            }
        }
    }

    fn take_page(&mut self, now: Timestamp, number: i32, page: TopicPage) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        partition.failures = 0;
        partition.problem = None;
        if let Some(first) = page.records.first() {
            let first = first.offset;
            match partition.read {
                Some(read) if first < read => return self.remade(now, number, page),
                // The next measurement tells what it is.
                Some(read) if first > read => {
                    partition.gap.get_or_insert((read, first));
                }
                Some(_) => {}
                None => partition.settled.pass(first),
            }
            self.shared.report(Decision::Polled {
                messages: page.records.len(),
            });
        }
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        let last = page.records.last().map(|last| last.offset + 1);
        let size: usize = page.records.iter().map(|record| record.size()).sum();
        partition.buffered += size;
        self.buffered += size;
        partition.buffer.extend(page.records);
        let reached = [partition.read, last, page.position];
        partition.read = reached.into_iter().flatten().max();
        if partition.buffer.is_empty() {
            self.pass_holes(number);
        } else {
            self.line_up(number);
        }
    }

    /// Moves on past what no consumer sees, once all that was read before it is drawn.
    pub(super) fn pass_holes(&mut self, number: i32) {
        if let Some(partition) = self.partitions.get_mut(&number)
            && partition.buffer.is_empty()
            && let Some(read) = partition.read
        {
            partition.settled.pass(read);
            if partition.news().is_some() {
                self.dirty.insert(number);
            }
        }
    }

    /// The offsets go back: the topic was deleted and made anew. What is open of the old one is no more.
    fn remade(&mut self, now: Timestamp, number: i32, page: TopicPage) {
        let Some(partition) = self.partitions.get(&number) else {
            return;
        };
        let (owned, name) = (partition.owned, partition.name.clone());
        let abandoned = self.drop_partition(now, number);
        self.shared.report(Decision::StreamRecreated { abandoned });
        let fresh = Partition::new(owned, name, self.next_ordinal, None);
        self.partitions.insert(number, fresh);
        self.hungry.insert(number);
        self.take_page(now, number, page);
    }
}
