//! Memory and processor time of a daemon with three mappings of idle queues; the goal is 25 MB and none.
//!
//! `tests/bench sqs`, with `IDLE_SECONDS` and `IDLE_MAPPINGS` in the environment to change how long it is
//! watched, and how many mappings it has. Each keeps one receive open, which is one request a second.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::fs;
use std::time::{Duration, Instant};

use lambda_esm_tests::{Daemon, QueueOptions, Recording, Sqs, until};
use serde_json::json;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(sqs) = Sqs::elasticmq() else { return };
    let seconds = std::env::var("IDLE_SECONDS").map_or(30, |text| text.parse().unwrap());
    let number = std::env::var("IDLE_MAPPINGS").map_or(3, |text| text.parse().unwrap());
    let mut mappings = Vec::new();
    for _ in 0..number {
        let queue = sqs.queue("idle", QueueOptions::default()).await;
        mappings.push(queue.mapping("nothing", json!({})));
    }
    let configuration = json!({
        "endpoints": { "sqs": sqs.endpoint },
        "functions": { "nothing": { "backend": "simulated" } },
        "mappings": mappings,
    });
    let folder = Recording::default();
    let start = Instant::now();
    let daemon = Daemon::start(folder.folder(), &configuration);
    until("all mappings are enabled", async || {
        let lines = daemon.lines();
        let enabled = lines
            .iter()
            .filter(|line| line["status"]["state"] == "Enabled");
        (enabled.count() >= number).then_some(())
    })
    .await;
    println!(
        "{number} mappings shown as enabled after {:?}",
        start.elapsed()
    );
    // What the first polls needed is not idling.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = ticks(daemon.pid());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let used = ticks(daemon.pid()) - before;
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    for line in status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
    {
        println!("{line}");
    }
    // Linux counts a hundred ticks a second, whatever its clock does.
    println!("processor time in {seconds} s: {} ms", used * 10);
    let (status, _) = daemon.stop().await;
    assert!(status.success(), "{status}");
}

/// Returns the processor time that a process has used, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The second field is the name, and may hold anything, also spaces.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11..=12]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum()
}
