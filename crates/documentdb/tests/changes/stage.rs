//! A database of a test's own, an engine that reads it, and a function that writes down what it gets.

use std::path::PathBuf;
use std::sync::Arc;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{Arn, Context, CreateEventSourceMapping, Mapping, Source};
use lambda_esm_documentdb::{ChangeStream, ClusterAddress, DocumentDbClusters, DocumentDbOptions};
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemorySecrets, MemoryStore};
use lambda_esm_engine::{Engine, EngineOptions, MappingStatus};
use mongodb::bson::{Document, doc};
use mongodb::{Client, Collection, Database};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use crate::server::{PATIENCE, Server};

pub(crate) const ARN: &str = "arn:aws:rds:us-east-1:123456789012:cluster:docs";
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login";

/// A database, and how it is read.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) options: DocumentDbOptions,
    pub(crate) root_ca: Option<String>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) store: Arc<MemoryStore>,
}

impl Stage {
    /// Returns a stage on the server that all tests share, or says that the test is skipped.
    pub(crate) async fn shared() -> Option<Self> {
        match std::env::var("LAMBDA_ESM_TEST_SECANTUSDB") {
            Ok(url) => Some(Self::at(&url).await),
            Err(_) => {
                println!("skipped: LAMBDA_ESM_TEST_SECANTUSDB is not set");
                None
            }
        }
    }

    pub(crate) async fn on(server: &Server) -> Self {
        Self::at(&server.url()).await
    }

    /// Returns a stage on a server that knows no users. Its database has a collection `c`.
    async fn at(url: &str) -> Self {
        let client = Client::with_uri_str(url).await.unwrap();
        let name = format!("d{}", Uuid::new_v4().simple());
        client.database(&name).create_collection("c").await.unwrap();
        let secrets = MemorySecrets::default();
        let nobody = json!({"username": "", "password": ""}).to_string();
        secrets.put(SECRET, &nobody).unwrap();
        let locks = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("locks");
        Self {
            url: url.to_owned(),
            client,
            name,
            options: DocumentDbOptions::default().with_folder(Some(locks)),
            root_ca: None,
            secrets: Arc::new(secrets),
            store: Arc::default(),
        }
    }

    pub(crate) fn database(&self) -> Database {
        self.client.database(&self.name)
    }

    pub(crate) fn collection(&self) -> Collection<Document> {
        self.database().collection("c")
    }

