//! Topics of a test's own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use rdkafka::admin::{AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use uuid::Uuid;

use super::record::Record;
use super::server::{Kafka, REQUEST};
use crate::wait::{PATIENCE, until};

fn is_led_anew(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::LeaderNotAvailable)
    )
}

/// How a topic is to be.
#[derive(Clone, Debug)]
pub struct TopicOptions {
    partitions: i32,
    config: Vec<(&'static str, String)>,
}

impl TopicOptions {
    /// Returns a topic of so many partitions.
    #[must_use]
    pub fn partitions(partitions: i32) -> Self {
        let config = Vec::new();
        Self { partitions, config }
    }

    /// Sets one of the topic's settings, by Kafka's name, such as `cleanup.policy`.
    #[must_use]
    pub fn set(mut self, name: &'static str, value: impl ToString) -> Self {
        self.config.push((name, value.to_string()));
        self
    }
}

/// A topic that no other test uses.
pub struct Topic {
    kafka: Kafka,
    name: String,
    options: TopicOptions,
    producer: OnceCell<FutureProducer>,
}

impl Kafka {
    /// Creates a topic that no other test uses.
    pub async fn topic(&self, what: &str, options: TopicOptions) -> Topic {
        let topic = Topic {
            kafka: self.clone(),
            name: format!("{what}-{}", Uuid::new_v4().simple()),
            options,
            producer: OnceCell::new(),
        };
        topic.make().await;
        topic
    }
}

impl Topic {
    /// Makes it, after it was deleted, as it was at first.
    ///
    /// # Panics
    /// Panics if it is there.
    pub async fn make(&self) {
        let replication = TopicReplication::Fixed(-1);
        let mut new = NewTopic::new(&self.name, self.options.partitions, replication);
        for (name, value) in &self.options.config {
            new = new.set(name, value);
        }
        let admin = self.kafka.admin();
        let outcome = admin.create_topics([&new], &Kafka::options()).await;
        outcome.unwrap().remove(0).unwrap();
        until("the topic has leaders", async || {
            let leaders = self.leaders().await;
            (leaders == self.options.partitions).then_some(())
        })
        .await;
    }

    /// Returns how many partitions have a leader.
    async fn leaders(&self) -> i32 {
        let metadata = self
            .kafka
            .metadata(Some(&self.name), REQUEST)
            .await
            .unwrap();
        let partitions = metadata.topics()[0].partitions().iter();
        let led =
            partitions.filter(|partition| partition.leader() >= 0 && partition.error().is_none());
        i32::try_from(led.count()).unwrap()
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its cluster.
    #[must_use]
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// Returns how many partitions it has.
    pub async fn partitions(&self) -> i32 {
        let metadata = self.kafka.metadata(Some(&self.name), REQUEST).await;
        let partitions = metadata.unwrap().topics()[0].partitions().len();
        i32::try_from(partitions).unwrap()
    }

    /// Returns how many copies of each partition are in step with its leader, of the partition that has the fewest.
    pub async fn copies_in_sync(&self) -> usize {
        let metadata = self
            .kafka
            .metadata(Some(&self.name), REQUEST)
            .await
            .unwrap();
        let partitions = metadata.topics()[0].partitions().iter();
        partitions
            .map(|partition| partition.isr().len())
            .min()
            .unwrap_or_default()
    }

    /// Gives it more partitions, `total` altogether, and waits until they have leaders.
    pub async fn add_partitions(&self, total: i32) {
        let new = NewPartitions::new(&self.name, usize::try_from(total).unwrap());
        let admin = self.kafka.admin();
        let outcome = admin.create_partitions([&new], &Kafka::options()).await;
        outcome.unwrap().remove(0).unwrap();
        until("the new partitions have leaders", async || {
            (self.leaders().await == total).then_some(())
        })
        .await;
    }

    /// Changes settings, by Kafka's names. Those that are not named go back to their defaults.
    pub async fn configure(&self, settings: &[(&str, &str)]) {
        let mut change = AlterConfig::new(ResourceSpecifier::Topic(&self.name));
        for (name, value) in settings {
            change = change.set(name, value);
        }
        let admin = self.kafka.admin();
        let outcome = admin.alter_configs([&change], &Kafka::options()).await;
        outcome.unwrap().remove(0).unwrap();
    }

    /// Deletes it, and waits until the cluster knows of it no more.
    pub async fn delete(&self) {
        let admin = self.kafka.admin();
        let outcome = admin.delete_topics(&[&self.name], &Kafka::options()).await;
        outcome.unwrap().remove(0).unwrap();
        until("the topic is gone", async || {
            let metadata = self.kafka.metadata(Some(&self.name), REQUEST).await;
            metadata.unwrap().topics()[0].error().map(drop)
        })
        .await;
    }

    /// Deletes it and makes it anew, as it was at first.
    pub async fn recreate(&self) {
        self.delete().await;
        self.make().await;
    }

    /// Forgets the records of a partition that come before `offset`.
    pub async fn delete_records(&self, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(offset))
            .unwrap();
        let admin = self.kafka.admin();
        let outcome = admin
            .delete_records(&list, &Kafka::options())
            .await
            .unwrap();
        outcome.elements()[0].error().unwrap();
    }

