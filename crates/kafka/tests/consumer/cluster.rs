//! Clusters for tests, and what a test does there by clients of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::ports::{JoinRequest, TopicConsumer, TopicSource};
use lambda_esm_kafka::{ClientSettings, Connect, KafkaOptions, KafkaTopic};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Servers that a mapping connects to.
pub(crate) struct Servers(pub(crate) ClientSettings);

#[async_trait]
impl Connect for Servers {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        Ok(self.0.clone())
    }
}

/// A cluster, by its servers.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) servers: String,
}

impl Cluster {
    /// Returns Kafka, or says that the test is skipped.
    pub(crate) fn real() -> Option<Self> {
        match std::env::var("LAMBDA_ESM_TEST_KAFKA") {
            Ok(servers) => Some(Self { servers }),
            Err(_) => {
                println!("skipped: LAMBDA_ESM_TEST_KAFKA is not set");
                None
            }
        }
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// Makes a topic with a name of its own, and returns the name.
    pub(crate) async fn topic(&self, partitions: i32) -> String {
        let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = format!("topic-{unique}");
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let new = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let made = admin.create_topics([&new], &AdminOptions::new()).await;
        made.unwrap().remove(0).unwrap();
        name
    }

    /// Produces a record with each value to a partition.
    pub(crate) fn produce(&self, topic: &str, partition: i32, values: &[String]) {
        let producer: BaseProducer = self.config().create().unwrap();
        for value in values {
            let record = BaseRecord::<(), String>::to(topic);
            let sent = producer.send(record.partition(partition).payload(value));
            sent.map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Returns what a group has committed.
    pub(crate) fn committed(
        &self,
        group: &str,
        topic: &str,
        partitions: i32,
    ) -> BTreeMap<i32, i64> {
        let mut config = self.config();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let list = consumer.committed_offsets(list, PATIENCE).unwrap();
        let elements = list.elements();
        let known = elements.iter().filter_map(|one| match one.offset() {
            Offset::Offset(offset) => Some((one.partition(), offset)),
            _ => None,
        });
        known.collect()
    }

    /// Returns the offsets that the next records will get.
    pub(crate) fn ends(&self, topic: &str, partitions: i32) -> BTreeMap<i32, i64> {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let end = |partition| {
            let (_, high) = consumer
                .fetch_watermarks(topic, partition, PATIENCE)
                .unwrap();
            (partition, high)
        };
        (0..partitions).map(end).collect()
    }

    /// Joins a group.
    pub(crate) async fn join(
        &self,
        topic: &str,
        group: &str,
        start: StartingPosition,
        options: KafkaOptions,
    ) -> Arc<dyn TopicConsumer> {
        let settings = ClientSettings::new(&self.servers, "plaintext");
        self.join_with(settings, topic, group, start, options).await
    }

    /// Joins a group, connected so.
    pub(crate) async fn join_with(
        &self,
        settings: ClientSettings,
        topic: &str,
        group: &str,
        start: StartingPosition,
        options: KafkaOptions,
    ) -> Arc<dyn TopicConsumer> {
        let connect = Arc::new(Servers(settings));
        let source = KafkaTopic::new(connect, topic, options);
        source.join(JoinRequest::new(group, start)).await.unwrap()
    }
}

/// Returns values of records, numbered.
pub(crate) fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers
        .map(|number| format!("{{\"n\":{number}}}"))
        .collect()
}
