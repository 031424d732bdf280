//! How many durable puts per second one store takes, from 1, 8 and 64 writers that each wait for
//! their answer, and from as many commits of one checkpoint each. Then how long opening takes, which
//! reads and checks everything.
//!
//! `cargo bench -p lambda-esm-store --bench commit`

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_types,
    reason = "a bench stops at the first surprise, and measures real time"
)]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use lambda_esm_engine::store::{Store, StoredCheckpoint, StoredMapping};
use lambda_esm_store::RedbStore;
use uuid::Uuid;

const TIME: Duration = Duration::from_secs(3);

fn main() {
    let directory =
        std::env::var_os("BENCH_DIRECTORY").map_or_else(std::env::temp_dir, PathBuf::from);
    println!(
        "one file in {}, {} s each",
        directory.display(),
        TIME.as_secs()
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for writers in [1, 8, 64] {
        for checkpoints in [false, true] {
            let state = directory.join(format!("lambda-esm-bench-{}", Uuid::new_v4()));
            runtime.block_on(run(&state, writers, checkpoints));
            std::fs::remove_dir_all(state).unwrap();
        }
    }
    for mappings in [0, 1_000] {
        let state = directory.join(format!("lambda-esm-bench-{}", Uuid::new_v4()));
        runtime.block_on(reopen(&state, mappings));
        std::fs::remove_dir_all(state).unwrap();
    }
}

/// Times opening a file with many mappings, of ten checkpoints each.
async fn reopen(directory: &std::path::Path, mappings: u128) {
    let store = RedbStore::open(directory).unwrap();
    for number in 0..mappings {
        store.put(mapping(number)).await.unwrap();
        let checkpoints = (0..10).map(|partition| {
            let mut checkpoint = checkpoint(number, 1);
            checkpoint.partition = format!("shardId-{partition:012}");
            checkpoint
        });
        store.commit(checkpoints.collect()).await.unwrap();
    }
    drop(store);
    let begin = Instant::now();
    let store = RedbStore::open(directory).unwrap();
    assert_eq!(store.load().await.unwrap().len() as u128, mappings);
    println!(
        "open and load {mappings} mappings and {} checkpoints: {:.1} ms, file of {} KiB",
        mappings * 10,
        begin.elapsed().as_secs_f64() * 1e3,
        store.path().metadata().unwrap().len() / 1024,
    );
}

async fn run(directory: &std::path::Path, writers: u128, checkpoints: bool) {
    let store = Arc::new(RedbStore::open(directory).unwrap());
    let begin = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut done = 0_u64;
                let mut slowest = Duration::ZERO;
                while begin.elapsed() < TIME {
                    let asked = Instant::now();
                    if checkpoints {
                        store.commit(vec![checkpoint(writer, done)]).await.unwrap();
                    } else {
                        let number = writer * 1_000 + u128::from(done % 200);
                        store.put(mapping(number)).await.unwrap();
                    }
                    slowest = slowest.max(asked.elapsed());
                    done += 1;
                }
                (done, slowest)
            })
        })
        .collect();
    let (mut done, mut slowest) = (0, Duration::ZERO);
    for task in tasks {
        let (more, slow) = task.await.unwrap();
        done += more;
        slowest = slowest.max(slow);
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{writers:>3} writers, {:<9} {:>8.0}/s  {:>7.0} transactions/s  slowest {:>6.1} ms",
        if checkpoints {
            "checkpoints"
        } else {
            "mappings"
        },
        done as f64 / seconds,
        store.transactions() as f64 / seconds,
        slowest.as_secs_f64() * 1e3,
    );
}

fn mapping(number: u128) -> StoredMapping {
    let record = serde_json::json!({
        "request": {
            "EventSourceArn": "arn:aws:sqs:eu-central-1:123456789012:orders",
            "FunctionName": "orders",
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 5,
            "FilterCriteria": {"Filters": [{"Pattern": "{\"body\":{\"kind\":[\"order\"]}}"}]},
        },
        "created": 0,
        "last_modified": 0,
    });
    StoredMapping::new(Uuid::from_u128(number), record.to_string())
}

fn checkpoint(mapping: u128, checkpoint: u64) -> StoredCheckpoint {
    let place = format!("49640000000000000000000000000000000000{checkpoint:018}");
    let record = format!(r#"{{"position":"{place}","source_identity":"2026-01-01T00:00:00Z"}}"#);
    let mapping = Uuid::from_u128(mapping);
    StoredCheckpoint::new(mapping, "shardId-000000000000", record, 1)
}
