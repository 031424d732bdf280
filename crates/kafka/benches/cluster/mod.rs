//! A cluster, topics full of records, and what reading them takes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_kafka::{ClientSettings, Connect};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

/// The length of a record's value, in bytes.
pub(crate) const LENGTH: usize = 200;

/// Returns a setting of the environment.
pub(crate) fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What reading all records took.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    /// Records per second.
    pub(crate) rate: f64,
    /// Microseconds of this process's processor time for each record.
    pub(crate) processor: f64,
}

/// Times between the first record and the last.
pub(crate) struct Stopwatch {
    since: Instant,
    processor: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            since: Instant::now(),
            processor: processor_time(),
        }
    }

    pub(crate) fn stop(&self, records: usize) -> Taken {
        let processor = processor_time() - self.processor;
        Taken {
            rate: records as f64 / self.since.elapsed().as_secs_f64(),
            processor: processor.as_secs_f64() * 1e6 / records as f64,
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) servers: String,
}

#[async_trait]
impl Connect for Cluster {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        Ok(ClientSettings::new(&self.servers, "PLAINTEXT"))
    }
}

impl Cluster {
    /// Returns the one of the environment, or says that the bench is skipped.
    pub(crate) fn find() -> Option<Self> {
        let servers = std::env::var("LAMBDA_ESM_TEST_KAFKA");
        if servers.is_err() {
            println!("skipped: LAMBDA_ESM_TEST_KAFKA is not set");
        }
        servers.ok().map(|servers| Self { servers })
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    pub(crate) async fn topic(&self, partitions: i32) -> String {
        let name = format!("bench-{}", Uuid::new_v4());
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let made = admin.create_topics([&topic], &AdminOptions::new()).await;
        made.unwrap()[0].as_ref().unwrap();
        name
    }

    /// Produces so many records, to the partitions in turn.
    pub(crate) fn fill(&self, topic: &str, partitions: i32, records: usize) {
        let mut config = self.config();
        config.set("queue.buffering.max.kbytes", "262144");
        let producer: BaseProducer = config.create().unwrap();
        for number in 0..records {
            let value = format!("{number:0LENGTH$}");
            let partition = i32::try_from(number).unwrap() % partitions;
            let mut record = BaseRecord::<(), _>::to(topic)
                .payload(&value)
                .partition(partition);
            while let Err((_, refused)) = producer.send(record) {
                record = refused;
                producer.poll(Duration::from_millis(10));
            }
        }
        producer.flush(Duration::from_secs(60)).unwrap();
    }
}
