//! Brokers of a test's own, which it may kill.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::ports::free_ports;
use crate::world::{PATIENCE, World};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/servers/kafka/broker"
);
/// The port of its controller, then those of its listeners.
const PORTS: usize = 7;

/// One broker or three, with ports and a folder of their own; killed and removed when dropped.
pub(crate) struct Brokers {
    home: String,
    folder: PathBuf,
    ports: Vec<[u16; PORTS]>,
    more: More,
    running: Vec<Option<Child>>,
}

/// What else brokers are told.
#[derive(Clone, Copy, Default)]
pub(crate) struct More {
    /// Properties, one a line.
    pub(crate) properties: &'static str,
    /// Arguments of what makes their folders ready.
    pub(crate) format: &'static str,
}

impl Brokers {
    /// Starts brokers; or says that the test is skipped.
    pub(crate) async fn start(count: usize, more: More) -> Option<Self> {
        let Ok(home) = std::env::var("LAMBDA_ESM_TEST_KAFKA_HOME") else {
            println!("skipped: LAMBDA_ESM_TEST_KAFKA_HOME is not set");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("share-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let mut brokers = Self {
            home,
            folder,
            ports: (0..count).map(|_| free_ports()).collect(),
            more,
            running: (0..count).map(|_| None).collect(),
        };
        for broker in 0..count {
            brokers.launch(broker);
        }
        brokers.know_each_other().await;
        Some(brokers)
    }

    /// Returns the cluster by all its brokers.
    pub(crate) fn world(&self) -> World {
        let servers = self
            .ports
            .iter()
            .map(|ports| format!("127.0.0.1:{}", ports[1]));
        let servers = servers.collect::<Vec<_>>().join(",");
        World { servers }
    }

    /// Kills a broker, counted from 0, without a chance to clean up.
    pub(crate) fn kill(&mut self, broker: usize) {
        let mut process = self.running[broker].take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts a broker that was killed, with what it had.
    pub(crate) async fn restart(&mut self, broker: usize) {
        self.launch(broker);
        self.know_each_other().await;
    }

    /// Returns which broker leads a partition, counted from 0.
    pub(crate) async fn leader(&self, topic: &str, partition: usize) -> usize {
        let (config, topic) = (self.world().config(), topic.to_owned());
        let found = spawn_blocking(move || {
            let client: BaseConsumer = config.create().unwrap();
            let metadata = client.fetch_metadata(Some(&topic), PATIENCE).unwrap();
            metadata.topics()[0].partitions()[partition].leader()
        });
        usize::try_from(found.await.unwrap()).unwrap() - 1
    }

    fn launch(&mut self, broker: usize) {
        let voters = self.ports.iter().zip(1..);
        let voters = voters.map(|(ports, node)| format!("{node}@127.0.0.1:{}", ports[0]));
        let data = self.folder.join(broker.to_string());
        fs::create_dir_all(&data).unwrap();
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.join("log"))
            .unwrap();
        let process = Command::new(SCRIPT)
            .arg(&data)
            .arg((broker + 1).to_string())
            .arg(voters.collect::<Vec<_>>().join(","))
            .args(self.ports[broker][1..].iter().map(u16::to_string))
            .env("KAFKA_HOME", &self.home)
            .env("KAFKA_PROPERTIES", self.more.properties)
            .env("KAFKA_FORMAT", self.more.format)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.running[broker] = Some(process.unwrap());
    }

    async fn know_each_other(&mut self) {
        let count = self.running.iter().flatten().count();
        let end = Instant::now() + PATIENCE;
        for broker in 0..self.running.len() {
            if self.running[broker].is_none() {
                continue;
            }
            loop {
                let process = self.running[broker].as_mut().unwrap();
                if let Some(status) = process.try_wait().unwrap() {
                    let log = fs::read_to_string(self.folder.join(broker.to_string()).join("log"));
                    panic!("broker {broker} ended with {status}: {}", log.unwrap());
                }
                let servers = format!("127.0.0.1:{}", self.ports[broker][1]);
                if brokers_known(World { servers }).await == count {
                    break;
                }
                assert!(
                    Instant::now() < end,
                    "broker {broker} does not know the others"
                );
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for mut process in self.running.iter_mut().filter_map(Option::take) {
            process.kill().ok();
            process.wait().ok();
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Returns how many brokers one knows; none, if it does not answer yet.
async fn brokers_known(world: World) -> usize {
    let found = spawn_blocking(move || {
        let client: BaseConsumer = world.config().create().unwrap();
        let metadata = client.fetch_metadata(None, Duration::from_secs(2));
        metadata.map_or(0, |metadata| metadata.brokers().len())
    });
    found.await.unwrap()
}
