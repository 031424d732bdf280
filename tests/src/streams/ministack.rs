//! A ministack of a test's own, whose clock is wrong.

use std::process::Stdio;

use serde_json::json;
use tokio::process::{Child, Command};

use super::json::JsonClient;
use super::server::Streams;
use crate::ports::free_ports;
use crate::recording::Recording;
use crate::servers::variable;
use crate::wait::until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/run_ministack.py");

/// A server whose clock is ahead or behind. Killed when dropped.
#[derive(Debug)]
pub struct Ministack {
    _process: Child,
    _folder: Recording,
    endpoint: String,
}

impl Ministack {
    /// Starts one whose clock is so many seconds ahead, or says that the test is skipped. Its Kinesis iterators
    /// expire after two seconds.
    pub async fn ahead(seconds: i64) -> Option<Self> {
        let python = variable("LAMBDA_ESM_TEST_PYTHON")?;
        let faketime = variable("LAMBDA_ESM_TEST_FAKETIME")?;
        let folder = Recording::default();
        let [port] = free_ports();
        let process = Command::new(python)
            .arg(SCRIPT)
            .env("LD_PRELOAD", faketime)
            .env("FAKETIME", format!("{seconds:+}s"))
            .env("KINESIS_ITERATOR_SECONDS", "2")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("TMPDIR", folder.folder())
            .env("LOG_LEVEL", "WARNING")
            .env("SERVICES", "kinesis,dynamodb,dynamodbstreams")
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        let client = JsonClient::new(&endpoint);
        let nothing = json!({});
        until("ministack answers", async || {
            let answer = client.send("DynamoDB_20120810.ListTables", &nothing);
            answer.await.map(drop)
        })
        .await;
        Some(Self {
            _process: process,
            _folder: folder,
            endpoint,
        })
    }
    /// Returns its Kinesis.
    #[must_use]
    pub fn kinesis(&self) -> Streams {
        Streams::own_kinesis(&self.endpoint)
    }

    /// Returns its `DynamoDB`.
    #[must_use]
    pub fn dynamodb(&self) -> Streams {
        Streams::own_dynamodb(&self.endpoint)
    }
}
