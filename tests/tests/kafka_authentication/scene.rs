//! A daemon, a function that notes which records it gets, and all that the daemon has said.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lambda_esm_tests::kafka::{Kafka, Record, Topic, TopicOptions};
use lambda_esm_tests::{Daemon, Recording, Transport, Web, until_within};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// When a mapping says at the latest what is wrong.
pub(crate) const TOLD: Duration = Duration::from_secs(10);
/// When records arrive at the latest of a mapping that is let in.
pub(crate) const ARRIVED: Duration = Duration::from_secs(15);
/// When a mapping has recovered at the latest: every ten seconds its settings are asked for anew.
pub(crate) const RECOVERED: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(100);

/// What the ARNs of secrets begin with.
pub(crate) const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";

/// The value of each record that the function got, and when.
type Arrivals = Arc<Mutex<Vec<(String, Instant)>>>;

pub(crate) struct Scene {
    daemon: Daemon,
    api: String,
    client: Client<HttpConnector, Full<Bytes>>,
    arrivals: Arrivals,
    /// What the API has answered.
    answers: Mutex<Vec<String>>,
    _recording: Recording,
    _function: Web,
}

impl Scene {
    /// Starts a daemon that has these members in its configuration, and these variables in its environment.
    pub(crate) async fn start(members: &Value, variables: &[(&str, &str)]) -> Self {
        let arrivals = Arrivals::default();
        let seen = arrivals.clone();
        let function = Web::start(Transport::Plain, move |request: Request<Bytes>| {
            note(&seen, request.body());
            async { Response::new(Full::from("null")) }
        })
        .await;
        let mut configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "endpoints": { "aws": "http://127.0.0.1:1" },
            "functions": { "*": { "backend": "http", "url": function.url(), "timeout": 5 } },
        });
        for (name, value) in members.as_object().unwrap() {
            configuration[name] = value.clone();
        }
        let recording = Recording::default();
        let daemon = Daemon::start_with(recording.folder(), &configuration, variables);
        let api = daemon.api().await;
        Self {
            daemon,
            api,
            client: Client::builder(TokioExecutor::new()).build_http(),
            arrivals,
            answers: Mutex::default(),
            _recording: recording,
            _function: function,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api))
            .body(Full::from(body))
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_default();
        self.answers.lock().unwrap().push(text);
        (status, value)
    }

    async fn make(&self, members: Value, topic: &str) -> Mapping<'_> {
        // Of each source and topic a function has one mapping.
        let mut request = json!({
            "FunctionName": format!("f-{}", Uuid::new_v4().simple()),
            "Topics": [topic],
            "StartingPosition": "TRIM_HORIZON",
        });
        for (name, value) in members.as_object().unwrap() {
            request[name] = value.clone();
        }
        let path = "/2015-03-31/event-source-mappings";
        let (status, made) = self.ask("POST", path, &request).await;
        assert_eq!(status, 202, "{made}");
        Mapping {
            scene: self,
            uuid: made["UUID"].as_str().unwrap().to_owned(),
            made: Instant::now(),
        }
    }

    /// Makes a mapping of a topic of a self-managed cluster, with these `SourceAccessConfigurations`.
    pub(crate) async fn mapping(
        &self,
        servers: &str,
        topic: &str,
        access: &[(&str, &str)],
    ) -> Mapping<'_> {
        self.member(servers, topic, access, None).await
    }

    /// The same of a consumer group of the test's own.
    pub(crate) async fn member(
        &self,
        servers: &str,
        topic: &str,
        access: &[(&str, &str)],
        group: Option<&str>,
    ) -> Mapping<'_> {
        let access = access.iter().map(|(kind, uri)| match *uri {
            "" => json!({ "Type": kind }),
            uri => json!({ "Type": kind, "URI": uri }),
        });
        let mut members = json!({
            "SelfManagedEventSource": {
                "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": servers.split(',').collect::<Vec<_>>() },
            },
            "SourceAccessConfigurations": access.collect::<Vec<_>>(),
        });
        if let Some(group) = group {
            members["SelfManagedKafkaEventSourceConfig"] = json!({ "ConsumerGroupId": group });
        }
        self.make(members, topic).await
    }

    /// Makes a mapping of a topic of an Amazon MSK cluster.
    pub(crate) async fn msk(&self, cluster: &str, topic: &str) -> Mapping<'_> {
        let members = json!({ "EventSourceArn": cluster });
        self.make(members, topic).await
    }

    /// Waits until the function gets a record with this value, and returns when it did.
    pub(crate) async fn arrives(&self, value: &str, patience: Duration) -> Instant {
        let what = format!("the record {value:?} arrives");
        until_within(patience, &what, async || {
            let arrivals = self.arrivals.lock().unwrap();
            let mut found = arrivals.iter().filter(|(seen, _)| seen == value);
            found.next().map(|(_, at)| *at)
        })
        .await
    }

    /// Puts a record into a topic, and returns how long it takes to arrive.
    pub(crate) async fn delivery(&self, topic: &Topic, value: &str) -> Duration {
        topic.produce([Record::new(value.to_owned())]).await;
        let sent = Instant::now();
        let at = self.arrives(value, ARRIVED).await;
        at.saturating_duration_since(sent)
    }

    /// Stops the daemon. Nothing that it has said shows any of `secrets`.
    pub(crate) async fn stop(self, secrets: &[&str]) {
        let log = self.daemon.log();
        let (status, lines) = self.daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
        let answers = self.answers.into_inner().unwrap();
        let lines = lines.iter().map(Value::to_string);
        for said in log.into_iter().chain(answers).chain(lines) {
            for secret in secrets {
                assert!(!said.contains(secret), "{secret:?} is shown: {said}");
            }
        }
    }
}

