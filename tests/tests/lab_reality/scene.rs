//! A configuration and a scenario of the same thing, and what came of both.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lambda_esm_tests::{FUNCTIONS, Python, Recording, binary};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// How long a command may take: far longer than it ever does.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long records arrive, and how much of that is warm-up.
pub(crate) const SECONDS: u64 = 40;
const WARM_UP: u64 = 10;
/// How long records arrive in a simulation, which has no warm-up: so long that how it begins shows in no figure.
const SIMULATED_SECONDS: u64 = 600;
/// More processes than are ever needed at a time.
const PROCESSES: u64 = 12;

/// What is to be tried with real servers and in a simulation.
pub(crate) struct Scene {
    pub(crate) endpoints: Value,
    /// The source as a scenario has it, with its arrivals.
    pub(crate) source: (String, Value),
    pub(crate) mapping: Value,
}

impl Scene {
    /// Runs `load`, and returns its report. The function sleeps for 50 ms.
    pub(crate) async fn load(&self, python: &Python, folder: &Path, more: &[&str]) -> Value {
        let function = json!({
            "backend": "process",
            "command": [python.program(), "-m", "awslambdaric", "sleeper.handler"],
            "working_dir": FUNCTIONS,
            "timeout": 10,
            "concurrency": PROCESSES,
            "env": { "SLEEP_MS": "50" },
        });
        let configuration = json!({
            "pacing": "aws",
            "endpoints": self.endpoints,
            "functions": { "sleeper": function },
            "mappings": [self.mapping],
        });
        let scenario = self.scenario(SECONDS, &json!("50ms"), None);
        let config = written(folder, "config.json", &configuration);
        let scenario = written(folder, "scenario.json", &scenario);
        let warm_up = format!("{WARM_UP}s");
        let mut arguments = vec!["load", &config, "--scenario", &scenario];
        arguments.push("--json");
        if more.is_empty() {
            arguments.extend(["--warm-up", &warm_up]);
        }
        arguments.extend(more);
        run(&arguments).await
    }

    /// Simulates the same, with a function and calls of the source that take as long as the real ones did.
    pub(crate) async fn simulate(&self, folder: &Path, measured: &Value) -> Value {
        let duration = distribution(&measured["functions"][0]["duration"]);
        let calls = distribution(&measured["sources"][0]["call_time"]);
        let scenario = self.scenario(SIMULATED_SECONDS, &duration, Some(&calls));
        let scenario = written(folder, "simulated.json", &scenario);
        run(&["simulate", &scenario, "--json"]).await
    }

    /// Returns the scenario in which records arrive for so many seconds, with a function and calls that take so long.
    pub(crate) fn scenario(
        &self,
        seconds: u64,
        duration: &Value,
        call_time: Option<&Value>,
    ) -> Value {
        let (name, mut source) = self.source.clone();
        if let Some(call_time) = call_time {
            source["call_time"] = call_time.clone();
        }
        json!({
            "name": "reality",
            "duration": format!("{seconds}s"),
            "drain": "60s",
            "sources": { name: source },
            "functions": { "sleeper": { "duration": duration, "timeout": 10 } },
            "mappings": [self.mapping],
        })
    }
}

/// Returns the distribution of durations of which a report tells.
fn distribution(took: &Value) -> Value {
    let (p50, p99) = (&took["p50"], &took["p99"]);
    json!({ "p50": format!("{p50}ms"), "p99": format!("{p99}ms") })
}

pub(crate) fn written(folder: &Path, name: &str, value: &Value) -> String {
    let file = folder.join(name);
    fs::write(&file, value.to_string()).unwrap();
    file.display().to_string()
}

/// Runs the command, and returns what it prints.
pub(crate) async fn run(arguments: &[&str]) -> Value {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{arguments:?} took longer than {PATIENCE:?}"));
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns a folder for files, and Python; or says that the test is skipped.
pub(crate) fn stage() -> Option<(Recording, Python)> {
    Some((Recording::default(), Python::find()?))
}
