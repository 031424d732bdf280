//! A daemon that is killed again and again.

use std::time::Duration;

use lambda_esm_tests::streams::Streams;
use lambda_esm_tests::{Daemon, Python, Recording, processes_with, until};
use serde_json::{Value, json};

/// A daemon with one mapping to `stream_record.py`, and what its function was given.
pub(crate) struct Killed {
    pub(crate) recording: Recording,
    /// The daemon's configuration.
    pub(crate) configuration: Value,
    random: fastrand::Rng,
    /// The longest time from an invocation to the kill.
    longest: Duration,
}

impl Killed {
    /// Returns a daemon that does not run yet, whose function takes 20 ms and runs four times at once.
    pub(crate) fn new(
        streams: &Streams,
        python: &Python,
        arn: &str,
        members: &Value,
        seed: u64,
        longest: Duration,
    ) -> Self {
        let recording = Recording::default();
        let environment = [("SLEEP_MS", "20")];
        let mut function = python.section("stream_record.handler", &recording, &environment);
        function["concurrency"] = json!(4);
        let mut mapping = json!({
            "EventSourceArn": arn,
            "FunctionName": "record",
            "StartingPosition": "TRIM_HORIZON",
        });
        let members = members.as_object().unwrap().clone();
        mapping.as_object_mut().unwrap().extend(members);
        let service = if streams.is_dynamodb() {
            "dynamodb"
        } else {
            "kinesis"
        };
        Self {
            recording,
            configuration: json!({
                "state_dir": "state",
                // Idle shards are asked once a second: kinesis-local does one thing at a time.
                "pacing": "aws",
                "endpoints": { (service): streams.endpoint },
                "functions": { "record": function },
                "mappings": [mapping],
            }),
            random: fastrand::Rng::with_seed(seed),
            longest,
        }
    }

    /// Runs it, kills it at a random time after its function was called, and starts it again, as long as there
    /// is `more`. Returns how often it was killed, and the daemon that goes on.
    pub(crate) async fn run(&mut self, more: impl Fn(usize) -> bool) -> (usize, Daemon) {
        let marker = self.recording.file().display().to_string();
        let mut kills = 0;
        loop {
            let before = self.recording.size();
            self.configuration["functions"]["record"]["env"]["RUN"] = json!(kills.to_string());
            let daemon = Daemon::start(self.recording.folder(), &self.configuration);
            if !more(kills) {
                return (kills, daemon);
            }
            until("the function is called", async || {
                (self.recording.size() > before || !more(kills)).then_some(())
            })
            .await;
            tokio::time::sleep(self.longest.mul_f64(self.random.f64())).await;
            daemon.kill().await;
            kills += 1;
            until("the killed daemon's functions end", async || {
                processes_with(&marker).is_empty().then_some(())
            })
            .await;
        }
    }
}
