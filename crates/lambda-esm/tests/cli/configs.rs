//! The ready-to-run configurations.

use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::{Daemon, wait_for};
use crate::support::{file, lambda_esm};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// Returns the configurations in the order of their names.
fn configurations() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_configuration = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let mut paths: Vec<_> = paths.filter(is_configuration).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn every_ready_to_run_configuration_is_valid() {
    let configurations = configurations();
    for path in &configurations {
        let said = lambda_esm(&["check", path.to_str().unwrap()]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let names: Vec<_> = configurations.iter().map(|path| name(path)).collect();
    assert_eq!(
        names,
        [
            "activemq.yaml",
            "documentdb.yaml",
            "dynamodb.yaml",
            "kafka-msk.yaml",
            "kafka.yaml",
            "kinesis.yaml",
            "rabbitmq.yaml",
            "simulated.yaml",
            "sqs-lambda-api.yaml",
            "sqs-process.yaml"
        ]
    );
}

#[test]
fn the_configurations_of_the_readme_are_valid() {
    let readme = fs::read_to_string(folder().join("../README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let mut checked = 0;
    for block in blocks.filter(|block| block.contains("mappings:")) {
        checked += 1;
        let said = lambda_esm(&["check", &file(&format!("readme-{checked}.yaml"), block)]);
        assert_eq!(said.code, 0, "{block}\n{}", said.err);
    }
    assert_eq!(checked, 6);
}

#[test]
fn every_ready_to_run_configuration_starts_without_its_servers_and_stops() {
    // Copies, since some keep their state beside themselves, and the usual ports may be taken.
    let handlers = folder().join("functions").canonicalize().unwrap();
    for path in configurations() {
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .replace("http://127.0.0.1:", "http://127.0.0.1:1/")
            .replace("127.0.0.1:909", "127.0.0.1:")
            .replace("api: {}", "api: {listen: '127.0.0.1:0'}")
            .replace(
                "working_dir: functions",
                &format!("working_dir: {}", handlers.display()),
            )
            .replace(
                "state_dir: state",
                &format!("state_dir: state-of-{}", name(&path)),
            );
        let daemon = Daemon::start(&[&file(&format!("copy-of-{}", name(&path)), &text)]);
        wait_for(&daemon.err, |line| line.contains("running; Ctrl-C stops"));
        daemon.signal("-TERM");
        assert_eq!(daemon.code(), Some(0), "{}", path.display());
    }
}
