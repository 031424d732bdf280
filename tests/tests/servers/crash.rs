//! The daemon is killed again and again, and loses nothing.

use std::time::Duration;

use lambda_esm_tests::{Daemon, Python, QueueOptions, Recording, Sqs, processes_with, until};
use serde_json::json;

const KILLS: usize = 20;
/// More than a daemon handles between two kills, so that each kill hits batches in flight.
const EACH: usize = 200;
const BATCH: usize = 5;
const CONCURRENCY: usize = 2;
const SEED: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_killed_twenty_times_loses_no_message() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let visibility_timeout = Duration::from_secs(10);
    let queue = sqs
        .queue(
            "killed",
            QueueOptions {
                visibility_timeout,
                ..Default::default()
            },
        )
        .await;
    let recording = Recording::default();
    let marker = recording.file().display().to_string();
    let configuration = json!({
        "endpoints": { "sqs": sqs.endpoint },
        "functions": { "record": python.section("record.handler", &recording, &[("SLEEP_MS", "40")]) },
        "mappings": [queue.mapping("record", json!({ "BatchSize": BATCH }))],
    });
    let mut random = fastrand::Rng::with_seed(SEED);
    for round in 0..KILLS {
        queue
            .send((0..EACH).map(|number| format!("{round}-{number}")))
            .await;
        let before = recording.size();
        let daemon = Daemon::start(recording.folder(), &configuration);
        until("the function is called", async || {
            (recording.size() > before).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(random.u64(0..500))).await;
        daemon.kill().await;
        until("the killed daemon's functions end", async || {
            processes_with(&marker).is_empty().then_some(())
        })
        .await;
    }
    let daemon = Daemon::start(recording.folder(), &configuration);
    queue.until_empty().await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");

    let seen = recording.times_seen();
    let sent =
        (0..KILLS).flat_map(|round| (0..EACH).map(move |number| format!("{round}-{number}")));
    let lost: Vec<String> = sent.filter(|body| !seen.contains_key(body)).collect();
    assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
    assert_eq!(seen.len(), KILLS * EACH);
    let again = seen.values().sum::<usize>() - seen.len();
    println!(
        "{} messages, {KILLS} kills, {again} handled again",
        seen.len()
    );
    let bound = KILLS * CONCURRENCY * BATCH;
    assert!(
        again <= bound,
        "{again} handled again, but only {bound} were in flight at a kill"
    );
    assert!(again > 0, "no kill hit a batch in flight");
}
