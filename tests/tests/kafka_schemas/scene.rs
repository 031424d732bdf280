//! A daemon whose mappings have schema registries, and functions that note which records they get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use lambda_esm_tests::kafka::{Kafka, Topic};
use lambda_esm_tests::{Daemon, Recording, Transport, Web, until_within};
use serde_json::{Value, json};

use crate::web_client::WebClient;

/// When what must happen has happened at the latest.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// What the ARNs of secrets in the configuration begin with.
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

/// A function over HTTP, and the records that it got.
struct Notes {
    web: Web,
    records: Arc<Mutex<Vec<Value>>>,
}

impl Notes {
    async fn start() -> Self {
        let records = Arc::<Mutex<Vec<Value>>>::default();
        let seen = records.clone();
        let web = Web::start(Transport::Plain, move |request: Request<Bytes>| {
            let event: Value = serde_json::from_slice(request.body()).unwrap();
            let partitions = event["records"].as_object().unwrap().values();
            let came = partitions.flat_map(|records| records.as_array().unwrap().clone());
            seen.lock().unwrap().extend(came);
            async { Response::new(Full::from("null")) }
        })
        .await;
        Self { web, records }
    }
}

pub(crate) struct Scene {
    daemon: Daemon,
    api: String,
    client: WebClient,
    kafka: Kafka,
    notes: BTreeMap<&'static str, Notes>,
    pub(crate) recording: Recording,
}

impl Scene {
    /// Starts a daemon with functions that note records, by these names, and with further sections of its configuration.
    pub(crate) async fn start(
        kafka: &Kafka,
        names: &[&'static str],
        more: impl FnOnce(&Recording) -> Value,
    ) -> Self {
        let recording = Recording::default();
        let mut configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "endpoints": { "aws": "http://127.0.0.1:1" },
            "functions": {},
        });
        let more = more(&recording);
        for (name, section) in more.as_object().unwrap() {
            configuration[name] = section.clone();
        }
        let mut notes = BTreeMap::new();
        for name in names {
            let function = Notes::start().await;
            let section = json!({ "backend": "http", "url": function.web.url(), "timeout": 5 });
            configuration["functions"][name] = section;
            notes.insert(*name, function);
        }
        let keys = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let daemon = Daemon::start_with(recording.folder(), &configuration, &keys);
        let api = daemon.api().await;
        Self {
            daemon,
            api,
            client: WebClient::default(),
            kafka: kafka.clone(),
            notes,
            recording,
        }
    }

    /// Creates a mapping of provisioned mode that reads a topic by a registry, from its oldest record on. Returns its UUID.
    pub(crate) async fn map(
        &self,
        topic: &Topic,
        function: &str,
        registry: &Value,
        more: &Value,
    ) -> String {
        let mut request = json!({
            "FunctionName": function,
            "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": [self.kafka.bootstrap()] } },
            "SourceAccessConfigurations": [],
            "Topics": [topic.name()],
            "StartingPosition": "TRIM_HORIZON",
            "ProvisionedPollerConfig": { "MinimumPollers": 1, "MaximumPollers": 1 },
        });
        if !registry.is_null() {
            request["SelfManagedKafkaEventSourceConfig"] =
                json!({ "SchemaRegistryConfig": registry });
        }
        for (name, value) in more.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let url = format!("{}/2015-03-31/event-source-mappings/", self.api);
        let (status, made) = self.client.json("POST", &url, &request).await;
        assert_eq!(status, 202, "{made}");
        made["UUID"].as_str().unwrap().to_owned()
    }

    /// Returns what a mapping says is wrong: `LastProcessingResult`, and the problem in `/status`.
    pub(crate) async fn problem(&self, uuid: &str) -> (String, Option<String>) {
        let url = format!("{}/2015-03-31/event-source-mappings/{uuid}", self.api);
        let (_, mapping) = self.client.json("GET", &url, &Value::Null).await;
        let url = format!("{}/status", self.api);
        let (_, all) = self.client.json("GET", &url, &Value::Null).await;
        let mut mappings = all["mappings"].as_array().unwrap().iter();
        let own = mappings.find(|each| each["uuid"] == uuid).unwrap();
        let result = mapping["LastProcessingResult"].as_str().unwrap();
        (
            result.to_owned(),
            own["problem"].as_str().map(str::to_owned),
        )
    }

    /// Waits until a mapping says what is wrong, in the API and in `/status`, with all these words.
    pub(crate) async fn until_problem(&self, uuid: &str, words: &[&str]) {
        let what = format!("the problem of {uuid} has {words:?}");
        let told = until_within(BOUND, &what, async || {
            let (result, problem) = self.problem(uuid).await;
            let problem = problem?;
            let has = |text: &str| words.iter().all(|word| text.contains(word));
            (has(&result) && has(&problem)).then_some(problem)
        });
        println!("{}", told.await);
    }

    /// Waits until a mapping is well.
    pub(crate) async fn until_well(&self, uuid: &str) {
        until_within(BOUND, "the mapping is well", async || {
            (self.problem(uuid).await == ("OK".to_owned(), None)).then_some(())
        })
        .await;
    }

    /// Returns a counter of a mapping.
    pub(crate) async fn counter(&self, uuid: &str, name: &str) -> u64 {
        let url = format!("{}/metrics", self.api);
        let (_, text) = self.client.text("GET", &url, &Value::Null).await;
        let mut lines = text.lines().filter(|line| line.contains(uuid));
        let line = lines.find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("no {name} of {uuid}: {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Returns the offset and the value of the records that a function got, in order.
    pub(crate) fn records(&self, function: &str) -> Vec<(i64, Value)> {
        let records = self.notes[function].records.lock().unwrap();
        let record = |record: &Value| {
            let value = STANDARD.decode(record["value"].as_str().unwrap()).unwrap();
            let value = serde_json::from_slice(&value).unwrap();
            (record["offset"].as_i64().unwrap(), value)
        };
        records.iter().map(record).collect()
    }

    /// Waits until a function has got so many records, and returns their offsets and values.
    pub(crate) async fn until_records(&self, function: &str, count: usize) -> Vec<(i64, Value)> {
        until_within(
            BOUND,
            &format!("{function} has {count} records"),
            async || {
                let records = self.records(function);
                (records.len() >= count).then_some(records)
            },
        )
        .await
    }

    /// Waits until the group of a mapping has committed these offsets.
    pub(crate) async fn until_committed(&self, uuid: &str, topic: &Topic, offsets: &[(i32, i64)]) {
        let expected: BTreeMap<i32, i64> = offsets.iter().copied().collect();
        until_within(
            BOUND,
            &format!("{uuid} has committed {expected:?}"),
            async || (self.kafka.committed(uuid, topic).await == expected).then_some(()),
        )
        .await;
    }

    /// Stops the daemon. Nothing in its log shows any of `secrets`.
    pub(crate) async fn stop(self, secrets: &[&str]) {
        let log = self.daemon.log();
        let (status, lines) = self.daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
        for said in log.into_iter().chain(lines.iter().map(Value::to_string)) {
            for secret in secrets {
                assert!(!said.contains(secret), "{secret:?} is shown: {said}");
            }
        }
    }
}
