//! A daemon with an API, the functions of its mappings, and what they were given.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

use super::functions::{Call, Script, ScriptedFunctions, SeenRecord};
use crate::daemon::Daemon;
use crate::recording::Recording;
use crate::servers::ministack;
use crate::wait::until;

const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

/// A daemon whose mappings call scripted functions.
pub struct Stage<S> {
    /// The functions.
    pub functions: ScriptedFunctions<S>,
    folder: Recording,
    configuration: Value,
    daemon: Option<Daemon>,
    /// What daemons logged that run no more.
    log: Vec<String>,
    endpoint: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl<S: SeenRecord> Stage<S> {
    /// Starts a daemon with these functions, and with further sections in its configuration.
    pub async fn start(scripts: Vec<(String, Script<S>)>, more: &Value) -> Self {
        let functions = ScriptedFunctions::start(scripts).await;
        let mut configuration = json!({
            "api": { "listen": "127.0.0.1:0" },
            "state_dir": "state",
            "endpoints": { "aws": ministack().unwrap_or_else(|| "http://127.0.0.1:1".to_owned()) },
            "functions": functions.sections(),
        });
        merge(&mut configuration, more);
        let mut stage = Self {
            functions,
            folder: Recording::default(),
            configuration,
            daemon: None,
            log: Vec::new(),
            endpoint: String::new(),
            http: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
        };
        stage.run().await;
        stage
    }

    /// Starts the daemon, which does not run.
    pub async fn run(&mut self) {
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
    pub async fn stop(&mut self) {
        let daemon = self.daemon.take().unwrap();
        self.log.extend(daemon.log());
        let (status, _) = daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }

    /// Kills the daemon.
    pub async fn kill(&mut self) {
        self.daemon.take().unwrap().kill().await;
    }

    /// Returns where its API is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Asks its API, and returns the status and the answer.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
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

    /// Creates a mapping.
    pub async fn post(&self, request: &Value) -> Uuid {
        let (status, created) = self.ask(Method::POST, MAPPINGS, request).await;
        assert_eq!(status, 202, "{created}");
        created["UUID"].as_str().unwrap().parse().unwrap()
    }

    /// Changes a mapping.
    pub async fn update(&self, uuid: Uuid, members: &Value) {
        let path = format!("{MAPPINGS}{uuid}");
        let (status, answer) = self.ask(Method::PUT, &path, members).await;
        assert_eq!(status, 202, "{answer}");
    }

    /// Deletes a mapping, and waits until it is gone.
    pub async fn delete(&self, uuid: Uuid) {
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
    pub async fn mapping(&self, uuid: Uuid) -> Value {
        let path = format!("{MAPPINGS}{uuid}");
        self.ask(Method::GET, &path, &Value::Null).await.1
    }

    /// Returns what `/status` shows of a mapping.
    pub async fn status(&self, uuid: Uuid) -> Value {
        let (_, all) = self.ask(Method::GET, "/status", &Value::Null).await;
        let mut mappings = all["mappings"].as_array().unwrap().iter();
        let uuid = uuid.to_string();
        mappings.find(|each| each["uuid"] == uuid).unwrap().clone()
    }

    /// Waits until a mapping has reached `state`.
    pub async fn until_state(&self, uuid: Uuid, state: &str) {
        until(&format!("mapping {uuid} is {state}"), async || {
            (self.mapping(uuid).await["State"] == state).then_some(())
        })
        .await;
    }

    /// Waits until a function was given so many records, and returns its invocations.
    pub async fn until_records(&self, function: &str, count: usize) -> Vec<Call<S>> {
        until(&format!("{function} has {count} records"), async || {
            (self.functions.records(function) >= count).then_some(())
        })
        .await;
        self.functions.calls(function)
    }

    /// Returns what its daemons have logged.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        let mut log = self.log.clone();
        log.extend(self.daemon.as_ref().map(Daemon::log).unwrap_or_default());
        log
    }
}

/// Adds the members of an object to another.
pub fn merge(into: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    into.as_object_mut().unwrap().extend(more);
}