/// A mapping of the scene's daemon.
pub(crate) struct Mapping<'a> {
    scene: &'a Scene,
    uuid: String,
    made: Instant,
}

impl Mapping<'_> {
    async fn get(&self) -> Value {
        let path = format!("/2015-03-31/event-source-mappings/{}", self.uuid);
        let (status, mapping) = self.scene.ask("GET", &path, &Value::Null).await;
        assert_eq!(status, 200, "{mapping}");
        mapping
    }

    /// Returns what `/status` says is wrong.
    async fn problem(&self) -> Option<String> {
        let (_, all) = self.scene.ask("GET", "/status", &Value::Null).await;
        let mut mappings = all["mappings"].as_array().unwrap().iter();
        let own = mappings.find(|each| each["uuid"] == *self.uuid).unwrap();
        own["problem"].as_str().map(str::to_owned)
    }

    /// Expects that the mapping shows what is wrong within [`TOLD`] of its beginning: a text that begins so and has these
    /// words, in the API and in `/status`. It goes on trying.
    pub(crate) async fn shows(&self, beginning: &str, words: &[&str]) {
        let left = TOLD.saturating_sub(self.made.elapsed());
        self.shows_within(left, beginning, words).await;
    }

    /// The same, within a time from now.
    pub(crate) async fn shows_within(&self, patience: Duration, beginning: &str, words: &[&str]) {
        let fits = |text: &str| {
            text.starts_with(beginning) && words.iter().all(|word| text.contains(word))
        };
        let end = Instant::now() + patience;
        loop {
            let mapping = self.get().await;
            let result = mapping["LastProcessingResult"].as_str().unwrap();
            let problem = self.problem().await.unwrap_or_default();
            let state = mapping["State"].as_str().unwrap();
            assert!(["Creating", "Enabled"].contains(&state), "{state}");
            if fits(result) && fits(&problem) {
                let reason = mapping["StateTransitionReason"].as_str().unwrap();
                assert!(
                    reason_code(result).is_none_or(|code| code == reason),
                    "{reason} for {result}"
                );
                println!("after {:?}: {result}", self.made.elapsed());
                return;
            }
            assert!(
                Instant::now() < end,
                "no {beginning:?} with {words:?} within {patience:?}: {result:?}, {problem:?}"
            );
            sleep(STEP).await;
        }
    }

    /// Expects that the mapping is well after it has processed records.
    pub(crate) async fn is_well(&self) {
        self.is_well_within(ARRIVED).await;
    }

    /// The same, within a time from now.
    pub(crate) async fn is_well_within(&self, patience: Duration) {
        let end = Instant::now() + patience;
        loop {
            let mapping = self.get().await;
            let problem = self.problem().await;
            let is_ok = mapping["LastProcessingResult"] == "OK"
                && mapping["State"] == "Enabled"
                && mapping["StateTransitionReason"] == "USER_INITIATED";
            if is_ok && problem.is_none() {
                return;
            }
            assert!(
                Instant::now() < end,
                "not well within {patience:?}: {problem:?}, {mapping}"
            );
            sleep(STEP).await;
        }
    }
}

/// Returns the code that goes with what a mapping shows; `None` for what may have several.
fn reason_code(result: &str) -> Option<&'static str> {
    let codes = [
        (
            "Cluster failed to authorize Lambda",
            "EVENT_SOURCE_AUTHZ_ERROR",
        ),
        ("SASL authentication failed", "EVENT_SOURCE_AUTHN_ERROR"),
        (
            "Server failed to authenticate Lambda",
            "EVENT_SOURCE_AUTHN_ERROR",
        ),
        (
            "Lambda failed to authenticate server",
            "EVENT_SOURCE_AUTHN_ERROR",
        ),
        (
            "Provided certificate or private key is invalid",
            "ESM_CONFIG_NOT_VALID",
        ),
        ("no broker of ", "USER_INITIATED"),
        ("topic ", "USER_INITIATED"),
    ];
    let mut codes = codes.into_iter();
    let found = codes.find(|(beginning, _)| result.starts_with(beginning));
    found.map(|(_, code)| code)
}

fn note(arrivals: &Arrivals, event: &[u8]) {
    let event: Value = serde_json::from_slice(event).unwrap();
    let now = Instant::now();
    let partitions = event["records"].as_object().unwrap().values();
    for record in partitions.flat_map(|records| records.as_array().unwrap()) {
        let value = STANDARD.decode(record["value"].as_str().unwrap()).unwrap();
        let value = String::from_utf8(value).unwrap();
        arrivals.lock().unwrap().push((value, now));
    }
}

/// Returns a topic of one partition with a record of this value.
pub(crate) async fn topic_with(kafka: &Kafka, value: &str) -> Topic {
    let topic = kafka.topic("login", TopicOptions::partitions(1)).await;
    topic.produce([Record::new(value.to_owned())]).await;
    topic
}
