//! The servers under test, as the environment names them.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use lambda_esm::aws::{AwsConfig, SqsProvider};
use lambda_esm::{Engine, EngineBuilder};

use crate::queue::{Queue, QueueOptions};

/// Returns an environment variable; if it is not set, says that the test is skipped.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        println!("skipped: {name} is not set");
    }
    value
}

/// Returns ministack's endpoint, or says that the test is skipped.
#[must_use]
pub fn ministack() -> Option<String> {
    variable("LAMBDA_ESM_TEST_MINISTACK")
}

/// Returns the endpoint of `DynamoDB` Local, or says that the test is skipped.
#[must_use]
pub fn dynamodb_local() -> Option<String> {
    variable("LAMBDA_ESM_TEST_DYNAMODB")
}

/// Returns the endpoint of kinesis-local, or says that the test is skipped.
#[must_use]
pub fn kinesis_local() -> Option<String> {
    variable("LAMBDA_ESM_TEST_KINESIS")
}

/// A server that speaks SQS.
#[derive(Clone, Debug)]
pub struct Sqs {
    /// A client for it.
    pub client: Client,
    /// Its endpoint.
    pub endpoint: String,
}

impl Sqs {
    /// Returns `ElasticMQ`, or says that the test is skipped.
    #[must_use]
    pub fn elasticmq() -> Option<Self> {
        variable("LAMBDA_ESM_TEST_ELASTICMQ").map(|endpoint| Self::at(&endpoint))
    }

    /// Returns the server at an endpoint.
    #[must_use]
    pub fn at(endpoint: &str) -> Self {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        let client = Client::from_conf(config);
        Self {
            client,
            endpoint: endpoint.to_owned(),
        }
    }

    /// Creates a queue that no other test uses.
    pub async fn queue(&self, what: &str, options: QueueOptions) -> Queue {
        Queue::create(self.client.clone(), what, options).await
    }

    /// Returns a provider that finds all queues here.
    #[must_use]
    pub fn provider(&self) -> SqsProvider {
        let mut config = AwsConfig::default();
        let endpoint = self.endpoint.parse().unwrap();
        config.endpoints.services.insert("sqs".to_owned(), endpoint);
        SqsProvider::new(config)
    }

    /// Returns the builder of an engine that reads queues here.
    #[must_use]
    pub fn engine(&self) -> EngineBuilder {
        Engine::builder().provider(self.provider())
    }
}
