//! AWS at the engine's ports: SQS as a queue, Kinesis and DynamoDB Streams as streams, SQS, SNS and S3 as
//! on-failure destinations, and any Lambda Invoke API as a backend.
//!
//! They speak to the real AWS or to whatever [`Endpoints`] names in its place. None retries: one call is
//! one request, and the engine's driver decides what a failure means.

#[cfg(feature = "sdk")]
mod client;
mod config;
#[cfg(any(feature = "signed", feature = "sdk"))]
mod credentials;
#[cfg(any(feature = "sqs", feature = "sns", feature = "s3"))]
mod destination;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod endpoint;
mod environment;
#[cfg(feature = "sdk")]
mod failure;
#[cfg(feature = "glue")]
mod glue;
#[cfg(feature = "identity")]
mod identity;
#[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
mod json;
#[cfg(feature = "kinesis")]
mod kinesis;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
mod raw_response;
#[cfg(any(feature = "signed", feature = "sdk"))]
mod response_limit;
#[cfg(feature = "secretsmanager")]
mod secrets;
#[cfg(any(feature = "signed", feature = "sdk"))]
mod service_endpoint;
#[cfg(any(feature = "dynamodb", feature = "kinesis"))]
mod shard_records;
#[cfg(feature = "signed")]
mod signed;
#[cfg(feature = "sqs")]
mod sqs;
mod text;

pub use config::{AwsConfig, Endpoints};
#[cfg(any(feature = "sqs", feature = "sns", feature = "s3"))]
pub use destination::AwsDestinations;
#[cfg(feature = "s3")]
pub use destination::S3Destination;
#[cfg(feature = "sns")]
pub use destination::SnsDestination;
#[cfg(feature = "sqs")]
pub use destination::SqsDestination;
#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDbProducer, DynamoDbProvider, DynamoDbStream};
pub use endpoint::{EndpointError, EndpointUrl};
pub use environment::{AwsEnvironment, AwsEnvironmentError};
#[cfg(feature = "glue")]
pub use glue::GlueApi;
#[cfg(feature = "identity")]
pub use identity::AwsProcessIdentity;
#[cfg(feature = "kinesis")]
pub use kinesis::{
    KinesisConsumer, KinesisName, KinesisNameError, KinesisProducer, KinesisProvider, KinesisStream,
};
#[cfg(feature = "lambda")]
pub use lambda::{LambdaApi, LambdaOptions, RootCertificatesError};
#[cfg(feature = "secretsmanager")]
pub use secrets::SecretsManager;
#[cfg(feature = "sqs")]
pub use sqs::{QueueName, QueueNameError, SqsProducer, SqsProvider, SqsQueue};
