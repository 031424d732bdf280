//! The servers that have streams.

use lambda_esm::mapping::CreateEventSourceMapping;
use lambda_esm::{Engine, EngineBuilder};
use lambda_esm_aws::{AwsConfig, AwsDestinations, DynamoDbProvider, KinesisProvider};
use serde_json::{Value, json};

use super::kinesis::KinesisStream;
use super::record::Known;
use super::table::Table;
use crate::servers::{dynamodb_local, kinesis_local, ministack, variable};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kinesis,
    DynamoDb,
}

/// A server that has streams of one kind.
#[derive(Clone, Debug)]
pub struct Streams {
    kind: Kind,
    /// Its endpoint.
    pub endpoint: String,
    /// Its name and kind, for messages.
    pub what: &'static str,
}

impl Streams {
    /// Returns the Kinesis of kinesis-local, or says that the test is skipped.
    #[must_use]
    pub fn kinesis_local() -> Option<Self> {
        let endpoint = kinesis_local()?;
        Some(Self {
            kind: Kind::Kinesis,
            endpoint,
            what: "kinesis-local",
        })
    }

    /// Returns the Kinesis of ministack, or says that the test is skipped.
    #[must_use]
    pub fn ministack_kinesis() -> Option<Self> {
        let endpoint = ministack()?;
        Some(Self {
            kind: Kind::Kinesis,
            endpoint,
            what: "ministack's Kinesis",
        })
    }

    /// Returns `DynamoDB` Local, or says that the test is skipped.
    #[must_use]
    pub fn dynamodb_local() -> Option<Self> {
        let endpoint = dynamodb_local()?;
        Some(Self {
            kind: Kind::DynamoDb,
            endpoint,
            what: "DynamoDB Local",
        })
    }

    /// Returns `DynamoDB` Local 3, or says that the test is skipped.
    #[must_use]
    pub fn dynamodb_local_3() -> Option<Self> {
        let endpoint = variable("LAMBDA_ESM_TEST_DYNAMODB_3")?;
        Some(Self {
            kind: Kind::DynamoDb,
            endpoint,
            what: "DynamoDB Local 3",
        })
    }

    /// Returns a `DynamoDB` Local for which ten minutes pass in a second, or says that the test is skipped.
    #[must_use]
    pub fn dynamodb_fast() -> Option<Self> {
        let endpoint = variable("LAMBDA_ESM_TEST_DYNAMODB_FAST")?;
        Some(Self {
            kind: Kind::DynamoDb,
            endpoint,
            what: "DynamoDB Local, fast",
        })
    }

    /// Returns the `DynamoDB` of ministack, or says that the test is skipped.
    #[must_use]
    pub fn ministack_dynamodb() -> Option<Self> {
        let endpoint = ministack()?;
        Some(Self {
            kind: Kind::DynamoDb,
            endpoint,
            what: "ministack's DynamoDB",
        })
    }

    /// Returns the Kinesis of a test's own ministack.
    pub(super) fn own_kinesis(endpoint: &str) -> Self {
        Self {
            kind: Kind::Kinesis,
            endpoint: endpoint.to_owned(),
            what: "a ministack's Kinesis",
        }
    }

    /// Returns the `DynamoDB` of a test's own ministack.
    pub(super) fn own_dynamodb(endpoint: &str) -> Self {
        Self {
            kind: Kind::DynamoDb,
            endpoint: endpoint.to_owned(),
            what: "a ministack's DynamoDB",
        }
    }

    /// Tells whether its streams are those of `DynamoDB`.
    #[must_use]
    pub fn is_dynamodb(&self) -> bool {
        self.kind == Kind::DynamoDb
    }

    /// Creates a stream that no other test uses. That of a table has one shard.
    pub async fn stream(&self, what: &str, shards: usize) -> Stream {
        match self.kind {
            Kind::Kinesis => {
                Stream::Kinesis(KinesisStream::create(&self.endpoint, what, shards).await)
            }
            Kind::DynamoDb => Stream::DynamoDb(self.table(what).await),
        }
    }

