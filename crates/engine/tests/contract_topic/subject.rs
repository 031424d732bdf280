//! Topics in memory, which may have a fault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::record::TimestampType;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{RecordToPut, TopicContract};
use lambda_esm_engine::memory::{MemoryTopic, MemoryTopicOptions, NewRecord};
use lambda_esm_engine::ports::TopicSource;

use crate::fault::Fault;
use crate::faulty::FaultyTopic;

/// What the clocks show at first.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_123);

pub(crate) struct MemoryTopics {
    clock: Clock,
    fault: Option<Fault>,
    timestamp_type: TimestampType,
    topics: Mutex<HashMap<String, MemoryTopic>>,
}

impl MemoryTopics {
    pub(crate) fn new(fault: Option<Fault>, timestamp_type: TimestampType) -> Self {
        Self {
            clock: Clock::starting_at(START),
            fault,
            timestamp_type,
            topics: Mutex::default(),
        }
    }

    fn topic(&self, name: &str) -> MemoryTopic {
        self.topics.lock().unwrap()[name].clone()
    }
}

#[async_trait]
impl TopicContract for MemoryTopics {
    async fn make(&self, name: &str, partitions: i32) {
        let options = MemoryTopicOptions::default()
            .with_partitions(usize::try_from(partitions).unwrap())
            .with_timestamp_type(self.timestamp_type)
            .with_revoke_bound(Duration::from_secs(20));
        let topic = MemoryTopic::new(self.clock, name, options);
        self.topics.lock().unwrap().insert(name.to_owned(), topic);
    }

    async fn source(&self, name: &str) -> Arc<dyn TopicSource> {
        match self.fault {
            None => Arc::new(self.topic(name)),
            Some(fault) => Arc::new(FaultyTopic::new(self.topic(name), fault)),
        }
    }

    async fn put(&self, name: &str, partition: i32, record: RecordToPut) {
        let record = NewRecord::default()
            .with_partition(Some(partition))
            .with_key(record.key)
            .with_value(record.value)
            .with_headers(record.headers);
        self.topic(name).put(record).unwrap();
    }

    fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }

    fn revoke_bound(&self) -> Option<Duration> {
        Some(Duration::from_secs(20))
    }

    async fn add_partition(&self, name: &str) -> bool {
        self.topic(name).add_partitions(1);
        true
    }

    async fn delete_records(&self, name: &str, partition: i32, before: i64) -> bool {
        self.topic(name).delete_records(partition, before).unwrap();
        true
    }

    async fn append_unseen(&self, name: &str, partition: i32) -> bool {
        self.topic(name).mark(partition).unwrap();
        true
    }

    async fn make_anew(&self, name: &str, _partitions: i32) -> bool {
        self.topic(name).recreate();
        true
    }
}
