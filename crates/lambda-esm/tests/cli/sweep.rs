//! `sweep`: many configurations of a scenario, and one recommended change.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Said, command, file, lambda_esm};

const SCENARIO: &str = "\
name: notifications
duration: 20s
sources:
  notifications: { kind: sqs, visibility_timeout: 2m, arrivals: { poisson: 5/s } }
functions:
  notify: { duration: 50ms, timeout: 20 }
mappings:
  - EventSourceArn: arn:aws:sqs:us-east-1:000000000000:notifications
    FunctionName: notify
    BatchSize: 1
expect:
  p99: \"< 3s\"
";

const SWEEP: &str = "\
sweep:
  rank: invocations
  set: { BatchSize: [1, 10, 20], MaximumBatchingWindowInSeconds: [0, 1] }
";

fn sweep(name: &str, text: &str, arguments: &[&str]) -> Said {
    let path = file(name, text);
    lambda_esm(&[&["sweep", path.as_str()], arguments].concat())
}

#[test]
fn one_change_is_recommended_and_a_pipe_has_no_progress() {
    let page = file("sweep.html", "");
    let text = format!("{SCENARIO}{SWEEP}");
    let said = sweep("sweep-change.yaml", &text, &["--html", &page]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let wanted = [
        "✓  Change BatchSize 1 → ",
        "-   \"BatchSize\": 1,",
        "aws lambda update-event-source-mapping",
        "as today",
        "window in seconds must be greater than 0",
    ];
    for part in wanted {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("<svg"),
        "{page}"
    );
}

#[test]
fn json_is_complete_and_the_same_on_any_number_of_threads() {
    let text = format!("{SCENARIO}{SWEEP}");
    let told = |jobs: &str| {
        let name = format!("sweep-json-{jobs}.yaml");
        sweep(&name, &text, &["--json", "--jobs", jobs])
    };
    let (alone, many) = (told("1"), told("3"));
    assert_eq!((alone.code, &alone.out), (0, &many.out), "{}", alone.err);
    let report: Value = alone.json().remove(0);
    assert_eq!(report["objective"]["metric"], json!("invocations"));
    assert_eq!(report["configurations"].as_array().map(Vec::len), Some(6));
    assert_eq!(report["configurations"][4]["result"], json!("refused"));
    assert_eq!(report["verdict"]["verdict"], json!("change"));
    assert_eq!(report["verdict"]["seeds"].as_array().map(Vec::len), Some(5));
}

#[test]
fn the_command_line_takes_the_place_of_what_the_scenario_sweeps() {
    let text = format!("{SCENARIO}{SWEEP}");
    let arguments = [
        "--set",
        "memory_mb=256,512",
        "--cpu-share",
        "0.5",
        "--rank",
        "fastest",
        "--json",
    ];
    let said = sweep("sweep-set.yaml", &text, &arguments);
    let report = said.json().remove(0);
    assert_eq!(report["parameters"], json!(["memory_mb"]), "{}", said.err);
    assert_eq!(report["objective"]["metric"], json!("p99"));
    let changes = &report["verdict"]["changes"];
    assert_eq!(changes[0]["to"], json!(512), "{report}");
}

#[test]
fn where_nothing_fits_it_says_so_and_fails() {
    let arguments = [
        "--set",
        "BatchSize=2,5",
        "--where",
        "p99 < 1ms",
        "--where",
        "invocations < 1000",
    ];
    let said = sweep("sweep-nothing.yaml", SCENARIO, &arguments);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.out.contains("✗  Nothing fulfils the constraints."),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("The hardest is p99 latency < 1.0 ms"),
        "{}",
        said.out
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let cases: [(&[&str], &str); 8] = [
        (&[], "--set BatchSize=10,100,1000"),
        (&["--set", "BatchSize"], "for example BatchSize=10,100,1000"),
        (&["--set", "Batchsize=1"], "did you mean BatchSize?"),
        (&["--set", "BatchSize=1", "--where", "p99"], "\"p99 < 5s\""),
        (
            &["--set", "BatchSize=1", "--rank", "best"],
            "cheapest, fastest",
        ),
        (&["--set", "memory_mb=256"], "--cpu-share"),
        (&["--set", "shards=2"], "no source has that"),
        (
            &["--set", "mappings[3].BatchSize=1"],
            "the first is mappings[0]",
        ),
    ];
    for (number, (arguments, wanted)) in cases.into_iter().enumerate() {
        let said = sweep(&format!("sweep-wrong-{number}.yaml"), SCENARIO, arguments);
        assert_eq!(said.code, 64, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(wanted), "{arguments:?}: {}", said.err);
    }
}

/// Tells whether a process has a handler for SIGINT.
fn listens(process: u32) -> bool {
    let status = Path::new("/proc").join(process.to_string()).join("status");
    let status = fs::read_to_string(status).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
    caught & (1 << 1) != 0
}

#[test]
fn after_ctrl_c_what_is_done_is_ranked() {
    let path = file("sweep-stopped.yaml", &SCENARIO.replace("20s", "10m"));
    let sizes = r#"BatchSize={"from":1,"to":10,"steps":10}"#;
    let windows = r#"MaximumBatchingWindowInSeconds={"from":0,"to":299,"steps":300}"#;
    let child = command(&[
        "sweep", &path, "--set", sizes, "--set", windows, "--jobs", "1",
    ])
    .stdin(Stdio::null())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    while !listens(child.id()) {
        thread::sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let said = child.wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8(said.stdout).unwrap(),
        String::from_utf8(said.stderr).unwrap(),
    );
    assert_eq!(said.status.code(), Some(1), "{err}");
    assert!(out.contains("not tried, as it was stopped"), "{out}");
    assert!(err.contains("it was stopped"), "{err}");
}