    /// Returns the first offset of a partition and the one that its next record will have.
    pub async fn watermarks(&self, partition: i32) -> (i64, i64) {
        let (config, name) = (self.kafka.config(), self.name.clone());
        spawn_blocking(move || {
            let consumer: BaseConsumer = config.create().unwrap();
            let until = Instant::now() + PATIENCE;
            loop {
                // A partition that was just made may have no leader for a moment.
                match consumer.fetch_watermarks(&name, partition, REQUEST) {
                    Ok(watermarks) => return watermarks,
                    Err(error) if is_led_anew(&error) && Instant::now() < until => {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    Err(error) => panic!("{name}: {error}"),
                }
            }
        })
        .await
        .unwrap()
    }

    /// Returns the offsets that the next records will have, by partition.
    pub async fn ends(&self) -> BTreeMap<i32, i64> {
        let mut ends = BTreeMap::new();
        for partition in 0..self.partitions().await {
            ends.insert(partition, self.watermarks(partition).await.1);
        }
        ends
    }

    /// Produces records, in this order within each partition. Returns where each went: its partition and offset.
    pub async fn produce(&self, records: impl IntoIterator<Item = Record>) -> Vec<(i32, i64)> {
        let producer = self.producer().await;
        let sent = records.into_iter().map(|record| {
            let key = record.key.as_deref();
            let payload = record.value.as_deref();
            let mut sent: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&self.name);
            (sent.key, sent.payload) = (key, payload);
            (sent.partition, sent.timestamp) = (record.partition, record.timestamp);
            sent.headers = headers(&record);
            // What does not fit into the producer's queue of 100,000 records is the test's to split.
            producer
                .send_result(sent)
                .map_err(|(error, _)| error)
                .unwrap()
        });
        let answers = join_all(sent.collect::<Vec<_>>()).await;
        let places = answers.into_iter().map(|answer| {
            let delivery = answer.unwrap().map_err(|(error, _)| error).unwrap();
            (delivery.partition, delivery.offset)
        });
        places.collect()
    }

    /// Produces records with the values `{"n":FIRST}` and so on, over all partitions in turn, without keys.
    pub async fn fill(&self, first: usize, count: usize) {
        let partitions = usize::try_from(self.partitions().await).unwrap();
        let record = |n: usize| {
            let partition = i32::try_from(n % partitions).unwrap();
            Record::new(format!("{{\"n\":{n}}}")).partition(partition)
        };
        let all: Vec<usize> = (first..first + count).collect();
        for part in all.chunks(50_000) {
            self.produce(part.iter().copied().map(record)).await;
        }
    }

    async fn producer(&self) -> &FutureProducer {
        let create = async || {
            let mut config = self.kafka.config();
            config
                .set("enable.idempotence", "true")
                .set("linger.ms", "5")
                .set("message.timeout.ms", "120000");
            config.create().unwrap()
        };
        self.producer.get_or_init(create).await
    }

    /// Produces records in a transaction, which is then committed or aborted.
    pub async fn transaction(&self, records: Vec<Record>, commits: bool) {
        let mut config = self.kafka.config();
        config.set("transactional.id", Uuid::new_v4().to_string());
        let name = self.name.clone();
        spawn_blocking(move || {
            let producer: BaseProducer = config.create().unwrap();
            producer.init_transactions(REQUEST).unwrap();
            producer.begin_transaction().unwrap();
            for record in &records {
                let mut sent: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&name);
                (sent.key, sent.payload) = (record.key.as_deref(), record.value.as_deref());
                (sent.partition, sent.timestamp) = (record.partition, record.timestamp);
                sent.headers = headers(record);
                producer.send(sent).map_err(|(error, _)| error).unwrap();
            }
            // What is not on the broker yet leaves nothing behind when it is aborted.
            producer.flush(REQUEST).unwrap();
            let end = if commits {
                producer.commit_transaction(REQUEST)
            } else {
                producer.abort_transaction(REQUEST)
            };
            end.unwrap();
        })
        .await
        .unwrap();
    }

    /// Reads a partition from its first record to its end, committed records only, and returns their offsets.
    pub async fn read(&self, partition: i32) -> Vec<i64> {
        let mut config = self.kafka.config();
        config
            .set("group.id", "reads-without-a-group")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true");
        let name = self.name.clone();
        spawn_blocking(move || read_to_end(&config.create().unwrap(), &name, partition))
            .await
            .unwrap()
    }
}

fn read_to_end(consumer: &BaseConsumer, topic: &str, partition: i32) -> Vec<i64> {
    use rdkafka::Message as _;
    use rdkafka::error::KafkaError;

    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Beginning)
        .unwrap();
    consumer.assign(&list).unwrap();
    let mut offsets = Vec::new();
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        match consumer.poll(Duration::from_secs(1)) {
            Some(Ok(record)) => offsets.push(record.offset()),
            Some(Err(KafkaError::PartitionEOF(_))) => return offsets,
            // A broker that went away is looked for elsewhere.
            Some(Err(error)) => println!("{topic}: {error}"),
            None => {}
        }
    }
    panic!("did not reach the end of {topic} within {PATIENCE:?}")
}

impl fmt::Debug for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Topic").field(&self.name).finish()
    }
}

fn headers(record: &Record) -> Option<OwnedHeaders> {
    let add = |all: OwnedHeaders, (key, value): &(String, Option<bytes::Bytes>)| {
        let value = value.as_deref();
        all.insert(Header { key, value })
    };
    let all = record.headers.iter().fold(OwnedHeaders::new(), add);
    (!record.headers.is_empty()).then_some(all)
}
