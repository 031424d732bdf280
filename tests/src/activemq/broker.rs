//! Brokers of a test's own, which it may kill.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::jms::Jms;
use crate::ports::free_ports;
use crate::servers::variable;
use crate::wait::{PATIENCE, until};

/// A broker with ports and a folder of its own. Its process is killed and its messages removed when it is dropped.
#[derive(Debug)]
pub struct Broker {
    home: String,
    folder: PathBuf,
    /// AMQP, AMQP with TLS, OpenWire.
    ports: [u16; 3],
    process: Option<Child>,
}

impl Broker {
    /// Starts a broker, and returns when it can be used; or says that the test is skipped.
    pub async fn start() -> Option<Self> {
        let home = variable("LAMBDA_ESM_TEST_ACTIVEMQ_HOME")?;
        let folder = std::env::temp_dir().join(format!("activemq-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let mut broker = Self {
            home,
            folder,
            ports: free_ports(),
            process: None,
        };
        broker.restart().await;
        Some(broker)
    }

    /// Returns its AMQP endpoint without TLS.
    #[must_use]
    pub fn amqp(&self) -> String {
        format!("amqp://127.0.0.1:{}", self.ports[0])
    }

    /// Returns its clients of JMS.
    #[must_use]
    pub fn jms(&self) -> Jms {
        Jms::at(&self.home, &format!("127.0.0.1:{}", self.ports[2]))
    }

    /// Kills it without a chance to clean up.
    pub async fn kill(&mut self) {
        self.process.take().unwrap().kill().await.unwrap();
    }

    /// Asks it to end with `SIGTERM`, and waits for that.
    pub async fn terminate(&mut self) {
        let mut process = self.process.take().unwrap();
        let pid = i32::try_from(process.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        let ended = timeout(PATIENCE, process.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("did not stop within {PATIENCE:?}"))
            .unwrap();
    }

    /// Starts it when it has ended, with the messages that it had, and waits until it can be used.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "the broker runs");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let process = Command::new(format!("{}/broker", self.home))
            .arg(&self.folder)
            .args(self.ports.map(|port| port.to_string()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.process = Some(process.unwrap());
        // OpenWire is what it opens last.
        let last = self.ports[2];
        until("the broker listens", async || {
            self.assert_runs();
            TcpStream::connect(("127.0.0.1", last)).await.ok()
        })
        .await;
    }

    fn assert_runs(&mut self) {
        let process = self.process.as_mut().unwrap();
        if let Some(status) = process.try_wait().unwrap() {
            let log = fs::read_to_string(self.folder.join("log"));
            panic!("the broker ended with {status}: {}", log.unwrap());
        }
    }
}

impl Drop for Broker {
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
