//! Brokers of a test's own, which it may kill.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::listener::Listener;
use super::server::Kafka;
use crate::ports::free_ports;
use crate::servers::variable;
use crate::wait::{PATIENCE, until};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/kafka/broker");

/// A cluster of one broker or three, with ports and folders of its own. Its processes are killed and its records removed
/// when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    home: String,
    folder: PathBuf,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    controller: u16,
    ports: [u16; Listener::ALL.len()],
    process: Option<Child>,
}

impl Cluster {
    /// Starts a cluster, and returns when all its brokers know each other; or says that the test is skipped.
    pub async fn start(nodes: usize) -> Option<Self> {
        let home = variable("LAMBDA_ESM_TEST_KAFKA_HOME")?;
        let folder = std::env::temp_dir().join(format!("kafka-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let nodes = (0..nodes).map(|_| Node {
            controller: free_ports::<1>()[0],
            ports: free_ports(),
            process: None,
        });
        let mut cluster = Self {
            home,
            folder,
            nodes: nodes.collect(),
        };
        for node in 0..cluster.nodes.len() {
            cluster.launch(node);
        }
        cluster.wait_for_all().await;
        Some(cluster)
    }

    /// Returns how many nodes it has, running or not.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// Returns where its brokers are found by a listener: `HOST:PORT`, with commas between.
    #[must_use]
    pub fn bootstrap(&self, listener: Listener) -> String {
        let nodes = self.nodes.iter();
        let addresses = nodes.map(|node| format!("127.0.0.1:{}", node.ports[listener as usize]));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Returns a test's own client.
    #[must_use]
    pub fn kafka(&self) -> Kafka {
        Kafka::at(&self.bootstrap(Listener::Plaintext))
    }

    /// Kills a node, counted from 0, without a chance to clean up.
    pub async fn kill(&mut self, node: usize) {
        let mut process = self.nodes[node].process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// Asks a node to end with `SIGTERM`, and waits for that.
    pub async fn terminate(&mut self, node: usize) {
        let mut process = self.nodes[node].process.take().unwrap();
        let pid = i32::try_from(process.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        let ended = timeout(PATIENCE, process.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("did not stop within {PATIENCE:?}"))
            .unwrap();
    }

    /// Starts a node that has ended, with the records that it had, and waits until all that run know it.
    pub async fn restart(&mut self, node: usize) {
        self.launch(node);
        self.wait_for_all().await;
    }

    fn launch(&mut self, number: usize) {
        let member = |(number, node): (usize, &Node)| {
            format!("{}@127.0.0.1:{}", number + 1, node.controller)
        };
        let members: Vec<String> = self.nodes.iter().enumerate().map(member).collect();
        let data = self.folder.join(number.to_string());
        fs::create_dir_all(&data).unwrap();
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))
            .unwrap();
        let node = &mut self.nodes[number];
        assert!(node.process.is_none(), "node {number} runs");
        let process = Command::new(SCRIPT)
            .arg(&data)
            .arg((number + 1).to_string())
            .arg(members.join(","))
            .args(node.ports.map(|port| port.to_string()))
            .env("KAFKA_HOME", &self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        node.process = Some(process.unwrap());
    }

    /// Waits until each node that runs answers, and they all know each other.
    async fn wait_for_all(&mut self) {
        let mut running = Vec::new();
        for number in 0..self.nodes.len() {
            if self.nodes[number].process.is_none() {
                continue;
            }
            running.push(number);
            let port = self.nodes[number].ports[Listener::Plaintext as usize];
            until("the broker listens", async || {
                self.assert_runs(number);
                TcpStream::connect(("127.0.0.1", port)).await.ok()
            })
            .await;
        }
        for &number in &running {
            let port = self.nodes[number].ports[Listener::Plaintext as usize];
            let kafka = Kafka::at(&format!("127.0.0.1:{port}"));
            until("the brokers know each other", async || {
                self.assert_runs(number);
                let metadata = kafka.metadata(None, Duration::from_secs(5)).await.ok()?;
                (metadata.brokers().len() == running.len()).then_some(())
            })
            .await;
        }
    }

    fn assert_runs(&mut self, number: usize) {
        let process = self.nodes[number].process.as_mut().unwrap();
        if let Some(status) = process.try_wait().unwrap() {
            let log = fs::read_to_string(self.folder.join(number.to_string()).join("log"));
            panic!("node {number} ended with {status}: {}", log.unwrap());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // Killed now, so that none writes into the folder while it is removed.
            if let Some(mut process) = node.process.take() {
                process.start_kill().ok();
                while matches!(process.try_wait(), Ok(None)) {
                    std::thread::yield_now();
                }
            }
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}
