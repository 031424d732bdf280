//! What consumer groups have committed, and who is in them.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use super::server::{Kafka, REQUEST};
use super::topic::Topic;

impl Kafka {
    /// Returns what a group has committed of a topic, by partition; without those of which it has committed nothing.
    pub async fn committed(&self, group: &str, topic: &Topic) -> BTreeMap<i32, i64> {
        let mut wanted = TopicPartitionList::new();
        for partition in 0..topic.partitions().await {
            wanted.add_partition(topic.name(), partition);
        }
        let mut config = self.config();
        config.set("group.id", group);
        let answer = spawn_blocking(move || {
            let consumer: BaseConsumer = config.create().unwrap();
            consumer.committed_offsets(wanted, REQUEST).unwrap()
        })
        .await
        .unwrap();
        let elements = answer.elements();
        let offsets = elements
            .iter()
            .filter_map(|element| match element.offset() {
                Offset::Offset(offset) => Some((element.partition(), offset)),
                _ => None,
            });
        offsets.collect()
    }

    /// Commits offsets for a group that has no members, by partition.
    pub async fn commit(&self, group: &str, topic: &Topic, offsets: &[(i32, i64)]) {
        let mut list = TopicPartitionList::new();
        for &(partition, offset) in offsets {
            let offset = Offset::Offset(offset);
            list.add_partition_offset(topic.name(), partition, offset)
                .unwrap();
        }
        let mut config = self.config();
        config.set("group.id", group);
        spawn_blocking(move || {
            let consumer: BaseConsumer = config.create().unwrap();
            consumer.commit(&list, CommitMode::Sync).unwrap();
        })
        .await
        .unwrap();
    }

    /// Returns how many members a group has, and its state in Kafka's words, such as `Stable` or `Empty`; none if it is unknown.
    pub async fn group(&self, group: &str) -> Option<(usize, String)> {
        let (config, group) = (self.config(), group.to_owned());
        spawn_blocking(move || {
            let consumer: BaseConsumer = config.create().unwrap();
            let list = consumer.fetch_group_list(Some(&group), REQUEST).unwrap();
            let found = list.groups().first()?;
            Some((found.members().len(), found.state().to_owned()))
        })
        .await
        .unwrap()
    }

    /// Forgets a group and what it has committed.
    pub async fn delete_group(&self, group: &str) {
        let outcome = self.admin().delete_groups(&[group], &Self::options()).await;
        outcome.unwrap().remove(0).unwrap();
    }
}
