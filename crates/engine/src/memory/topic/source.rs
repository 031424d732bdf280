//! The topic itself: what producers, consumers and tests do with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};

use super::consumer::MemoryConsumer;
use super::faults::TopicCall;
use super::group::GroupMember;
use super::log::{PartitionLog, Tombstones};
use super::options::MemoryTopicOptions;
use super::partitioner::partition_of;
use super::record::NewRecord;
use super::shared::{Inner, Shared};
use crate::clock::Clock;
use crate::ports::{JoinRequest, TopicConsumer, TopicSource, Watermarks};
use lambda_esm_core::record::{KafkaRecord, TimestampType};

/// A topic in memory with the behaviour of Kafka's: partitions, consumer groups that share them by cooperative
/// rebalances, committed offsets, retention, compaction, the ends of transactions. Clones share the topic.
///
/// A member that is dropped leaves at once. What it was not asked for it never loses, but by [`expel`](Self::expel).
#[derive(Clone, Debug)]
pub struct MemoryTopic {
    shared: Arc<Shared>,
}

impl MemoryTopic {
    /// Returns a topic without records. `clock` is its own: the one of timestamps, retention and bounds. It need not
    /// be the engine's.
    #[must_use]
    pub fn new(clock: Clock, name: impl Into<String>, options: MemoryTopicOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(clock, name.into(), options)),
        }
    }

    /// Returns the topic's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Puts a record into its partition: the one that it names, or that its key belongs to by the rule of Kafka's
    /// producers, or without a key each in turn. Returns the partition and the record's offset.
    ///
    /// # Errors
    /// Fails if the topic has no such partition.
    pub fn put(&self, record: NewRecord) -> Result<(i32, i64), SourceError> {
        let options = &self.shared.options;
        self.shared
            .change(|inner, now| put(inner, record, options, now))
    }

    /// Puts many records at one time, in their order. Returns the partition and the offset of each.
    ///
    /// # Errors
    /// Fails at the first record whose partition the topic does not have; those before it are in the topic.
    pub fn put_many(
        &self,
        records: impl IntoIterator<Item = NewRecord>,
    ) -> Result<Vec<(i32, i64)>, SourceError> {
        let options = &self.shared.options;
        self.shared.change(|inner, now| {
            let records = records.into_iter();
            records
                .map(|record| put(inner, record, options, now))
                .collect()
        })
    }

    /// Adds empty partitions, which the groups share out at once.
    pub fn add_partitions(&self, number: usize) {
        self.shared.change(|inner, now| {
            let more = std::iter::repeat_with(PartitionLog::default);
            inner.logs.extend(more.take(number));
            inner.for_groups(&self.shared.options, now, |group, with| {
                group.rebalance(None, with);
            });
        });
    }

    /// Deletes the records of a partition whose offsets are below `before` (Kafka: `DeleteRecords`).
    ///
    /// # Errors
    /// Fails if the topic has no such partition.
    pub fn delete_records(&self, partition: i32, before: i64) -> Result<(), SourceError> {
        self.shared
            .change(|inner, _| log(inner, partition).map(|log| log.delete_before(before)))
    }

    /// Keeps only the newest record of each key, and those without a key. Offsets stay as they are.
    pub fn compact(&self, tombstones: Tombstones) {
        self.shared.change(|inner, _| {
            for log in &mut inner.logs {
                log.compact(tombstones);
            }
        });
    }

    /// Takes one offset of a partition for what no consumer sees, as the end of a transaction. Returns it.
    ///
    /// # Errors
    /// Fails if the topic has no such partition.
    pub fn mark(&self, partition: i32) -> Result<i64, SourceError> {
        self.shared
            .change(|inner, _| log(inner, partition).map(PartitionLog::mark))
    }

    /// Deletes the topic and creates it anew with as many partitions: no records, offsets from 0 on, and nothing is
    /// committed. Members keep their partitions, and read on with what is put then.
    pub fn recreate(&self) {
        self.shared.change(|inner, _| {
            for log in &mut inner.logs {
                *log = PartitionLog::default();
            }
            for group in inner.groups.values_mut() {
                group.begin_anew();
            }
        });
    }

    /// Returns what a group has committed, by partition.
    #[must_use]
    pub fn committed(&self, group: &str) -> BTreeMap<i32, i64> {
        self.shared.look(|inner, _| {
            let group = inner.groups.get(group);
            group.map_or_else(BTreeMap::new, |group| group.committed().clone())
        })
    }

    /// Returns what the logs of all partitions hold.
    #[must_use]
    pub fn watermarks(&self) -> Vec<Watermarks> {
        self.shared.look(|inner, _| {
            let logs = (0..).zip(&inner.logs);
            logs.map(|(partition, log)| log.watermarks(partition))
                .collect()
        })
    }

    /// Returns the members of a group in the order in which they joined, with what each owns.
    #[must_use]
    pub fn members(&self, group: &str) -> Vec<GroupMember> {
        self.shared.look(|inner, _| {
            let group = inner.groups.get(group);
            group.map_or_else(Vec::new, |group| group.members())
        })
    }

    /// Has a group take a member for dead, as one whose heartbeats do not arrive: its partitions go to the others
    /// without being asked for. It hears of that, and joins again at once. Returns whether there is such a member.
    pub fn expel(&self, group: &str, member: u64) -> bool {
        self.shared.change(|inner, now| {
            let (group, mut with) = inner.group(group, &self.shared.options, now);
            group.expel(member, &mut with)
        })
    }

    /// Has all members hear that something is wrong with the cluster, and all calls fail, until it is set to `None`.
    pub fn set_problem(&self, problem: Option<SourceError>) {
        self.shared.change(|inner, _| inner.set_problem(problem));
    }

    /// Has the next `times` calls of a kind fail, after those that are to fail already.
    pub fn fail_next(&self, call: TopicCall, times: usize, kind: SourceErrorKind) {
        self.shared
            .look(|inner, _| inner.faults.add(call, times, kind));
    }

    /// Returns how often the topic was called, failed calls included.
    #[must_use]
    pub fn calls(&self, call: TopicCall) -> u64 {
        self.shared.look(|inner, _| inner.faults.made(call))
    }
}

