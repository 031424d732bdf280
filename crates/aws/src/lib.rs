//! AWS at the engine's ports: SQS as a queue, Kinesis as a stream, and any Lambda Invoke API as a backend.
//!
//! They speak to the real AWS or to whatever [`Endpoints`] names in its place. None retries: one call is
//! one request, and the engine's driver decides what a failure means.

#[cfg(feature = "sdk")]
mod client;
mod config;
#[cfg(any(feature = "lambda", feature = "sdk"))]
mod credentials;
#[cfg(feature = "sdk")]
mod failure;
#[cfg(feature = "kinesis")]
mod kinesis;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(any(feature = "lambda", feature = "sdk"))]
mod text;

pub use config::{AwsConfig, EndpointError, EndpointUrl, Endpoints};
#[cfg(feature = "kinesis")]
pub use kinesis::{KinesisConsumer, KinesisName, KinesisNameError, KinesisProvider, KinesisStream};
#[cfg(feature = "lambda")]
pub use lambda::{LambdaApi, LambdaOptions, RootCertificatesError};
#[cfg(feature = "sqs")]
pub use sqs::{QueueName, QueueNameError, SqsProvider, SqsQueue};
