//! Records per second from a topic through a mapping to a function that does nothing, against a bare loop of rdkafka
//! over the same partitions; what a record takes of the processor; and how long an idle mapping takes from produce to
//! invocation.
//!
//! `tests/bench kafka`, with `RECORDS`, `ROUNDS` and `PUTS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::{Engine, EngineOptions};
use lambda_esm_kafka::{KafkaOptions, KafkaTopic};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use cluster::{Cluster, LENGTH, Stopwatch, Taken, median, setting};

const PARTITIONS: i32 = 12;
const BATCH: usize = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(cluster) = Cluster::find() else {
        return;
    };
    let (records, rounds) = (setting("RECORDS", 1_000_000), setting("ROUNDS", 5));
    println!(
        "{records} records of {LENGTH} bytes in {PARTITIONS} partitions, batches of {BATCH}, {rounds} rounds each"
    );
    let topic = cluster.topic(PARTITIONS).await;
    cluster.fill(&topic, PARTITIONS, records);
    // The broker's own warming up is nobody's fault.
    cluster.bare(&topic, records);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who begins changes, so that what the broker remembers favours nobody.
        let (mapped, looped) = if round % 2 == 0 {
            let mapped = cluster.mapping(&topic, records).await;
            (mapped, cluster.bare(&topic, records))
        } else {
            let looped = cluster.bare(&topic, records);
            (cluster.mapping(&topic, records).await, looped)
        };
        println!(
            "mapping {:>8.0} records/s {:.2} us   bare loop {:>8.0} {:.2} us   {:.2}",
            mapped.rate,
            mapped.processor,
            looped.rate,
            looped.processor,
            mapped.rate / looped.rate
        );
        ours.push(mapped);
        theirs.push(looped);
    }
    let ratios = ours.iter().zip(&theirs);
    let ratio = median(ratios.map(|(mapped, looped)| mapped.rate / looped.rate));
    let rate = |all: &[Taken]| median(all.iter().map(|taken| taken.rate));
    let processor = |all: &[Taken]| median(all.iter().map(|taken| taken.processor));
    let megabytes = rate(&ours) * LENGTH as f64 / 1e6;
    println!(
        "medians: mapping {:.0} records/s ({megabytes:.0} MB/s, {:.2} us of processor each), bare loop {:.0} ({:.2} us), \
         ratio of a round {ratio:.2} (goal 0.8)",
        rate(&ours),
        processor(&ours),
        rate(&theirs),
        processor(&theirs)
    );
    cluster.latency(setting("PUTS", 1_000)).await;
}

impl Cluster {
    /// A loop that does nothing with what it reads.
    fn bare(&self, topic: &str, records: usize) -> Taken {
        let mut config = self.config();
        config
            .set("group.id", Uuid::new_v4().to_string())
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        let mut watch = None;
        let (mut read, mut bytes) = (0, 0);
        while read < records {
            let Some(message) = consumer.poll(Duration::from_secs(10)) else {
                continue;
            };
            watch.get_or_insert_with(Stopwatch::start);
            bytes += message.unwrap().payload_len();
            read += 1;
        }
        assert_eq!(bytes, records * LENGTH);
        watch.unwrap().stop(records)
    }

    fn engine(&self, topic: &str) -> lambda_esm_engine::EngineBuilder {
        let options = EngineOptions::default()
            .with_pacing(Pacing::Eager)
            .with_transition(Duration::ZERO);
        let source = KafkaTopic::new(Arc::new(self.clone()), topic, KafkaOptions::default());
        Engine::builder().options(options).topic(topic, source)
    }

    fn request(
        &self,
        topic: &str,
        batch: usize,
        window: Option<u32>,
    ) -> lambda_esm_core::mapping::CreateEventSourceMapping {
        let request = json!({
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [self.servers]}},
            "SourceAccessConfigurations": [],
            "Topics": [topic],
            "FunctionName": "nothing",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": batch,
            "MaximumBatchingWindowInSeconds": window,
        });
        serde_json::from_value(request).unwrap()
    }

    /// A mapping whose function answers at once, from its first invocation to its last.
    async fn mapping(&self, topic: &str, records: usize) -> Taken {
        let watch = Arc::new(std::sync::OnceLock::new());
        let begun = Arc::clone(&watch);
        let function = Closure::new(move |_| {
            begun.get_or_init(Stopwatch::start);
            async { Ok(Bytes::new()) }
        });
        let engine = self.engine(topic).invoke(function).build();
        let mapping = engine
            .create(self.request(topic, BATCH, None))
            .await
            .unwrap();
        let uuid = mapping.uuid.parse().unwrap();
        let invoked = || {
            engine
                .mapping_status(uuid)
                .unwrap()
                .counts
                .invoked_event_count
        };
        while invoked() < records as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let taken = watch.get().unwrap().stop(records);
        assert_eq!(invoked(), records as u64, "each record once");
        engine.shutdown().await;
        self.assert_committed(topic, &mapping.uuid);
        taken
    }

    /// The group has committed the end of each partition.
    fn assert_committed(&self, topic: &str, group: &str) {
        let consumer: BaseConsumer = self.config().set("group.id", group).create().unwrap();
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions.add_partition(topic, partition);
        }
        let wait = Duration::from_secs(10);
        let committed = consumer.committed_offsets(partitions, wait).unwrap();
        for partition in committed.elements() {
            let (_, end) = consumer
                .fetch_watermarks(topic, partition.partition(), wait)
                .unwrap();
            assert_eq!(
                partition.offset(),
                Offset::Offset(end),
                "{}",
                partition.partition()
            );
        }
    }

    /// Produces one record at a time into the topic of a mapping without a batching window.
    async fn latency(&self, puts: usize) {
        let topic = self.topic(1).await;
        let (invoked, at) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let seen = Arc::new(Notify::new());
        let start = Instant::now();
        let function = {
            let (invoked, at, seen) = (invoked.clone(), at.clone(), seen.clone());
            Closure::new(move |_| {
                let passed = u64::try_from(start.elapsed().as_nanos()).unwrap();
                at.store(passed, Ordering::Relaxed);
                invoked.fetch_add(1, Ordering::Relaxed);
                seen.notify_one();
                async { Ok(Bytes::new()) }
            })
        };
        let engine = self.engine(&topic).invoke(function).build();
        engine
            .create(self.request(&topic, 100, Some(0)))
            .await
            .unwrap();
        let mut config = self.config();
        let producer: BaseProducer = config.set("linger.ms", "0").create().unwrap();
        let mut times = Vec::new();
        for number in 0..=puts {
            let value = number.to_string();
            let put = start.elapsed();
            let record = BaseRecord::<(), _>::to(&topic).payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            seen.notified().await;
            let time = Duration::from_nanos(at.load(Ordering::Relaxed)) - put;
            // The first waits for the group.
            if number > 0 {
                times.push(time.as_secs_f64() * 1_000.0);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(invoked.load(Ordering::Relaxed), puts + 1);
        engine.shutdown().await;
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        println!(
            "produce to invocation, window 0: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
