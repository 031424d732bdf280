//! A daemon with an API, the functions of its mappings, and what they were given.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_esm_tests::kafka::{Kafka, Topic};
use lambda_esm_tests::{Daemon, Recording, ministack, until};
use serde_json::{Value, json};
use uuid::Uuid;

use super::function::{Call, Functions, Script};

const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

/// A cluster, and a daemon that reads it.
pub(crate) struct Stage {
    pub(crate) kafka: Kafka,
    pub(crate) functions: Functions,
    folder: Recording,
    configuration: Value,
    daemon: Option<Daemon>,
    /// What daemons logged that run no more.
    log: Vec<String>,
    endpoint: String,
    http: Client<HttpConnector, Full<Bytes>>,
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
        let functions = Functions::start(scripts).await;
        let mut configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "state_dir": "state",
            "endpoints": { "aws": ministack().unwrap_or_else(|| "http://127.0.0.1:1".to_owned()) },
            "functions": functions.sections(),
        });
        merge(&mut configuration, more);
        let mut stage = Self {
            kafka,
            functions,
            folder: Recording::default(),
            configuration,
            daemon: None,
            log: Vec::new(),
            endpoint: String::new(),
            http: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
        };
        stage.run().await;
        Some(stage)
    }

    /// Starts the daemon, which does not run.
    pub(crate) async fn run(&mut self) {
        let daemon = Daemon::start_with(
            self.folder.folder(),
            &self.configuration,
            &[
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ],
        );
        self.endpoint = daemon.api().await;
        self.daemon = Some(daemon);
    }

    /// Stops the daemon in order.
    pub(crate) async fn stop(&mut self) {
        let daemon = self.daemon.take().unwrap();
        self.log.extend(daemon.log());
        let (status, _) = daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// Kills the daemon.
    pub(crate) async fn kill(&mut self) {
        self.daemon.take().unwrap().kill().await;
    }

    /// Returns where its API is.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Asks its API, and returns the status and the answer.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let body = match body {
            Value::Null => Full::default(),
            body => Full::from(body.to_string()),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .body(body)
            .unwrap();
        let response = self.http.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
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

    async fn post(&self, request: &Value) -> Uuid {
        let (status, created) = self.ask(Method::POST, MAPPINGS, request).await;
        assert_eq!(status, 202, "{created}");
        created["UUID"].as_str().unwrap().parse().unwrap()
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

    /// Changes a mapping.
    pub(crate) async fn update(&self, uuid: Uuid, members: &Value) {
        let path = format!("{MAPPINGS}{uuid}");
        let (status, answer) = self.ask(Method::PUT, &path, members).await;
        assert_eq!(status, 202, "{answer}");
    }

    /// Deletes a mapping, and waits until it is gone.
    pub(crate) async fn delete(&self, uuid: Uuid) {
        let path = format!("{MAPPINGS}{uuid}");
        let (status, answer) = self.ask(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(status, 202, "{answer}");
        until("the mapping is gone", async || {
            let (status, _) = self.ask(Method::GET, &path, &Value::Null).await;
            (status == 404).then_some(())
        })
        .await;
    }

    /// Returns a mapping as the API shows it.
    pub(crate) async fn mapping(&self, uuid: Uuid) -> Value {
        let path = format!("{MAPPINGS}{uuid}");
        self.ask(Method::GET, &path, &Value::Null).await.1
    }

    /// Waits until a mapping has reached `state`.
    pub(crate) async fn until_state(&self, uuid: Uuid, state: &str) {
        until(&format!("mapping {uuid} is {state}"), async || {
            (self.mapping(uuid).await["State"] == state).then_some(())
        })
        .await;
    }

    /// Waits until a function was given so many records, and returns its invocations.
    pub(crate) async fn until_records(&self, function: &str, count: usize) -> Vec<Call> {
        until(&format!("{function} has {count} records"), async || {
            (self.functions.records(function) >= count).then_some(())
        })
        .await;
        self.functions.calls(function)
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
        let mut log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        log.extend_from_slice(&self.log);
        if log.iter().any(|line| line.contains("session timed out")) {
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
        let mut numbers: Vec<usize> = calls.iter().flat_map(Call::numbers).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Adds the members of an object to another.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    into.as_object_mut().unwrap().extend(more);
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
