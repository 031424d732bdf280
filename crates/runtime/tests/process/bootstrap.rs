//! A custom runtime in a shell script. Needs bash and curl; the test says so and passes without them.

use std::path::Path;
use std::time::Duration;

use lambda_esm_runtime::process::ProcessConfig;
use serde_json::json;

use crate::support::{backend, config, invoke};

/// The script beside this file, or `None` with a note if it cannot run here.
fn bootstrap() -> Option<ProcessConfig> {
    let has = |program: &str| {
        let version = std::process::Command::new(program)
            .arg("--version")
            .output();
        version.is_ok_and(|output| output.status.success())
    };
    if !["bash", "curl", "timeout"].into_iter().all(has) {
        eprintln!("skipped: there is no bash, no curl or no timeout");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/bootstrap.sh");
    let command = ["bash".to_owned(), script.display().to_string()].to_vec();
    Some(config(command).with_timeout(Duration::from_secs(60)))
}

#[tokio::test]
async fn a_shell_script_that_runs_a_program_for_every_call_is_a_runtime() {
    let Some(config) = bootstrap() else {
        return;
    };
    let backend = backend(config);
    for n in 0..5 {
        let response = invoke(&backend, json!({ "n": n })).await.unwrap();
        assert_eq!(response, json!({ "event": { "n": n } }));
    }
}
