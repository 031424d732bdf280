//! Records per second through a share group, received and accepted by as many callers as pollers would be, against bare
//! loops of krafka's share consumer over the same topic; and what a record takes of the processor.
//!
//! Of the loops one takes whole batches of the producer, as the client does unless it is told otherwise, and the other acquires no
//! more than it asks for. The source does either: whole batches while what they have over is soon taken. Seen on two cores with
//! nothing else to do, with link-time optimization, in seven rounds: a median of 0.85 of whole batches (0.73 to 0.96, 297,000
//! records/s), and 2.73 of the exact number.
//!
//! `tests/bench kafka`, with `RECORDS`, `ROUNDS` and `RECEIVES` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krafka::Kafka;
use krafka::admin::{ConfigOp, ConfigResource, IncrementalAlterConfigsOptions};
use krafka::share_consumer::AcquireMode;
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb, Settlement};
use lambda_esm_kafka::KafkaShareGroup;
use tokio::task::JoinSet;
use uuid::Uuid;

use cluster::{Cluster, LENGTH, Stopwatch, Taken, median, setting};

const PARTITIONS: i32 = 3;
/// How many records a receive, and a poll, asks for.
const BATCH: usize = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(cluster) = Cluster::find() else {
        return;
    };
    let (records, rounds) = (setting("RECORDS", 200_000), setting("ROUNDS", 5));
    let receives = setting("RECEIVES", 10);
    println!(
        "{records} records of {LENGTH} bytes in {PARTITIONS} partitions, {receives} receives of {BATCH}, {rounds} rounds each"
    );
    let topic = cluster.topic(PARTITIONS).await;
    cluster.fill(&topic, PARTITIONS, records);
    // The broker's own warming up is nobody's fault.
    cluster
        .bare(&topic, records, AcquireMode::RecordLimit)
        .await;
    let (mut exactly, mut whole) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let modes = [AcquireMode::RecordLimit, AcquireMode::BatchOptimized];
        // Who begins changes, so that what the broker remembers favours nobody.
        let first = if round % 2 == 0 {
            Some(cluster.shared(&topic, records, receives).await)
        } else {
            None
        };
        let [exact, batches] = [
            cluster.bare(&topic, records, modes[0]).await,
            cluster.bare(&topic, records, modes[1]).await,
        ];
        let shared = match first {
            Some(shared) => shared,
            None => cluster.shared(&topic, records, receives).await,
        };
        let ratios = [exact, batches].map(|bare| shared.rate / bare.rate);
        println!(
            "source {:>8.0} records/s {:.2} us   bare, no more than asked {:>8.0} {:.2} us   {:.2}   \
             bare, whole batches {:>8.0} {:.2} us   {:.2}",
            shared.rate,
            shared.processor,
            exact.rate,
            exact.processor,
            ratios[0],
            batches.rate,
            batches.processor,
            ratios[1]
        );
        exactly.push(ratios[0]);
        whole.push(ratios[1]);
    }
    println!(
        "median ratio of a round, to whole batches {:.2} (goal 0.8, of the client as it is), to no more than asked {:.2}",
        median(whole.into_iter()),
        median(exactly.into_iter())
    );
}

impl Cluster {
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
    async fn bare(&self, topic: &str, records: usize, mode: AcquireMode) -> Taken {
        let (kafka, group) = self.group().await;
        let consumer = kafka
            .share_consumer(group)
            .max_poll_records(i32::try_from(BATCH).unwrap())
            .acquire_mode(mode);
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
