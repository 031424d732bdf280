//! What a thousand mappings cost: in one engine on queues in memory, and in a daemon that kept them.
//!
//! `tests/bench sqs`, with `MANY` in the environment to change their number.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::{Duration, Instant};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use lambda_esm::functions::Closure;
use lambda_esm::lifecycle::State;
use lambda_esm::memory::{MemoryQueue, MemoryQueueOptions};
use lambda_esm::{Clock, Engine};
use lambda_esm_tests::{Daemon, QueueOptions, Recording, Sqs, resident};
use serde_json::json;

const CLIENTS: usize = 8;

fn main() {
    let many = std::env::var("MANY").map_or(1000, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(in_one_engine(many));
    runtime.block_on(kept_by_a_daemon(many));
}

async fn in_one_engine(many: usize) {
    let clock = Clock::system();
    let queues: Vec<MemoryQueue> = (0..many)
        .map(|_| MemoryQueue::new(clock, MemoryQueueOptions::default()))
        .collect();
    let mut builder = Engine::builder()
        .clock(clock)
        .invoke(Closure::new(|_| async { Ok(Bytes::new()) }));
    for (number, queue) in queues.iter().enumerate() {
        builder = builder.source(format!("queue-{number}"), queue.clone());
    }
    let engine = builder.build();
    let own = std::process::id();
    let (before, start) = (resident(own), Instant::now());
    for number in 0..many {
        let request = json!({
            "EventSourceArn": format!("arn:aws:sqs:us-east-1:000000000000:queue-{number}"),
            "FunctionName": "nothing",
        });
        let request = serde_json::from_value(request).unwrap();
        engine.create(request).await.unwrap();
    }
    let created = start.elapsed();
    while engine
        .status()
        .iter()
        .any(|each| each.state != State::Enabled || each.activity.receives == 0)
    {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let ready = start.elapsed();
    // What the first polls needed shows only after them.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = resident(own) - before;
    println!(
        "{many} idle mappings in one engine: created after {created:?}, all enabled and polling after {ready:?}, \
         {used} KiB more resident, {:.1} KiB each",
        used as f64 / many as f64
    );
    engine.shutdown().await;
}

/// Mappings that are disabled, so that the queue server has no part in the time.
async fn kept_by_a_daemon(many: usize) {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let queue = sqs.queue("kept", QueueOptions::default()).await;
    let folder = Recording::default();
    let configuration = json!({
        "api": { "listen": "127.0.0.1:0" },
        "state_dir": "state",
        "endpoints": { "sqs": sqs.endpoint },
        "functions": { "*": { "backend": "simulated" } },
    });
    let start = Instant::now();
    let daemon = Daemon::start(folder.folder(), &configuration);
    let client = client(&daemon.api().await);
    println!(
        "daemon without mappings: ready after {:?}, {} KiB resident",
        start.elapsed(),
        daemon.resident()
    );
    let create = |number| {
        client
            .create_event_source_mapping()
            .function_name(format!("f-{number}"))
            .event_source_arn(queue.arn())
            .enabled(false)
            .send()
    };
    let start = Instant::now();
    let creations = stream::iter((0..many).map(create)).buffer_unordered(CLIENTS);
    creations.for_each(async |made| drop(made.unwrap())).await;
    println!(
        "{many} mappings created through the API after {:?}",
        start.elapsed()
    );
    daemon.kill().await;

    let start = Instant::now();
    let daemon = Daemon::start(folder.folder(), &configuration);
    daemon.api().await;
    println!(
        "daemon that kept {many} mappings: ready after {:?}, {} KiB resident",
        start.elapsed(),
        daemon.resident()
    );
    let (status, _) = daemon.stop().await;
    assert!(status.success(), "{status}");
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    Client::from_conf(config)
}
