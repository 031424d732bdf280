//! A topic, and members that do as they are told.

use std::sync::Arc;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::Clock;
use lambda_esm_engine::memory::{MemoryTopic, MemoryTopicOptions, NewRecord};
use lambda_esm_engine::ports::{
    GroupEvent, JoinRequest, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch, TopicPage,
    TopicSource as _,
};

pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn topic(partitions: usize) -> MemoryTopic {
    with(MemoryTopicOptions::default().with_partitions(partitions))
}

pub(crate) fn with(options: MemoryTopicOptions) -> MemoryTopic {
    MemoryTopic::new(Clock::starting_at(START), "orders", options)
}

pub(crate) fn put(topic: &MemoryTopic, partition: i32, text: &'static str) -> i64 {
    let record = NewRecord::new(text).with_partition(Some(partition));
    topic.put(record).unwrap().1
}

pub(crate) struct Member {
    pub(crate) consumer: Arc<dyn TopicConsumer>,
    pub(crate) owned: Vec<OwnedPartition>,
}

impl Member {
    pub(crate) async fn join(topic: &MemoryTopic, group: &str) -> Self {
        Self::starting(topic, group, StartingPosition::TrimHorizon).await
    }

    pub(crate) async fn starting(
        topic: &MemoryTopic,
        group: &str,
        start: StartingPosition,
    ) -> Self {
        let consumer = topic.join(JoinRequest::new(group, start)).await.unwrap();
        let mut member = Self {
            consumer,
            owned: Vec::new(),
        };
        member.is_assigned().await;
        member
    }

    pub(crate) async fn event(&self) -> GroupEvent {
        let event = self.consumer.next_event();
        tokio::time::timeout(3600 * SECOND, event).await.unwrap()
    }

    /// Tells whether it would hear nothing for so long.
    pub(crate) async fn hears_nothing_for(&self, time: Duration) -> bool {
        let event = self.consumer.next_event();
        tokio::time::timeout(time, event).await.is_err()
    }

    /// Hears of new partitions; returns their numbers.
    pub(crate) async fn is_assigned(&mut self) -> Vec<i32> {
        match self.event().await {
            GroupEvent::Assigned(new) => {
                self.owned.extend(new.iter().map(|each| each.owned));
                new.iter().map(|each| each.owned.partition).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn is_asked(&self) -> Vec<OwnedPartition> {
        match self.event().await {
            GroupEvent::Revoking(asked) => asked,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn loses(&mut self) -> Vec<OwnedPartition> {
        match self.event().await {
            GroupEvent::Lost(lost) => {
                self.owned.retain(|each| !lost.contains(each));
                lost
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lets go of what it is asked for.
    pub(crate) async fn gives_way(&mut self) -> Vec<i32> {
        let asked = self.is_asked().await;
        self.owned.retain(|each| !asked.contains(each));
        self.consumer
            .let_go(asked.clone(), Vec::new())
            .await
            .unwrap();
        asked.iter().map(|each| each.partition).collect()
    }

    pub(crate) fn partition(&self, partition: i32) -> OwnedPartition {
        let owned = self.owned.iter().find(|each| each.partition == partition);
        *owned.unwrap()
    }

    pub(crate) async fn fetch(&self, owned: OwnedPartition) -> Result<TopicPage, SourceError> {
        let request = TopicFetch::new(owned, 100, 1_000_000);
        self.consumer.fetch(request).await
    }

    /// Reads on in a partition; returns the values.
    pub(crate) async fn reads(&self, partition: i32) -> Vec<String> {
        let page = self.fetch(self.partition(partition)).await.unwrap();
        let values = page.records.into_iter().map(|record| record.value.unwrap());
        values
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
            .collect()
    }

    pub(crate) async fn commits(
        &self,
        owned: OwnedPartition,
        offset: i64,
    ) -> Result<(), SourceErrorKind> {
        let offsets = vec![PartitionOffset { owned, offset }];
        let result = self.consumer.commit(offsets).await;
        result.map_err(|error| error.kind)
    }
}
