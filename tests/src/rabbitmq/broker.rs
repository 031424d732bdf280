//! Brokers of a test's own, which it may kill.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::server::Rabbit;
use crate::ports::free_ports;
use crate::servers::variable;
use crate::wait::{PATIENCE, until};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/rabbitmq/broker");

/// A broker with ports and a folder of its own. Its processes are killed and its messages removed when it is dropped.
#[derive(Debug)]
pub struct RabbitBroker {
    certificates: String,
    folder: PathBuf,
    ports: [u16; 4],
    settings: Vec<String>,
    process: Option<Child>,
}

impl RabbitBroker {
    /// Starts a broker with lines of its `rabbitmq.conf`, and returns when it answers; or says that the test is skipped.
    pub async fn start(settings: &[&str]) -> Option<Self> {
        // Where there is no shared broker, none is installed.
        variable("LAMBDA_ESM_TEST_RABBITMQ")?;
        let certificates = variable("LAMBDA_ESM_TEST_KAFKA_CERTS")?;
        let folder = std::env::temp_dir().join(format!("rabbitmq-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let mut broker = Self {
            certificates,
            folder,
            ports: free_ports(),
            settings: settings.iter().map(ToString::to_string).collect(),
            process: None,
        };
        broker.restart().await;
        Some(broker)
    }

    /// Returns a test's own view of it.
    #[must_use]
    pub fn rabbit(&self) -> Rabbit {
        Rabbit::at(self.ports[0], self.ports[1])
    }

    /// Kills it, without a chance to clean up.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// Has it stand still, as a machine that cannot be reached, or go on.
    pub fn halt(&self, halted: bool) {
        let signal = if halted { Signal::STOP } else { Signal::CONT };
        kill_process(self.pid(), signal).unwrap();
    }

    /// Asks it to end with `SIGTERM`, and waits for that.
    pub async fn terminate(&mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let mut process = self.process.take().unwrap();
        let ended = timeout(PATIENCE, process.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("did not stop within {PATIENCE:?}"))
            .unwrap();
    }

    /// Starts it after it has ended, with the messages that it had, and waits until it answers.
    pub async fn restart(&mut self) {
        self.launch();
        let rabbit = self.rabbit();
        until("the broker answers", async || {
            self.assert_runs();
            rabbit.connect("/").await
        })
        .await;
    }

    fn pid(&self) -> Pid {
        let pid = self.process.as_ref().and_then(Child::id).unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    fn launch(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log.txt"))
            .unwrap();
        let process = Command::new(SCRIPT)
            .arg(&self.folder)
            .args(self.ports.map(|port| port.to_string()))
            .args(&self.settings)
            .env("RABBITMQ_CERTS", &self.certificates)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.process = Some(process.unwrap());
    }

    fn assert_runs(&mut self) {
        let process = self.process.as_mut().unwrap();
        if let Some(status) = process.try_wait().unwrap() {
            let log = fs::read_to_string(self.folder.join("log.txt"));
            panic!("the broker ended with {status}: {}", log.unwrap());
        }
    }
}

impl Drop for RabbitBroker {
    fn drop(&mut self) {
        // Killed now, so that it does not write into the folder while that is removed.
        if let Some(mut process) = self.process.take() {
            process.start_kill().ok();
            while matches!(process.try_wait(), Ok(None)) {
                std::thread::yield_now();
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}
