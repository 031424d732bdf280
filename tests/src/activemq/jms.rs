//! ActiveMQ's own Java client, which speaks OpenWire.

use std::process::Stdio;

use tokio::process::Command;

use crate::servers::variable;

/// A broker, as clients of JMS see it. `servers/activemq/Jms.java` says what is sent.
#[derive(Clone, Debug)]
pub struct Jms {
    home: String,
    /// `HOST:PORT` of the broker's OpenWire.
    address: String,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What the sender calls it.
    pub name: String,
    /// `JMSMessageID`.
    pub id: String,
    /// `JMSTimestamp`.
    pub timestamp: i64,
    /// `JMSExpiration`; 0 for never.
    pub expiration: i64,
}

/// A message that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// `JMSMessageID`.
    pub id: String,
    /// `JMSXDeliveryCount`: 1 for a message that was not delivered before.
    pub deliveries: u32,
    /// The text of a text message.
    pub text: String,
}

impl Jms {
    /// Returns the client of the broker that all tests share, or says that the test is skipped.
    #[must_use]
    pub fn shared() -> Option<Self> {
        Some(Self::at(
            &variable("LAMBDA_ESM_TEST_ACTIVEMQ_HOME")?,
            &variable("LAMBDA_ESM_TEST_ACTIVEMQ_OPENWIRE")?,
        ))
    }

    pub(super) fn at(home: &str, address: &str) -> Self {
        Self {
            home: home.to_owned(),
            address: address.to_owned(),
        }
    }

    /// Sends a message of each kind.
    pub async fn send(&self, queue: &str) -> Vec<Sent> {
        let lines = self.run(&["send", queue]).await;
        let sent = lines.iter().map(|line| Sent {
            name: line[0].clone(),
            id: line[1].clone(),
            timestamp: line[2].parse().unwrap(),
            expiration: line[3].parse().unwrap(),
        });
        sent.collect()
    }

    /// Sends the texts "0" to `count` - 1, which are persistent.
    pub async fn fill(&self, queue: &str, count: usize) {
        self.run(&["fill", queue, &count.to_string()]).await;
    }

    /// Takes what is in a queue.
    pub async fn read(&self, queue: &str) -> Vec<Read> {
        let lines = self.run(&["read", queue]).await;
        let read = lines.iter().map(|line| Read {
            id: line[0].clone(),
            deliveries: line[1].parse().unwrap(),
            text: line[2].clone(),
        });
        read.collect()
    }

    /// Runs a command; returns the lines that it prints, each in its parts.
    async fn run(&self, words: &[&str]) -> Vec<Vec<String>> {
        let home = &self.home;
        let output = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-Xmx128m"])
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .args(["-cp", &format!("{home}/libs/*:{home}/classes"), "Jms"])
            .arg(&self.address)
            .args(words)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let parts = |line: &str| line.split('\t').map(str::to_owned).collect();
        lines.lines().map(parts).collect()
    }
}