    /// Creates a Kinesis stream that no other test uses.
    pub async fn kinesis(&self, what: &str, shards: usize) -> KinesisStream {
        KinesisStream::create(&self.endpoint, what, shards).await
    }

    /// Creates a table that no other test uses.
    pub async fn table(&self, what: &str) -> Table {
        Table::create(&self.endpoint, what).await
    }

    /// Returns the builder of an engine that reads streams here, and whose destinations are those of
    /// ministack.
    #[must_use]
    pub fn engine(&self) -> EngineBuilder {
        let mut config = AwsConfig::default();
        let service = match self.kind {
            Kind::Kinesis => "kinesis",
            Kind::DynamoDb => "dynamodb",
        };
        let endpoints = &mut config.endpoints;
        let endpoint = self.endpoint.parse().unwrap();
        endpoints.services.insert(service.to_owned(), endpoint);
        endpoints.aws = std::env::var("LAMBDA_ESM_TEST_MINISTACK")
            .ok()
            .map(|endpoint| endpoint.parse().unwrap());
        Engine::builder()
            .provider(KinesisProvider::new(config.clone()))
            .provider(DynamoDbProvider::new(config.clone()))
            .destinations(AwsDestinations::new(config))
    }
}

/// One stream of either kind.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test has a handful of them")]
pub enum Stream {
    /// Of Kinesis.
    Kinesis(KinesisStream),
    /// Of a table.
    DynamoDb(Table),
}

impl Stream {
    /// Returns its ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        match self {
            Self::Kinesis(stream) => &stream.arn,
            Self::DynamoDb(table) => &table.arn,
        }
    }

    /// Puts values under keys, one after another.
    pub async fn put(&self, values: &[(String, Value)]) {
        match self {
            Self::Kinesis(stream) => stream.put(values).await,
            Self::DynamoDb(table) => {
                for (key, value) in values {
                    table.put(key, value).await;
                }
            }
        }
    }

    /// Puts numbers, each under a key of its own, one after another.
    pub async fn put_numbers(&self, numbers: impl IntoIterator<Item = usize>) {
        let value = |number: usize| (format!("key-{number}"), json!(number));
        let values: Vec<_> = numbers.into_iter().map(value).collect();
        self.put(&values).await;
    }

    /// Puts many values, as many as a call takes at a time. The servers keep their order.
    pub async fn put_in_order(&self, values: &[(String, Value)]) {
        match self {
            Self::Kinesis(stream) => stream.put(values).await,
            Self::DynamoDb(table) => table.put_in_order(values).await,
        }
    }

    /// Puts many values as fast as the server takes them. Those of one key keep their order.
    pub async fn put_many(&self, values: &[(String, Value)]) {
        match self {
            Self::Kinesis(stream) => stream.put(values).await,
            Self::DynamoDb(table) => table.put_many(values).await,
        }
    }

    /// Reads it from its oldest record, by other means than the adapter's, until there are `count`.
    pub async fn read(&self, count: usize) -> Vec<Known> {
        match self {
            Self::Kinesis(stream) => stream.read(count).await,
            Self::DynamoDb(table) => table.read(count).await,
        }
    }

    /// Returns a request for a mapping from the oldest record of this stream to `function`, with further
    /// members.
    #[must_use]
    pub fn mapping(&self, function: &str, members: &Value) -> CreateEventSourceMapping {
        mapping(self.arn(), function, members)
    }
}

/// Returns a request for a mapping from the oldest record of a stream to `function`, with further members.
#[must_use]
pub(super) fn mapping(arn: &str, function: &str, members: &Value) -> CreateEventSourceMapping {
    let mut request = json!({
        "EventSourceArn": arn,
        "FunctionName": function,
        "StartingPosition": "TRIM_HORIZON",
    });
    let members = members.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(members);
    serde_json::from_value(request).unwrap()
}
