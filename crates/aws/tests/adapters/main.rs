//! The adapters against servers that fail in every way, and against real ones where they are named.
#![cfg(all(
    feature = "dynamodb",
    feature = "identity",
    feature = "kinesis",
    feature = "lambda",
    feature = "s3",
    feature = "secretsmanager",
    feature = "sns",
    feature = "sqs"
))]
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

mod credentials;
mod destinations;
mod dynamodb_failures;
mod dynamodb_fast;
mod dynamodb_servers;
mod dynamodb_tables;
mod fake;
mod hostile;
mod identity;
mod kinesis_consumer;
mod kinesis_failures;
mod kinesis_servers;
mod lambda_api;
mod lambda_servers;
mod nonsense;
mod proxies;
mod secrets;
mod sqs_failures;
mod sqs_servers;
mod stand_in;
mod steady;
