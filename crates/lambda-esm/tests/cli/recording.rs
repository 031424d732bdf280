//! `run --record`, and `record` of the configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::daemon::{Daemon, wait_for};
use crate::fake_sqs::FakeSqs;
use crate::support::{file, lambda_esm};

/// One mapping from a queue to a function that does nothing.
fn configuration(name: &str, queue: &str, record: &str) -> String {
    let text = format!(
        "endpoints: {{sqs: '{queue}'}}\nfunctions: {{f: {{backend: simulated}}}}\nmappings:\n  \
         - {{EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders', FunctionName: f}}\n{record}"
    );
    file(name, &text)
}

/// A folder that is not there yet.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&path));
    path
}

/// Runs a daemon until so many messages are deleted, and returns the one recording with its lines.
fn recorded(
    arguments: &[&str],
    queue: &FakeSqs,
    messages: usize,
    folder: &Path,
) -> (PathBuf, Vec<Value>) {
    let daemon = Daemon::start(arguments);
    queue.wait_for_deleted(messages);
    daemon.signal("-TERM");
    let told = wait_for(&daemon.err, |line| line.contains(" recorded "));
    assert_eq!(daemon.code(), Some(0), "{told}");
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [path] = &files[..] else {
        panic!("{files:?}");
    };
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (path.clone(), lines.collect())
}

#[test]
fn what_a_queue_delivers_is_recorded_and_measured_with_filters() {
    let queue = FakeSqs::with(&[r#"{"kind":"order"}"#, r#"{"kind":"refund"}"#]);
    let folder = folder("recorded");
    let config = configuration("record.yaml", &queue.url, "");
    let arguments = [config.as_str(), "--record", folder.to_str().unwrap()];
    let (path, lines) = recorded(&arguments, &queue, 2, &folder);
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("orders-f-20") && name.ends_with("Z.jsonl"),
        "{name}"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    assert_eq!(lines[0]["kind"], json!("sqs"));
    let mut bodies: Vec<&Value> = lines[1..]
        .iter()
        .map(|line| &line["record"]["body"])
        .collect();
    bodies.sort_by_key(|body| body.to_string());
    assert_eq!(
        bodies,
        [
            &json!(r#"{"kind":"order"}"#),
            &json!(r#"{"kind":"refund"}"#)
        ]
    );
    assert_eq!(lines[1]["record"]["receiptHandle"], json!(""));

    let pattern = r#"{"body":{"kind":["order"]}}"#;
    let said = lambda_esm(&[
        "filter",
        "test",
        "-p",
        pattern,
        "--samples",
        path.to_str().unwrap(),
    ]);
    assert!(
        said.out.starts_with("1 of 2 samples match (50.0 %)\n"),
        "{}{}",
        said.out,
        said.err
    );
}

#[test]
fn the_configuration_says_what_is_kept() {
    let queue = FakeSqs::with(&[r#"{"card":"4111","n":1}"#]);
    let folder = folder("redacted");
    let record = format!(
        "record: {{folder: '{}', redact: [body.card]}}\n",
        folder.display()
    );
    let config = configuration("redact.yaml", &queue.url, &record);
    let said = lambda_esm(&["check", &config]);
    let told = format!(
        "recording       records without body.card, into {}, at most 100 MB for each mapping\n",
        folder.display()
    );
    assert!(said.out.contains(&told), "{}{}", said.out, said.err);
    let (_, lines) = recorded(&[&config], &queue, 1, &folder);
    assert_eq!(
        lines[1]["record"]["body"],
        json!(r#"{"card":"REDACTED","n":1}"#)
    );
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    for (name, record, told) in [
        (
            "root",
            "{folder: r, redact: [customer.email]}",
            "record.redact[0]: \"customer.email\" is at no place of any source's records",
        ),
        (
            "kind",
            "{folder: r, redact: [dynamodb.NewImage.a]}",
            "is at no place of the records that these mappings read",
        ),
        ("folder", "{payloads: false}", "record.folder"),
        ("limit", "{folder: r, limit_mb: 0}", "record.limit_mb"),
        (
            "unknown",
            "{folder: r, payload: false}",
            "record.payload: unknown key",
        ),
    ] {
        let name = format!("record-{name}.yaml");
        let config = configuration(&name, "http://127.0.0.1:1", &format!("record: {record}\n"));
        let said = lambda_esm(&["check", &config]);
        assert_eq!(said.code, 2, "{name}: {}", said.out);
        assert!(said.err.contains(told), "{name}: {}", said.err);
    }
}

#[test]
fn a_folder_that_cannot_be_made_ends_the_daemon_before_it_reads() {
    let queue = FakeSqs::with(&["a"]);
    let config = configuration("no-folder.yaml", &queue.url, "");
    let below_a_file = format!("{config}/recordings");
    let said = lambda_esm(&["run", &config, "--record", &below_a_file]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("cannot be made"), "{}", said.err);
    assert_eq!(queue.deleted(), Vec::<String>::new());
}
