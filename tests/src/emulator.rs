//! Lambda's runtime interface emulator, as a process.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::functions::{FUNCTIONS, Python};
use crate::recording::Recording;
use crate::servers::variable;
use crate::wait::until;

/// The emulator, with one function behind it. Killed when dropped; then the function ends, too.
#[derive(Debug)]
pub struct Emulator {
    program: String,
    invocations: SocketAddr,
    runtime: SocketAddr,
    child: Option<Child>,
}

impl Emulator {
    /// Returns it with addresses of its own, not yet started; or says that the test is skipped.
    #[must_use]
    pub fn find() -> Option<Self> {
        let program = variable("LAMBDA_ESM_TEST_RIE")?;
        let ports = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let [invocations, runtime] = ports.map(|port| port.local_addr().unwrap());
        Some(Self {
            program,
            invocations,
            runtime,
            child: None,
        })
    }

    /// Returns the URL of the function's invocations.
    #[must_use]
    pub fn url(&self) -> String {
        let address = self.invocations;
        format!("http://{address}/2015-03-31/functions/function/invocations")
    }

    /// Starts it with a runtime of `python`, and returns when it listens. What the function prints is left out.
    pub async fn start(
        &mut self,
        python: &Python,
        runtime: &[&str],
        recording: &Recording,
        environment: &[(&str, &str)],
    ) {
        let mut command = Command::new(&self.program);
        command
            .args([
                "--log-level",
                "error",
                "--runtime-interface-emulator-address",
            ])
            .args([
                self.invocations.to_string(),
                "--runtime-api-address".to_owned(),
            ])
            .args([self.runtime.to_string(), python.program().to_owned()])
            .args(runtime)
            .current_dir(FUNCTIONS)
            .env("RECORD_FILE", recording.file())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        self.child = Some(command.spawn().unwrap());
        until("the emulator listens", async || {
            TcpStream::connect(self.invocations).await.ok()
        })
        .await;
    }

    /// Tells whether it has not ended since it was started.
    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }
}