#[async_trait]
impl TopicSource for MemoryTopic {
    async fn join(&self, request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        let id = self.shared.change(|inner, now| {
            inner.faults.meet(TopicCall::Join)?;
            inner.members += 1;
            let id = inner.members;
            let problem = inner.problem.clone();
            let (group, mut with) = inner.group(&request.group_id, &self.shared.options, now);
            group.join(id, request.start, problem, &mut with);
            Ok::<_, SourceError>(id)
        })?;
        Ok(Arc::new(MemoryConsumer {
            shared: self.shared.clone(),
            group: request.group_id,
            id,
        }))
    }
}

fn put(
    inner: &mut Inner,
    new: NewRecord,
    options: &MemoryTopicOptions,
    now: Timestamp,
) -> Result<(i32, i64), SourceError> {
    let partitions = inner.logs.len();
    let partition = match (new.partition, &new.key) {
        (Some(partition), _) => partition,
        (None, Some(key)) => number(partition_of(key, partitions)),
        (None, None) => {
            inner.keyless += 1;
            number((inner.keyless - 1) % partitions)
        }
    };
    let timestamp = match options.timestamp_type {
        TimestampType::CreateTime => new.timestamp.unwrap_or(now),
        TimestampType::LogAppendTime => now,
    };
    let record = KafkaRecord::new(0, timestamp, new.value)
        .with_timestamp_type(options.timestamp_type)
        .with_key(new.key)
        .with_headers(new.headers);
    Ok((partition, log(inner, partition)?.append(record)))
}

fn number(partition: usize) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

fn log(inner: &mut Inner, partition: i32) -> Result<&mut PartitionLog, SourceError> {
    let index = usize::try_from(partition).ok();
    let log = index.and_then(|index| inner.logs.get_mut(index));
    log.ok_or_else(|| {
        let text = format!("the topic has no partition {partition}");
        SourceError::new(SourceErrorKind::NotFound, text)
    })
}
