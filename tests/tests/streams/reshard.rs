//! A stream is resharded under load while the daemon that reads it is killed again and again: nothing is lost,
//! and the order of each key holds.
//!
//! `LAMBDA_ESM_TEST_RECORDS` sets the number of records.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use lambda_esm_tests::streams::{Deliveries, KinesisStream, Streams};
use lambda_esm_tests::{Python, until, until_within};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::killing::Killed;

const RECORDS: usize = 24_000;
const KEYS: usize = 200;
const PRODUCERS: usize = 2;
/// Records of one put. A large one keeps the server from answering anything else.
const PUT: usize = 100;
const BATCH: usize = 200;
/// Records between two changes of the shards: the server takes the longer for a put the more its shard holds.
const STEP: usize = 4_000;
const SEED: u64 = 3;
/// How long all may take, for each thousand records.
const PATIENCE: Duration = Duration::from_secs(10);

fn records() -> usize {
    let records = std::env::var("LAMBDA_ESM_TEST_RECORDS").ok();
    records.map_or(RECORDS, |records| records.parse().unwrap())
}

/// Puts the share of one producer, who has keys of its own: so their order is that of the numbers.
async fn produce(stream: &KinesisStream, producer: usize, put: &AtomicUsize) {
    let numbers: Vec<usize> = (0..records())
        .filter(|number| number % KEYS % PRODUCERS == producer)
        .collect();
    for batch in numbers.chunks(PUT) {
        let value = |number: &usize| (format!("key-{}", number % KEYS), json!(number));
        let values: Vec<(String, Value)> = batch.iter().map(value).collect();
        stream.put(&values).await;
        put.fetch_add(values.len(), Ordering::Relaxed);
    }
}

async fn until_put(put: &AtomicUsize, records: usize) {
    until("the producers have put their records", async || {
        (put.load(Ordering::Relaxed) >= records).then_some(())
    })
    .await;
}

async fn merge(stream: &KinesisStream, pairs: Range<usize>) {
    let shards = stream.open_shards().await;
    for pair in pairs {
        stream.merge(&shards[2 * pair], &shards[2 * pair + 1]).await;
    }
}

/// Goes from four shards to eight, to three, and back to four, for as long as there is something to put.
async fn reshard(stream: &KinesisStream, put: &AtomicUsize) -> usize {
    let mut changes = 0;
    let steps = records() / STEP;
    for step in 1..=steps {
        until_put(put, step * STEP).await;
        match step % 3 {
            1 => {
                for shard in stream.open_shards().await {
                    stream.split(&shard).await;
                }
                assert_eq!(stream.open_shards().await.len(), 8);
            }
            2 => {
                merge(stream, 0..4).await;
                merge(stream, 0..1).await;
                assert_eq!(stream.open_shards().await.len(), 3);
            }
            _ => {
                let widest = stream.open_shards().await.remove(0);
                stream.split(&widest).await;
                assert_eq!(stream.open_shards().await.len(), 4);
            }
        }
        changes += 1;
    }
    changes
}

async fn a_stream_resharded_under_load_loses_nothing_though_the_daemon_is_killed(streams: Streams) {
    let Some(python) = Python::find() else { return };
    let stream = streams.kinesis("reshard", 4).await;
    let members = json!({ "BatchSize": BATCH });
    let longest = Duration::from_secs(3);
    let mut killed = Killed::new(&streams, &python, &stream.arn, &members, SEED, longest);
    let (put, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let began = Instant::now();
    let producing = async {
        let producers = (0..PRODUCERS).map(|producer| produce(&stream, producer, &put));
        join_all(producers).await;
        over.store(true, Ordering::Relaxed);
        began.elapsed()
    };
    let (written, changes, (kills, daemon)) = tokio::join!(
        producing,
        reshard(&stream, &put),
        killed.run(|_| !over.load(Ordering::Relaxed))
    );
    let patience = PATIENCE * u32::try_from(records() / 1_000).unwrap();
    until_within(patience, "every record is delivered", async || {
        (Deliveries::of(&killed.recording).values().len() >= records()).then_some(())
    })
    .await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    let deliveries = Deliveries::of(&killed.recording);
    let repeated = deliveries.repeated();
    println!(
        "{} records written in {written:?} and delivered in {:?}; {changes} changes of the shards, {} shards in all; \
         {kills} kills; {} records delivered again, at most {} of one shard after one kill",
        records(),
        began.elapsed(),
        stream.shards().await.len(),
        repeated.records,
        repeated.most,
    );
    assert!(deliveries.values().into_iter().eq(0..records()));
    deliveries.check_order();
    assert!(repeated.most <= BATCH, "{repeated:?}");
    assert!(repeated.records > 0, "no kill hit a batch in flight");
}

on_servers! {
    kinesis_local: a_stream_resharded_under_load_loses_nothing_though_the_daemon_is_killed;
}
