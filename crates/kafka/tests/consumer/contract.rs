//! The contract of topics, on Kafka by both protocols.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{RecordToPut, TopicContract, topic_source_contract};
use lambda_esm_engine::ports::TopicSource;
use lambda_esm_kafka::{ClientSettings, GroupProtocol, KafkaOptions, KafkaTopic};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::spawn_blocking;

use crate::cluster::{Cluster, PATIENCE, Servers};

/// Longer than the contract keeps what is asked for to see whether anybody else gets it.
const REVOKE: Duration = Duration::from_secs(9);

struct Topics {
    cluster: Cluster,
    options: KafkaOptions,
    admin: AdminClient<DefaultClientContext>,
    /// Made anew when partitions change, of which it hears late.
    producer: Mutex<FutureProducer>,
}

impl Topics {
    fn new(cluster: Cluster, protocol: GroupProtocol) -> Self {
        let options = KafkaOptions::default()
            .with_group_protocol(protocol)
            .with_revoke_bound(REVOKE);
        Self {
            options,
            admin: cluster.config().create().unwrap(),
            producer: Mutex::new(cluster.config().create().unwrap()),
            cluster,
        }
    }

    async fn known(&self, topic: &str, partitions: i32) {
        let (config, topic) = (self.cluster.config(), topic.to_owned());
        let known = spawn_blocking(move || {
            let consumer: BaseConsumer = config.create().unwrap();
            let wanted = usize::try_from(partitions).unwrap();
            loop {
                let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE).unwrap();
                let there = metadata.topics()[0].partitions();
                if there.len() == wanted && there.iter().all(|one| one.leader() >= 0) {
                    return;
                }
            }
        });
        tokio::time::timeout(PATIENCE, known)
            .await
            .unwrap()
            .unwrap();
        *self.producer.lock().unwrap() = self.cluster.config().create().unwrap();
    }
}

#[async_trait]
impl TopicContract for Topics {
    async fn make(&self, topic: &str, partitions: i32) {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = self.admin.create_topics([&new], &AdminOptions::new()).await;
        made.unwrap().remove(0).unwrap();
        self.known(topic, partitions).await;
    }

    async fn source(&self, topic: &str) -> Arc<dyn TopicSource> {
        let settings = ClientSettings::new(&self.cluster.servers, "plaintext");
        Arc::new(KafkaTopic::new(
            Arc::new(Servers(settings)),
            topic,
            self.options,
        ))
    }

    async fn put(&self, topic: &str, partition: i32, record: RecordToPut) {
        let mut sent: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).partition(partition);
        (sent.key, sent.payload) = (record.key.as_deref(), record.value.as_deref());
        if !record.headers.is_empty() {
            let add = |all: OwnedHeaders, (key, value): &(Arc<str>, Option<bytes::Bytes>)| {
                let value = value.as_deref();
                all.insert(Header { key, value })
            };
            sent.headers = Some(record.headers.iter().fold(OwnedHeaders::new(), add));
        }
        let producer = self.producer.lock().unwrap().clone();
        let sent = producer.send(sent, PATIENCE).await;
        sent.map_err(|(error, _)| error).unwrap();
    }

    fn revoke_bound(&self) -> Option<Duration> {
        Some(REVOKE)
    }

    async fn add_partition(&self, topic: &str) -> bool {
        let new = NewPartitions::new(topic, 2);
        let made = self
            .admin
            .create_partitions([&new], &AdminOptions::new())
            .await;
        made.unwrap().remove(0).unwrap();
        self.known(topic, 2).await;
        true
    }

    async fn delete_records(&self, topic: &str, partition: i32, before: i64) -> bool {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before))
            .unwrap();
        let deleted = self.admin.delete_records(&list, &AdminOptions::new()).await;
        deleted.unwrap().elements()[0].error().unwrap();
        true
    }

    async fn append_unseen(&self, topic: &str, partition: i32) -> bool {
        let (mut config, topic) = (self.cluster.config(), topic.to_owned());
        config.set("transactional.id", &topic);
        spawn_blocking(move || {
            let producer: BaseProducer = config.create().unwrap();
            producer.init_transactions(PATIENCE).unwrap();
            producer.begin_transaction().unwrap();
            let record = BaseRecord::<(), str>::to(&topic)
                .partition(partition)
                .payload("aborted");
            producer.send(record).map_err(|(error, _)| error).unwrap();
            producer.flush(PATIENCE).unwrap();
            producer.abort_transaction(PATIENCE).unwrap();
        })
        .await
        .unwrap();
        true
    }

    async fn make_anew(&self, topic: &str, partitions: i32) -> bool {
        let deleted = self
            .admin
            .delete_topics(&[topic], &AdminOptions::new())
            .await;
        deleted.unwrap().remove(0).unwrap();
        let again = async {
            loop {
                let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
                let made = self.admin.create_topics([&new], &AdminOptions::new()).await;
                // It takes a moment until the name is free.
                if made.unwrap().remove(0).is_ok() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, again).await.unwrap();
        self.known(topic, partitions).await;
        true
    }
}

async fn keeps_the_contract(protocol: GroupProtocol) {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let topics = Topics::new(cluster, protocol);
    topic_source_contract(&topics, Clock::system()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_protocol_keeps_the_contract_on_kafka() {
    keeps_the_contract(GroupProtocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumer_protocol_keeps_the_contract_on_kafka() {
    keeps_the_contract(GroupProtocol::Consumer).await;
}
