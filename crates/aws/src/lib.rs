//! AWS at the engine's ports: SQS as a queue, Kinesis and DynamoDB Streams as streams, SQS, SNS and S3 as
//! on-failure destinations, and any Lambda Invoke API as a backend.
//!
//! They speak to the real AWS or to whatever [`Endpoints`] names in its place. None retries: one call is
//! one request, and the engine's driver decides what a failure means.

#[cfg(any(feature = "lambda", feature = "sdk"))]
mod bound;
#[cfg(feature = "sdk")]
mod client;
mod config;
#[cfg(any(feature = "lambda", feature = "sdk"))]
mod credentials;
#[cfg(any(feature = "sqs", feature = "sns", feature = "s3"))]
mod destination;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod endpoint;
#[cfg(feature = "sdk")]
mod failure;
#[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
mod few;
#[cfg(feature = "kinesis")]
mod kinesis;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(any(feature = "lambda", feature = "sdk"))]
mod site;
#[cfg(feature = "sqs")]
mod sqs;
mod surroundings;
mod text;
#[cfg(any(feature = "dynamodb", feature = "kinesis", feature = "sqs"))]
mod wire;

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
pub use dynamodb::{DynamoDbProvider, DynamoDbStream};
pub use endpoint::{EndpointError, EndpointUrl};
#[cfg(feature = "kinesis")]
pub use kinesis::{KinesisConsumer, KinesisName, KinesisNameError, KinesisProvider, KinesisStream};
#[cfg(feature = "lambda")]
pub use lambda::{LambdaApi, LambdaOptions, RootCertificatesError};
#[cfg(feature = "sqs")]
pub use sqs::{QueueName, QueueNameError, SqsProvider, SqsQueue};
pub use surroundings::{Surroundings, SurroundingsError};
