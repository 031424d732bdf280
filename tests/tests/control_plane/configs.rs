//! The ready-to-run configurations of streams do what they say. What is changed in them is where the servers are,
//! and names, since servers are shared with other tests.

use std::fs;
use std::path::{Path, PathBuf};

use lambda_esm_tests::streams::{Streams, Table};
use lambda_esm_tests::{Daemon, QueueOptions, Recording, Sqs, binary, ministack, until, variable};
use serde_json::{Value, json};
use tokio::process::Command;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config");

/// Writes a configuration into `folder`, with each of the texts replaced by another.
fn adapted(folder: &Path, name: &str, replaced: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(Path::new(CONFIG).join(name)).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from} is not in {name}");
        text = text.replace(from, to);
    }
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file
}

/// Returns the decisions of one kind that a daemon has printed.
fn decisions(daemon: &Daemon, kind: &str) -> Vec<Value> {
    let lines = daemon.lines().into_iter();
    let decisions = lines.map(|mut line| line["event"].take());
    decisions
        .filter(|event| event["decision"] == kind)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_are_counted_in_windows_and_one_that_is_none_is_told_to_the_queue() {
    let (Some(endpoint), Some(kinesis), Some(python)) = (
        ministack(),
        Streams::ministack_kinesis(),
        variable("LAMBDA_ESM_TEST_PYTHON"),
    ) else {
        return;
    };
    let stream = kinesis.kinesis("clicks", 2).await;
    let failed = Sqs::at(&endpoint)
        .queue("clicks-failed", QueueOptions::default())
        .await;
    let folder = Recording::default();
    let functions = format!("working_dir: {CONFIG}/functions");
    let command = format!("command: [{python},");
    let replaced = [
        ("http://127.0.0.1:4566", endpoint.as_str()),
        ("stream/clicks", &format!("stream/{}", stream.name)),
        ("000:clicks-failed", &format!("000:{}", failed.name)),
        ("working_dir: functions", &functions),
        ("command: [python3,", &command),
        // A minute of waiting less.
        ("TumblingWindowInSeconds: 10", "TumblingWindowInSeconds: 1"),
    ];
    let daemon = Daemon::run(&adapted(folder.folder(), "kinesis.yaml", &replaced));
    let click = |page: &str| ("visitor".to_owned(), json!({ "page": page }));
    let none = ("visitor".to_owned(), json!("no click"));
    stream
        .put(&[click("/"), click("/tea"), none, click("/")])
        .await;

    let told = until("the queue is told", async || failed.bodies().await.pop()).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(
        told["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    until("the window is over", async || {
        decisions(&daemon, "window_ending").pop()
    })
    .await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

/// Runs `lambda-esm mappings` with the options that the configuration's comment gives.
async fn create_mapping(endpoint: &str, table: &Table, queue: &str) -> Value {
    let set = |setting: &str| ["--set".to_owned(), setting.to_owned()];
    let filters =
        r#"FilterCriteria={"Filters": [{"Pattern": "{\"eventName\": [\"INSERT\", \"MODIFY\"]}"}]}"#;
    let destination = format!(
        r#"DestinationConfig={{"OnFailure": {{"Destination": "arn:aws:sqs:us-east-1:000000000000:{queue}"}}}}"#
    );
    let created = Command::new(binary())
        .args(["mappings", "--endpoint", endpoint, "create", "--source"])
        .arg(table.arn.replace(":ddblocal:", ":us-east-1:"))
        .args(["--function", "index-users"])
        .args(set("StartingPosition=TRIM_HORIZON"))
        .args(set("ParallelizationFactor=4"))
        .args(set("MaximumRetryAttempts=2"))
        .args(set("BisectBatchOnFunctionError=true"))
        .args(set(filters))
        .args(set(&destination))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&created.stderr);
    assert!(created.status.success(), "{said}");
    serde_json::from_slice(&created.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_of_a_table_is_mapped_once_the_table_is_there() {
    let (Some(dynamodb), Some(sqs)) = (Streams::dynamodb_local(), Sqs::elasticmq()) else {
        return;
    };
    let folder = Recording::default();
    let replaced = [
        ("http://127.0.0.1:8000", dynamodb.endpoint.as_str()),
        ("http://127.0.0.1:9324", &sqs.endpoint),
        ("api: {} ", "api: {listen: '127.0.0.1:0'} "),
    ];
    let daemon = Daemon::run(&adapted(folder.folder(), "dynamodb.yaml", &replaced));
    let endpoint = daemon.api().await;
    let table = dynamodb.table("users").await;
    let failed = sqs.queue("users-failed", QueueOptions::default()).await;
    let created = create_mapping(&endpoint, &table, &failed.name).await;
    assert_eq!(created["ParallelizationFactor"], 4);
    for (key, name) in [("1", "Ada"), ("2", "Grace"), ("3", "Edsger")] {
        let item = json!({ "id": { "S": key }, "name": { "S": name } });
        table.put_item(item).await;
    }
    // One call in ten fails, and what fails three times is told to the queue.
    until("all changes are settled", async || {
        let of = |kind| decisions(&daemon, kind).into_iter();
        let settled = of("succeeded").chain(of("delivered"));
        let records = settled.filter_map(|event| event["records"].as_u64());
        (records.sum::<u64>() == 3).then_some(())
    })
    .await;
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
}
