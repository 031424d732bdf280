//! A mapping in trouble says so, tries again, and leaves the others alone.

use std::net::TcpListener;

use lambda_esm_tests::{Daemon, Python, Queue, QueueOptions, Recording, Sqs, until};
use serde_json::{Value, json};

/// Returns the problem that the daemon last showed for a queue.
fn problem(lines: &[Value], queue: &Queue) -> Option<String> {
    let of_queue = |line: &&Value| line["status"]["source"] == queue.arn().as_str();
    let last = lines.iter().rfind(of_queue)?;
    last["status"]["problem"].as_str().map(str::to_owned)
}

/// Returns an endpoint where nobody listens.
fn closed_endpoint() -> String {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_queue_and_an_unreachable_endpoint_are_shown_while_other_mappings_go_on() {
    let (Some(sqs), Some(python)) = (Sqs::elasticmq(), Python::find()) else {
        return;
    };
    let good = sqs.queue("good", QueueOptions::default()).await;
    let missing = sqs.queue("missing", QueueOptions::default()).await;
    sqs.client
        .delete_queue()
        .queue_url(&missing.url)
        .send()
        .await
        .unwrap();
    let unreachable = sqs.queue("unreachable", QueueOptions::default()).await;
    let nowhere = closed_endpoint();
    let recording = Recording::default();
    let mapping = |queue: &Queue| queue.mapping("record", json!({}));
    let configuration = json!({
        "endpoints": { "sqs": sqs.endpoint, "arns": { (unreachable.arn()): nowhere } },
        "functions": { "record": python.section("record.handler", &recording, &[]) },
        "mappings": [mapping(&missing), mapping(&unreachable), mapping(&good)],
    });
    let daemon = Daemon::start(recording.folder(), &configuration);
    let shown = until("both problems are shown", async || {
        let lines = daemon.lines();
        problem(&lines, &missing).zip(problem(&lines, &unreachable))
    })
    .await;
    assert!(shown.0.contains(&missing.name), "{}", shown.0);
    assert!(shown.0.contains("does not exist"), "{}", shown.0);
    assert!(shown.1.contains(&nowhere), "{}", shown.1);

    good.send((0..100).map(|number| format!("good {number}")))
        .await;
    good.until_empty().await;
    let made = missing.create_again(QueueOptions::default()).await;
    made.send((0..10).map(|number| format!("late {number}")))
        .await;
    made.until_empty().await;
    until("the problem is gone", async || {
        problem(&daemon.lines(), &made).is_none().then_some(())
    })
    .await;
    let (status, lines) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(problem(&lines, &unreachable).is_some());
    let seen = recording.times_seen();
    assert_eq!(seen.len(), 110, "{seen:?}");
    assert!(seen.values().all(|&times| times == 1), "{seen:?}");
}
