//! Who may do what, and by which password: what librdkafka's binding has no calls for.

use std::process::Stdio;

use tokio::process::Command;

use super::server::Kafka;
use crate::servers::variable;

/// What a rule of access is about.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A topic, by its name.
    Topic(&'a str),
    /// A consumer group, by its name.
    Group(&'a str),
}

impl<'a> Resource<'a> {
    fn words(self) -> [&'a str; 2] {
        match self {
            Self::Topic(name) => ["topic", name],
            Self::Group(name) => ["group", name],
        }
    }
}

impl Kafka {
    /// Lets `user` do the operations named, such as `Read`. What any rule is about is closed to whom none allows.
    pub async fn allow(&self, user: &str, resource: Resource<'_>, operations: &[&str]) {
        let [kind, name] = resource.words();
        let words = [&["allow", user, kind, name], operations].concat();
        self.administer(&words).await;
    }

    /// Forbids `user` the operations named.
    pub async fn deny(&self, user: &str, resource: Resource<'_>, operations: &[&str]) {
        let [kind, name] = resource.words();
        let words = [&["deny", user, kind, name], operations].concat();
        self.administer(&words).await;
    }

    /// Forgets what `user` was allowed and forbidden.
    pub async fn undo(&self, user: &str, resource: Resource<'_>) {
        let [kind, name] = resource.words();
        self.administer(&["undo", user, kind, name]).await;
    }

    /// Gives `user` a password for SCRAM; a user that is not there is made.
    pub async fn set_password(&self, user: &str, password: &str) {
        self.administer(&["password", user, password]).await;
    }

    /// Has Kafka's own client do something, and returns what it prints.
    pub(super) async fn administer(&self, words: &[&str]) -> String {
        let words = [&["Admin", self.bootstrap()][..], words].concat();
        java(&words).await
    }

    /// Has one of Kafka's own tools, by its class, do something, and returns what it prints.
    pub(super) async fn tool(&self, class: &str, words: &[&str]) -> String {
        let words = [&[class, "--bootstrap-server", self.bootstrap()][..], words].concat();
        java(&words).await
    }
}

async fn java(words: &[&str]) -> String {
    let home = variable("LAMBDA_ESM_TEST_KAFKA_HOME").unwrap();
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Xmx128m", "-Dlog4j2.level=WARN"])
        .args(["-cp", &format!("{home}/libs/*:{home}/classes")])
        .args(words)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}
