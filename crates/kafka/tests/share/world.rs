//! Clusters for tests, and what a test does there by clients that know nothing of the project.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_kafka::{ClientSettings, Connect, KafkaShareGroup};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Servers that a mapping connects to, with a secret that may be rotated.
pub(crate) struct Servers(pub(crate) Mutex<ClientSettings>);

#[async_trait]
impl Connect for Servers {
    async fn settings(&self) -> Result<ClientSettings, SourceError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// A cluster, by the listener at which everything is allowed.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) servers: String,
}

/// A topic and the share group that reads it from its first record.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) topic: String,
    pub(crate) group: String,
}

impl World {
    /// Returns Kafka, or says that the test is skipped.
    pub(crate) fn real() -> Option<Self> {
        match std::env::var("LAMBDA_ESM_TEST_KAFKA") {
            Ok(servers) => Some(Self { servers }),
            Err(_) => {
                println!("skipped: LAMBDA_ESM_TEST_KAFKA is not set");
                None
            }
        }
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// Makes a topic with a name of its own, and returns the name.
    pub(crate) async fn topic(&self, partitions: i32) -> String {
        let topic = format!("topic-{}", Uuid::new_v4().simple());
        let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(-1));
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let made = admin.create_topics([&new], &AdminOptions::new()).await;
        made.unwrap().remove(0).unwrap();
        topic
    }

    /// Makes a topic and a group with names of their own; the group is set so, and begins with the first record.
    pub(crate) async fn shared(&self, partitions: i32, settings: &[&str]) -> Shared {
        let topic = self.topic(partitions).await;
        let group = format!("group-{}", Uuid::new_v4().simple());
        let mut words = vec!["group", &group, "share.auto.offset.reset=earliest"];
        words.extend(settings);
        self.administer(&words).await;
        let world = self.clone();
        Shared {
            world,
            topic,
            group,
        }
    }

    /// Has Kafka's own client do something, and returns what it prints.
    pub(crate) async fn administer(&self, words: &[&str]) -> String {
        let home = variable("LAMBDA_ESM_TEST_KAFKA_HOME");
        let mut command = Command::new("java");
        command
            .args([
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-Dlog4j2.level=WARN",
                "-cp",
            ])
            .arg(format!("{home}/libs/*:{home}/classes"))
            .args(["Admin", &self.servers])
            .args(words);
        let words = format!("{words:?}");
        let done = spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words}: {error}");
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Shared {
    /// Returns a source that reads the topic, at the listener where everything is allowed.
    pub(crate) fn source(&self) -> Arc<KafkaShareGroup> {
        self.source_with(ClientSettings::new(&self.world.servers, "plaintext"))
    }

    pub(crate) fn source_with(&self, settings: ClientSettings) -> Arc<KafkaShareGroup> {
        self.source_by(Arc::new(Servers(Mutex::new(settings))))
    }

    pub(crate) fn source_by(&self, connect: Arc<Servers>) -> Arc<KafkaShareGroup> {
        Arc::new(KafkaShareGroup::new(connect, &self.topic, &self.group))
    }

    /// Produces a record with each value, to the partitions in turn.
    pub(crate) async fn produce(&self, partitions: i32, values: std::ops::Range<usize>) {
        self.produce_with(&[("linger.ms", "5")], partitions, values)
            .await;
    }

    /// The same, by a producer with these settings.
    pub(crate) async fn produce_with(
        &self,
        settings: &[(&str, &str)],
        partitions: i32,
        values: std::ops::Range<usize>,
    ) {
        let (mut config, topic) = (self.world.config(), self.topic.clone());
        for (name, value) in settings {
            config.set(*name, *value);
        }
        spawn_blocking(move || {
            let producer: BaseProducer = config.create().unwrap();
            for (value, partition) in values.zip((0..partitions).cycle()) {
                let value = value.to_string();
                let record: BaseRecord<'_, (), str> = BaseRecord::to(&topic);
                let sent = producer.send(record.partition(partition).payload(value.as_str()));
                sent.map_err(|(error, _)| error).unwrap();
                if value.ends_with("000") {
                    producer.poll(Duration::ZERO);
                }
            }
            producer.flush(PATIENCE).unwrap();
        })
        .await
        .unwrap();
    }

    /// Returns the group as Kafka knows it: its state and members, and what each partition has left.
    pub(crate) async fn known(&self) -> Known {
        let printed = self.world.administer(&["share-group", &self.group]).await;
        // Beside what the client says of brokers that are away.
        let lines = printed
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let mut found = None;
        let mut lag = BTreeMap::new();
        for words in lines {
            match words[..] {
                [state, members] => {
                    found = members
                        .parse()
                        .ok()
                        .map(|members| (state, members))
                        .or(found)
                }
                [name, _, left] => {
                    if let Ok(left) = left.parse::<i64>() {
                        lag.insert(name.to_owned(), left);
                    }
                }
                _ => {}
            }
        }
        let (state, members) = found.unwrap();
        Known {
            state: state.to_owned(),
            members,
            lag,
        }
    }

    /// Waits until Kafka says that nothing is left of the topic.
    pub(crate) async fn is_done(&self, partitions: usize) {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let known = self.known().await;
            if known.lag.len() == partitions && known.lag.values().all(|lag| *lag == 0) {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "{known:?}");
        }
    }
}

/// A group as Kafka knows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) state: String,
    pub(crate) members: usize,
    /// How many records are not done, by topic and partition.
    pub(crate) lag: BTreeMap<String, i64>,
}
