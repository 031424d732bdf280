//! Records per second through a share group, received and accepted by as many callers as pollers would be, against a bare
//! loop of krafka's share consumer over the same topic; and what a record takes of the processor.
//!
//! `tests/bench kafka`, with `RECORDS`, `ROUNDS` and `RECEIVES` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use krafka::Kafka;
use krafka::admin::{ConfigOp, ConfigResource, IncrementalAlterConfigsOptions};
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb, Settlement};
use lambda_esm_kafka::{ClientSettings, Connect, KafkaShareGroup};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;
use uuid::Uuid;

const PARTITIONS: i32 = 3;
/// How many records a receive, and a poll, asks for.
const BATCH: usize = 500;
/// The length of a record's value, in bytes.
const LENGTH: usize = 200;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What reading all records took.
#[derive(Clone, Copy)]
struct Taken {
    /// Records per second, from the first to the last.
    rate: f64,
    /// Microseconds of this process's processor time for each record.
    processor: f64,
}

struct Stopwatch {
    since: Instant,
    processor: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        let (since, processor) = (Instant::now(), processor_time());
        Self { since, processor }
    }

    fn stop(&self, records: usize) -> Taken {
        let processor = processor_time() - self.processor;
        Taken {
            rate: records as f64 / self.since.elapsed().as_secs_f64(),
            processor: processor.as_secs_f64() * 1e6 / records as f64,
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap();
    Duration::new(time.tv_sec.unsigned_abs(), nanoseconds)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Ok(servers) = std::env::var("LAMBDA_ESM_TEST_KAFKA") else {
        println!("skipped: LAMBDA_ESM_TEST_KAFKA is not set");
        return;
    };
    let (records, rounds) = (setting("RECORDS", 200_000), setting("ROUNDS", 5));
    let receives = setting("RECEIVES", 10);
    println!(
        "{records} records of {LENGTH} bytes in {PARTITIONS} partitions, {receives} receives of {BATCH}, {rounds} rounds each"
    );
    let cluster = Cluster { servers };
    let topic = cluster.topic(records).await;
    // The broker's own warming up is nobody's fault.
    cluster.bare(&topic, records).await;
    let mut ratios = Vec::new();
    for round in 0..rounds {
        // Who begins changes, so that what the broker remembers favours nobody.
        let (shared, bare) = if round % 2 == 0 {
            let shared = cluster.shared(&topic, records, receives).await;
            (shared, cluster.bare(&topic, records).await)
        } else {
            let bare = cluster.bare(&topic, records).await;
            (cluster.shared(&topic, records, receives).await, bare)
        };
        let ratio = shared.rate / bare.rate;
        println!(
            "source {:>8.0} records/s {:.2} us   bare share consumer {:>8.0} {:.2} us   {ratio:.2}",
            shared.rate, shared.processor, bare.rate, bare.processor
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "median ratio of a round {:.2} (goal 0.8)",
        ratios[ratios.len() / 2]
    );
}

#[derive(Clone)]
struct Cluster {
    servers: String,
}

#[async_trait]
impl Connect for Cluster {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        Ok(ClientSettings::new(&self.servers, "PLAINTEXT"))
    }
}

impl Cluster {
    /// Makes a topic with so many records.
    async fn topic(&self, records: usize) -> String {
        let name = format!("bench-{}", Uuid::new_v4());
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
        let topic = NewTopic::new(&name, PARTITIONS, TopicReplication::Fixed(1));
        let made = admin.create_topics([&topic], &AdminOptions::new()).await;
        made.unwrap()[0].as_ref().unwrap();
        let producer: BaseProducer = config.create().unwrap();
        for number in 0..records {
            let value = format!("{number:0LENGTH$}");
            let partition = i32::try_from(number).unwrap() % PARTITIONS;
            let record = BaseRecord::<(), _>::to(&name).payload(&value);
            let mut record = record.partition(partition);
            while let Err((_, refused)) = producer.send(record) {
                record = refused;
                producer.poll(Duration::from_millis(10));
            }
        }
        producer.flush(Duration::from_secs(60)).unwrap();
        name
    }

    /// Returns a client, and a group that begins with the first record.
    async fn group(&self) -> (Kafka, String) {
        let kafka = Kafka::builder(&self.servers).connect().await.unwrap();
        let group = format!("bench-{}", Uuid::new_v4());
        let earliest = ConfigOp::set("share.auto.offset.reset", "earliest");
        let change = (ConfigResource::group(&group), vec![earliest]);
        let options = IncrementalAlterConfigsOptions::default();
        let changed = kafka
            .admin()
            .incremental_alter_configs([change], options)
            .await;
        for (_, outcome) in changed.unwrap() {
            outcome.unwrap();
        }
        (kafka, group)
    }

    /// A loop that accepts what it polls.
    async fn bare(&self, topic: &str, records: usize) -> Taken {
        let (kafka, group) = self.group().await;
        let consumer = kafka
            .share_consumer(group)
            .max_poll_records(i32::try_from(BATCH).unwrap());
        let consumer = consumer.build().await.unwrap();
        consumer.subscribe([topic]).await.unwrap();
        let mut watch = None;
        let (mut read, mut bytes) = (0, 0);
        while read < records {
            for record in consumer.poll(Duration::from_secs(1)).await.unwrap() {
                watch.get_or_insert_with(Stopwatch::start);
                bytes += record.value.unwrap().len();
                read += 1;
            }
        }
        consumer.close().await.unwrap();
        assert_eq!(bytes, records * LENGTH);
        watch.unwrap().stop(records)
    }

    /// Callers that accept what they receive, of one source.
    async fn shared(&self, topic: &str, records: usize, receives: usize) -> Taken {
        let (_, group) = self.group().await;
        let source = KafkaShareGroup::new(Arc::new(self.clone()), topic, group);
        let source = Arc::new(source);
        let watch = Arc::new(std::sync::OnceLock::new());
        let taken = Arc::new(std::sync::OnceLock::new());
        let read = Arc::new(AtomicUsize::new(0));
        let mut callers = JoinSet::new();
        for _ in 0..receives {
            let (source, watch, read) = (source.clone(), watch.clone(), read.clone());
            let taken = taken.clone();
            callers.spawn(async move {
                while read.load(Ordering::Relaxed) < records {
                    let request = ReceiveRequest::new(BATCH, Duration::from_secs(1));
                    let received = source.receive(request).await.unwrap();
                    let receipts = received.messages.into_iter().map(|message| message.receipt);
                    let settlements: Vec<Settlement> = receipts
                        .map(|receipt| Settlement::new(receipt, SettleVerb::Delete))
                        .collect();
                    if settlements.is_empty() {
                        continue;
                    }
                    let watch = watch.get_or_init(Stopwatch::start);
                    for outcome in source.settle(&settlements).await.unwrap() {
                        outcome.unwrap();
                    }
                    let count = settlements.len();
                    if read.fetch_add(count, Ordering::Relaxed) + count == records {
                        taken.get_or_init(|| watch.stop(records));
                    }
                }
            });
        }
        while callers.join_next().await.is_some() {}
        assert_eq!(read.load(Ordering::Relaxed), records, "each record once");
        source.close().await;
        *taken.get().unwrap()
    }
}
