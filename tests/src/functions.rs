//! The Python functions of the tests.

use std::process::Command;
use std::time::Duration;

use lambda_esm::runtime::process::{ProcessBackend, ProcessConfig};
use serde_json::{Value, json};

use crate::recording::Recording;
use crate::servers::variable;

/// The folder of the handlers.
pub const FUNCTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/functions");

/// Creates a Lambda function of handlers from a folder.
const CREATE: &str = r#"
import boto3, io, json, pathlib, sys, zipfile
endpoint, name, folder, handler, environment = sys.argv[1:]
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as files:
    for file in pathlib.Path(folder).glob("*.py"):
        files.write(file, file.name)
boto3.client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
).create_function(
    FunctionName=name, Runtime="python3.12", Handler=handler, Timeout=60,
    Role="arn:aws:iam::000000000000:role/r", Code={"ZipFile": package.getvalue()},
    Environment={"Variables": json.loads(environment)},
)
"#;

/// A Python with the Lambda runtime and Powertools.
#[derive(Clone, Debug)]
pub struct Python(String);

impl Python {
    /// Returns it, or says that the test is skipped.
    #[must_use]
    pub fn find() -> Option<Self> {
        variable("LAMBDA_ESM_TEST_PYTHON").map(Self)
    }

    /// Returns the path of the interpreter.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.0
    }

    /// Returns the settings of `handler`, such as `record.handler`, that records to `recording`.
    #[must_use]
    pub fn config(
        &self,
        handler: &str,
        recording: &Recording,
        env: &[(&str, &str)],
    ) -> ProcessConfig {
        let command = [&self.0, "-m", "awslambdaric", handler]
            .map(str::to_owned)
            .to_vec();
        let mut config = ProcessConfig::new("function", command);
        config.working_dir = Some(FUNCTIONS.into());
        config.timeout = Duration::from_secs(10);
        config.concurrency = 2;
        let pairs = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        config.env = pairs.collect();
        config.env.insert(
            "RECORD_FILE".to_owned(),
            recording.file().display().to_string(),
        );
        config
    }

    /// Returns a backend for [`config`](Self::config).
    #[must_use]
    pub fn backend(
        &self,
        handler: &str,
        recording: &Recording,
        env: &[(&str, &str)],
    ) -> ProcessBackend {
        ProcessBackend::new(self.config(handler, recording, env)).unwrap()
    }

    /// Returns the same as a function of the daemon's configuration.
    #[must_use]
    pub fn section(&self, handler: &str, recording: &Recording, env: &[(&str, &str)]) -> Value {
        let config = self.config(handler, recording, env);
        json!({
            "backend": "process",
            "command": config.command,
            "working_dir": config.working_dir,
            "timeout": config.timeout.as_secs(),
            "concurrency": config.concurrency,
            "env": config.env,
        })
    }

    /// Creates the function `name` behind the Lambda API at `endpoint`.
    pub fn deploy(&self, endpoint: &str, name: &str, handler: &str, recording: &Recording) {
        let environment = json!({ "RECORD_FILE": recording.file() }).to_string();
        let mut command = Command::new(&self.0);
        command.args([
            "-c",
            CREATE,
            endpoint,
            name,
            FUNCTIONS,
            handler,
            &environment,
        ]);
        let made = command.output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    }
}
