//! What the on-failure destination is told of records of a share group: the same as of a consumer group's (our choice; the
//! documents of Queue mode are not shown).

use uuid::Uuid;

use super::config::ShareGroupConfig;
use super::given_up::GivenUp;
use crate::backoff::Random;
use crate::batching::Batch;
use crate::event::kafka::KafkaEncoder;
use crate::mapping::AwsDestination;
use crate::on_failure_record::{
    Condition, DiscardedKafka, DiscardedPartition, FailedResponse, FailureRecord, kafka_key,
};
use crate::queue::delivery::Delivery;
use crate::time::Timestamp;

/// What is told, and by whom.
pub(super) struct Told<'a> {
    pub(super) group: &'a ShareGroupConfig,
    pub(super) encoder: &'a KafkaEncoder,
    pub(super) given_up: &'a GivenUp,
    pub(super) now: Timestamp,
}

impl Told<'_> {
    /// Returns the record for a queue, a topic of SNS or a bucket.
    pub(super) fn record(
        &self,
        destination: &AwsDestination,
        random: &mut Random,
    ) -> FailureRecord {
        let records = &self.given_up.records;
        let event = self.event(records);
        let partitions = self.partitions(records);
        let discarded = self.discarded(random, records.items.len(), event.len(), &partitions);
        discarded.record(destination, &event, random.uuid())
    }

    /// Returns the message of one of the records for a topic of the same cluster.
    pub(super) fn topic_record(&self, one: &Batch<Delivery>, random: &mut Random) -> FailureRecord {
        let event = self.event(one);
        let partitions = self.partitions(one);
        let key = one.each_fragment().next().and_then(kafka_key);
        let discarded = self.discarded(random, 1, event.len(), &partitions);
        discarded.topic_record(&event, key)
    }

    fn event(&self, records: &Batch<Delivery>) -> bytes::Bytes {
        let partitions = records.items.iter().map(Delivery::partition);
        self.encoder.event(partitions.zip(records.each_fragment()))
    }

    fn partitions(&self, records: &Batch<Delivery>) -> Vec<DiscardedPartition> {
        let mut places: Vec<_> = records.items.iter().filter_map(|one| one.place).collect();
        // Released records come again among later ones.
        places.sort_by_key(|place| place.offset);
        let records = places.into_iter();
        let records = records.map(|place| (place.partition, place.offset, place.arrival));
        DiscardedPartition::of_records(self.encoder, records)
    }

    fn discarded<'a>(
        &'a self,
        random: &mut Random,
        batch_size: usize,
        payload_size: usize,
        partitions: &'a [DiscardedPartition],
    ) -> DiscardedKafka<'a> {
        let response = self.given_up.response();
        DiscardedKafka {
            request_id: self.request_id(random),
            function_arn: &self.group.function_arn,
            condition: self.given_up.condition,
            invoke_count: self.invoke_count(),
            response: response.map(|response| response.context(&self.group.executed_version)),
            timestamp: self.now,
            mapping: self.group.mapping,
            batch_size,
            source_arn: self.encoder.source_arn(),
            bootstrap_servers: self.encoder.bootstrap_servers(),
            payload_size,
            partitions,
        }
    }

    /// Returns the id of the run that failed last, or a new one.
    fn request_id(&self, random: &mut Random) -> Uuid {
        let response = self.given_up.response();
        let is_failure = self.given_up.condition == Condition::RetryAttemptsExhausted;
        let response = response.filter(|_| is_failure);
        let id = response.and_then(FailedResponse::request_id);
        id.unwrap_or_else(|| random.uuid())
    }

    /// Returns how often the function was invoked with the record that was delivered most often, as far as its delivery
    /// count tells; at least 1, as of a record that was never sent (recorded of streams).
    fn invoke_count(&self) -> u32 {
        let items = self.given_up.records.items.iter();
        let delivery = items.map(|one| one.receives).max().unwrap_or_default();
        let (attempts, tries) = (self.group.attempts(), self.given_up.tries.failures);
        let retries = self.group.retries;
        retries.invocations(attempts, delivery, tries).max(1)
    }
}
