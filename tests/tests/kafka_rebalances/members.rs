//! Daemons that are members of one group.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lambda_esm_tests::{Daemon, Recording};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::deliveries::Member;
use crate::function::Function;

/// The most records of one batch.
pub(crate) const BATCH: usize = 100;

/// What the members have in common.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// `classic` or `consumer`.
    pub(crate) protocol: &'static str,
    /// `aws` or `eager`.
    pub(crate) pacing: &'static str,
}

/// The running members, and what is known of those that were.
pub(crate) struct Members {
    group: Group,
    topic: String,
    bootstrap: String,
    folder: Recording,
    began: Instant,
    running: BTreeMap<Member, Daemon>,
    pub(crate) killed: BTreeSet<Member>,
    pub(crate) started: u32,
    /// How often a partition was assigned to one that has ended.
    assigned: usize,
}

impl Members {
    pub(crate) fn new(group: Group, topic: &str, bootstrap: &str) -> Self {
        Self {
            group,
            topic: topic.to_owned(),
            bootstrap: bootstrap.to_owned(),
            folder: Recording::default(),
            began: Instant::now(),
            running: BTreeMap::new(),
            killed: BTreeSet::new(),
            started: 0,
            assigned: 0,
        }
    }

    /// Says what happens when, for who looks into a failure.
    fn note(&self, member: Member, what: &str) {
        println!("{:?}: member {} {what}", self.began.elapsed(), member.0);
    }

    /// Starts one more.
    pub(crate) fn start(&mut self, function: &Function) -> Member {
        let member = Member(self.started);
        self.started += 1;
        let folder = self.folder.folder().join(member.0.to_string());
        fs::create_dir(&folder).unwrap();
        let servers: Vec<&str> = self.bootstrap.split(',').collect();
        let configuration = json!({
            "pacing": self.group.pacing,
            "kafka": { "group_protocol": self.group.protocol },
            "functions": { "record": { "backend": "http", "url": function.url(member) } },
            "mappings": [{
                "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": servers } },
                "SelfManagedKafkaEventSourceConfig": { "ConsumerGroupId": self.group.id },
                "SourceAccessConfigurations": [],
                "Topics": [self.topic],
                "StartingPosition": "TRIM_HORIZON",
                "FunctionName": "record",
                "BatchSize": BATCH,
            }],
        });
        self.note(member, "begins");
        let daemon = Daemon::start(&folder, &configuration);
        self.running.insert(member, daemon);
        member
    }

    /// Asks one to end, and waits for that.
    pub(crate) async fn stop(&mut self, member: Member) {
        self.note(member, "is stopped");
        let daemon = self.running.remove(&member).unwrap();
        let (status, lines) = daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
        self.note(member, "has ended");
        self.assigned += assigned(&lines);
    }

    /// Kills one.
    pub(crate) async fn kill(&mut self, member: Member) {
        self.note(member, "is killed");
        let daemon = self.running.remove(&member).unwrap();
        self.assigned += assigned(&daemon.lines());
        daemon.kill().await;
        self.killed.insert(member);
    }

    /// Stops all.
    pub(crate) async fn stop_all(&mut self) {
        while let Some((&member, _)) = self.running.first_key_value() {
            self.stop(member).await;
        }
    }

    /// Returns how many partitions each running one has.
    pub(crate) fn owned(&self) -> BTreeMap<Member, usize> {
        let owned = self.running.iter();
        owned
            .map(|(member, daemon)| {
                let lines = daemon.lines();
                (*member, assigned(&lines) - count(&lines, "shard_lost"))
            })
            .collect()
    }

    /// Returns how often a partition was assigned to any.
    pub(crate) fn assigned(&self) -> usize {
        let running = self
            .running
            .values()
            .map(|daemon| assigned(&daemon.lines()));
        self.assigned + running.sum::<usize>()
    }
}

fn assigned(lines: &[Value]) -> usize {
    count(lines, "shard_acquired")
}

fn count(lines: &[Value], decision: &str) -> usize {
    let lines = lines.iter();
    lines
        .filter(|line| line["event"]["decision"] == decision)
        .count()
}
