//! `SIGTERM` stops the daemon in order.

use lambda_esm_tests::{
    Daemon, Depth, Invocation, Python, Queue, QueueOptions, Recording, Sqs, processes_with, until,
};
use serde_json::{Value, json};

const MESSAGES: usize = 20;

/// A daemon with a queue full of messages and a function that handles one at a time, two at once.
struct Setting {
    daemon: Daemon,
    queue: Queue,
    recording: Recording,
}

impl Setting {
    /// Returns when two invocations are under way, or says that the test is skipped.
    async fn two_under_way(sleep_ms: &str, drain_seconds: u32) -> Option<Self> {
        let (sqs, python) = (Sqs::elasticmq()?, Python::find()?);
        let queue = sqs.queue("stopping", QueueOptions::default()).await;
        queue
            .send((0..MESSAGES).map(|number| number.to_string()))
            .await;
        let recording = Recording::default();
        let mut function = python.section("slow.handler", &recording, &[("SLEEP_MS", sleep_ms)]);
        function["timeout"] = json!(300);
        let configuration = json!({
            "drain_seconds": drain_seconds,
            "endpoints": { "sqs": sqs.endpoint },
            "functions": { "slow": function },
            "mappings": [queue.mapping("slow", json!({ "BatchSize": 1 }))],
        });
        let daemon = Daemon::start(recording.folder(), &configuration);
        until("two invocations begin", async || {
            (recording.invocations().len() >= 2).then_some(())
        })
        .await;
        Some(Self {
            daemon,
            queue,
            recording,
        })
    }
}

fn count(invocations: &[Invocation], phase: &str) -> usize {
    invocations
        .iter()
        .filter(|invocation| invocation.phase == phase)
        .count()
}

fn count_decisions(lines: &[Value], decision: &str) -> usize {
    lines
        .iter()
        .filter(|line| line["event"]["decision"] == decision)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_what_is_in_flight_and_exits_with_success() {
    let Some(setting) = Setting::two_under_way("3000", 60).await else {
        return;
    };
    let (status, lines) = setting.daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    let invocations = setting.recording.invocations();
    let handled = count(&invocations, "start");
    assert_eq!(
        count(&invocations, "end"),
        handled,
        "cut off: {invocations:?}"
    );
    assert!(handled < MESSAGES, "it went on reading");
    assert_eq!(count_decisions(&lines, "succeeded"), handled);
    assert_eq!(
        setting.queue.depth().await,
        Depth {
            visible: MESSAGES - handled,
            in_flight: 0
        }
    );
    let left = processes_with(&setting.recording.file().display().to_string());
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invocation_that_outlasts_the_bound_is_cut_off_and_its_message_kept() {
    let Some(setting) = Setting::two_under_way("290000", 1).await else {
        return;
    };
    let (status, _) = setting.daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(count(&setting.recording.invocations(), "end"), 0);
    let depth = setting.queue.depth().await;
    assert_eq!(depth.visible + depth.in_flight, MESSAGES, "{depth:?}");
    let left = processes_with(&setting.recording.file().display().to_string());
    assert!(left.is_empty(), "left behind: {left:?}");
}
