//! Where partitions begin that were assigned.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_core::topic::{Beginning, beginning};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::commit::list;
use crate::client::CALL_BOUND;

/// Where one partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begins {
    pub(super) partition: i32,
    /// What the group has committed.
    pub(super) committed: Option<i64>,
}

/// Finds out where partitions begin. A group that is new and does not begin with the oldest record begins in all
/// partitions of the topic at once: that is committed before anything is read, by whoever owns the first partition; the
/// others fail as long as it is not, unless they have waited long enough (`alone`).
pub(super) fn begins<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    start: StartingPosition,
    partitions: &[i32],
    alone: bool,
) -> KafkaResult<Vec<Begins>> {
    let mut committed = committed(consumer, topic, partitions, CALL_BOUND)?;
    let missing = committed.len() < partitions.len();
    if missing && beginning(start, true, None).must_be_kept() {
        let all = partitions_of(consumer, topic)?;
        let known = self::committed(consumer, topic, &all, CALL_BOUND)?;
        if !known.is_empty() {
            // The group is not new, or was begun meanwhile by somebody else.
            committed = known;
        } else if alone || partitions.contains(&0) {
            let kept = look_up(consumer, topic, start, &all)?;
            consumer.commit(&list(topic, &kept)?, CommitMode::Sync)?;
            committed = kept.into_iter().collect();
        } else {
            return Err(KafkaError::OffsetFetch(Code::NoOffset));
        }
    }
    let begins = partitions.iter().map(|partition| Begins {
        partition: *partition,
        committed: committed.get(partition).copied(),
    });
    Ok(begins.collect())
}

/// Returns the offsets that the group has committed, of those partitions where it has.
pub(super) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[i32],
    patience: Duration,
) -> KafkaResult<BTreeMap<i32, i64>> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list = of(topic, partitions, Offset::Invalid)?;
    offsets(&consumer.committed_offsets(list, patience)?)
}

/// Returns where partitions would begin at this moment, oldest (`Offset::Beginning`) or newest (`Offset::End`).
pub(super) fn bounds<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partitions: &[i32],
    bound: Offset,
    patience: Duration,
) -> KafkaResult<BTreeMap<i32, i64>> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list = of(topic, partitions, bound)?;
    offsets(&consumer.offsets_for_times(list, patience)?)
}

fn partitions_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> KafkaResult<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), CALL_BOUND)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found {
        Some(found) if found.error().is_none() && !found.partitions().is_empty() => {
            Ok(found.partitions().iter().map(|one| one.id()).collect())
        }
        _ => Err(KafkaError::MetadataFetch(Code::UnknownTopicOrPartition)),
    }
}

/// Returns the offset in each partition that the starting position stands for now.
fn look_up<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    start: StartingPosition,
    all: &[i32],
) -> KafkaResult<Vec<(i32, i64)>> {
    // The newest first: what is written meanwhile is not passed over.
    let mut found = bounds(consumer, topic, all, Offset::End, CALL_BOUND)?;
    if let Beginning::AtTimestamp(time) = beginning(start, true, None) {
        let list = of(topic, all, Offset::Offset(time.0.max(0)))?;
        found.extend(offsets(&consumer.offsets_for_times(list, CALL_BOUND)?)?);
    }
    match found.len() == all.len() {
        true => Ok(found.into_iter().collect()),
        false => Err(KafkaError::OffsetFetch(Code::OffsetNotAvailable)),
    }
}

fn of(topic: &str, partitions: &[i32], offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition_offset(topic, *partition, offset)?;
    }
    Ok(list)
}

/// Returns the offsets of a list, of those partitions that have one.
fn offsets(list: &TopicPartitionList) -> KafkaResult<BTreeMap<i32, i64>> {
    let mut offsets = BTreeMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            offsets.insert(element.partition(), offset);
        }
    }
    Ok(offsets)
}