    /// Returns the parameters of a mapping of the whole database from its beginning, with members added or replaced.
    pub(crate) fn mapping(&self, members: &Value) -> CreateEventSourceMapping {
        let mut mapping = json!({
            "FunctionName": "f",
            "EventSourceArn": ARN,
            "StartingPosition": "TRIM_HORIZON",
            "DocumentDBEventSourceConfig": {"DatabaseName": self.name},
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}],
        });
        for (name, value) in members.as_object().unwrap() {
            mapping[name] = value.clone();
        }
        serde_json::from_value(mapping).unwrap()
    }

    /// Returns what names a collection, or a mode.
    pub(crate) fn config(&self, members: &Value) -> Value {
        let mut config = json!({"DatabaseName": self.name});
        for (name, value) in members.as_object().unwrap() {
            config[name] = value.clone();
        }
        json!({"DocumentDBEventSourceConfig": config})
    }

    /// Returns the stream of a mapping, for whoever is not an engine.
    pub(crate) fn stream(&self, members: &Value) -> ChangeStream {
        let context = Context {
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            uuid: Uuid::new_v4(),
            now: Timestamp(1_700_000_000_000),
            filter_limits: Default::default(),
            dialect: Default::default(),
        };
        let mapping = Mapping::create(self.mapping(members), &context).unwrap();
        let Source::DocumentDb(documentdb) = mapping.source else {
            unreachable!("the ARN is of a cluster");
        };
        ChangeStream::new(
            self.address(),
            documentdb,
            "f",
            self.secrets.clone(),
            self.options.clone(),
        )
    }

    fn address(&self) -> ClusterAddress {
        let address: ClusterAddress = self.url.parse().unwrap();
        match &self.root_ca {
            Some(pem) => address.with_root_ca(pem.as_str()),
            None => address,
        }
    }

    fn clusters(&self) -> DocumentDbClusters {
        let arn = Arn::parse(ARN).unwrap();
        DocumentDbClusters::new([(arn, self.address())], self.secrets.clone())
            .with_options(self.options.clone())
    }

    /// Starts an engine with a mapping; what it has kept before is still known.
    pub(crate) async fn run(&self, members: &Value) -> Run {
        let run = self.engine();
        let mapping = self.mapping(members);
        run.engine.create(mapping).await.unwrap();
        run
    }

    /// Returns an engine without a mapping.
    pub(crate) fn engine(&self) -> Run {
        let (sender, events) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let function = Closure::new(move |request| {
            let sender = Arc::clone(&sender);
            async move {
                let event: Value = serde_json::from_slice(&request.payload)
                    .map_err(|error| InvokeError::function(error.to_string()))?;
                let changes = event["events"].as_array().cloned().unwrap_or_default();
                sender.send_modify(|events: &mut Vec<Value>| {
                    events.extend(changes.into_iter().map(|mut change| change["event"].take()));
                });
                Ok("null".into())
            }
        });
        let options = EngineOptions::default().with_missing_sources_allowed(true);
        let engine = Engine::builder()
            .options(options)
            .provider(self.clusters())
            .store(Arc::clone(&self.store))
            .invoke(function)
            .build();
        Run { engine, events }
    }

    /// Puts documents with these numbers into the collection `c`, one after the other.
    pub(crate) async fn insert(&self, numbers: std::ops::Range<i32>) {
        for number in numbers {
            let inserted = self.collection().insert_one(doc! {"_id": number}).await;
            inserted.unwrap();
        }
    }
}

/// An engine at work.
pub(crate) struct Run {
    pub(crate) engine: Engine,
    events: watch::Receiver<Vec<Value>>,
}

impl Run {
    /// Waits for so many changes, and returns all that came.
    pub(crate) async fn changes(&self, number: usize) -> Vec<Value> {
        let mut events = self.events.clone();
        let come = timeout(PATIENCE, events.wait_for(|events| events.len() >= number)).await;
        if come.is_err() {
            let seen = self.events.borrow().clone();
            panic!(
                "{} of {number}: {seen:?}; {:?}",
                seen.len(),
                self.engine.status()
            );
        }
        self.events.borrow().clone()
    }

    /// Waits until the mapping's status is as `wanted`, and returns it.
    pub(crate) async fn status(&self, wanted: impl Fn(&MappingStatus) -> bool) -> MappingStatus {
        let uuid = self.engine.status()[0].uuid;
        let mut watch = self.engine.watch(uuid).unwrap();
        let found = timeout(PATIENCE, async {
            loop {
                let status = self.engine.mapping_status(uuid).unwrap();
                if wanted(&status) {
                    return status;
                }
                watch.changed().await;
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("{:?}", self.engine.status()))
    }

    /// Waits until all that happens from now on is read.
    pub(crate) async fn enabled(&self) {
        self.status(|status| status.state == State::Enabled).await;
    }

    /// Waits for a problem that says `text`.
    pub(crate) async fn problem(&self, text: &str) -> String {
        let has = |status: &MappingStatus| {
            let problem = status.problem.as_ref();
            problem.is_some_and(|problem| problem.contains(text))
        };
        self.status(has).await.problem.unwrap()
    }
}

/// Returns the `_id` of the documents that changes are of.
pub(crate) fn ids(changes: &[Value]) -> Vec<i64> {
    let ids = changes.iter();
    ids.map(|change| change["documentKey"]["_id"].as_i64().unwrap())
        .collect()
}
