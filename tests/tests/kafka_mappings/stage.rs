//! A cluster, and a daemon whose mappings read it.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut, Range};

use lambda_esm_tests::kafka::{Kafka, Topic};
use lambda_esm_tests::scripted::{self, merge};
use lambda_esm_tests::until;
use serde_json::{Value, json};
use uuid::Uuid;

use super::function::{Call, Script, Seen, numbers};

/// A cluster, and a daemon that reads it.
pub(crate) struct Stage {
    pub(crate) kafka: Kafka,
    stage: scripted::Stage<Seen>,
}

impl Deref for Stage {
    type Target = scripted::Stage<Seen>;

    fn deref(&self) -> &Self::Target {
        &self.stage
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.stage
    }
}

impl Stage {
    /// Starts a daemon with these functions, or says that the test is skipped.
    pub(crate) async fn start<const N: usize>(scripts: [(&str, Script); N]) -> Option<Self> {
        let scripts = scripts.map(|(name, script)| (name.to_owned(), script));
        Self::start_with(scripts.into(), &json!({})).await
    }

    /// The same, with further sections in its configuration.
    pub(crate) async fn start_with(scripts: Vec<(String, Script)>, more: &Value) -> Option<Self> {
        let kafka = Kafka::shared()?;
        let stage = scripted::Stage::start(scripts, more).await;
        Some(Self { kafka, stage })
    }

    /// Creates a mapping of a topic, from its oldest record on unless the members say otherwise.
    pub(crate) async fn create(&self, topic: &Topic, function: &str, members: &Value) -> Uuid {
        let mut request = self.request(topic, function);
        merge(&mut request, members);
        self.post(&request).await
    }

    /// Creates a mapping of a topic of an Amazon MSK cluster, and waits until it is enabled.
    pub(crate) async fn map_cluster(&self, cluster: &str, topic: &Topic, function: &str) -> Uuid {
        let request = json!({
            "FunctionName": function,
            "EventSourceArn": cluster,
            "Topics": [topic.name()],
            "StartingPosition": "TRIM_HORIZON",
        });
        let uuid = self.post(&request).await;
        self.until_state(uuid, "Enabled").await;
        uuid
    }

    /// Returns the request that creates a mapping.
    pub(crate) fn request(&self, topic: &Topic, function: &str) -> Value {
        let servers: Vec<&str> = self.kafka.bootstrap().split(',').collect();
        json!({
            "FunctionName": function,
            "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": servers } },
            "SourceAccessConfigurations": [],
            "Topics": [topic.name()],
            "StartingPosition": "TRIM_HORIZON",
        })
    }

    /// Creates a mapping, and waits until it is enabled.
    pub(crate) async fn map(&self, topic: &Topic, function: &str, members: &Value) -> Uuid {
        let uuid = self.create(topic, function, members).await;
        self.until_state(uuid, "Enabled").await;
        uuid
    }

    /// Waits until a group has committed all of a topic, so that nothing is left to do.
    pub(crate) async fn until_committed(&self, group: impl ToString, topic: &Topic) {
        let group = group.to_string();
        let mut ends = topic.ends().await;
        ends.retain(|_, end| *end > 0);
        let what = format!("group {group} has committed {ends:?}");
        let last = std::cell::RefCell::new(BTreeMap::new());
        let wait = until(&what, async || {
            let mut committed = self.kafka.committed(&group, topic).await;
            committed.retain(|partition, _| ends.contains_key(partition));
            let done = committed == ends;
            if committed != *last.borrow() {
                println!("{group}: {committed:?}");
                *last.borrow_mut() = committed;
            }
            done.then_some(())
        });
        wait.await;
    }

    /// Returns how many records of a topic, from its first on, a group has committed.
    pub(crate) async fn settled(&self, group: impl ToString, topic: &Topic) -> usize {
        let committed = self.kafka.committed(&group.to_string(), topic).await;
        usize::try_from(committed.values().sum::<i64>()).unwrap()
    }

    /// Asserts that a function was given each of these numbers once. Where the machine stood still for longer than a group
    /// waits for its members, partitions were taken away and what was under way came again: then, at least once.
    pub(crate) fn assert_once(&self, function: &str, expected: Range<usize>) {
        let mut numbers = self.sorted_numbers(function);
        if self
            .log()
            .iter()
            .any(|line| line.contains("session timed out"))
        {
            println!(
                "the machine stood still: {} records came again",
                numbers.len() - expected.len()
            );
            numbers.dedup();
        }
        let came: HashMap<usize, usize> =
            numbers.iter().fold(HashMap::new(), |mut came, number| {
                *came.entry(*number).or_default() += 1;
                came
            });
        let lost: Vec<usize> = expected
            .clone()
            .filter(|number| !came.contains_key(number))
            .collect();
        let again: Vec<_> = came.iter().filter(|(_, times)| **times > 1).collect();
        assert!(
            lost.is_empty() && again.is_empty(),
            "{function}: lost {lost:?}, again {again:?}"
        );
        assert_eq!(numbers.len(), expected.len(), "{function}");
    }

    /// Returns the numbers of the records that a function was given, in order.
    pub(crate) fn sorted_numbers(&self, function: &str) -> Vec<usize> {
        let calls = self.functions.calls(function);
        let mut numbers: Vec<usize> = calls.iter().flat_map(numbers).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Returns the member that makes a mapping one of provisioned mode, which has retry controls.
pub(crate) fn provisioned(more: &Value) -> Value {
    let mut members =
        json!({ "ProvisionedPollerConfig": { "MinimumPollers": 1, "MaximumPollers": 2 } });
    merge(&mut members, more);
    members
}

/// Asserts that the records of each partition came in the order of the log.
pub(crate) fn assert_in_order(calls: &[Call]) {
    let mut last = BTreeMap::new();
    for record in calls.iter().flat_map(|call| &call.records) {
        let before = last.insert(record.partition, record.offset);
        assert!(
            before.is_none_or(|before| before < record.offset),
            "partition {}: {} came after {before:?}",
            record.partition,
            record.offset
        );
    }
}
