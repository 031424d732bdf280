//! The `lambda-esm` command, run as its users run it.
#![expect(clippy::unwrap_used, reason = "test support fails by panicking")]

mod api_settings;
mod bad_scenarios;
mod check;
#[cfg(all(
    feature = "sqs",
    feature = "kinesis",
    feature = "dynamodb",
    feature = "lambda-api"
))]
mod check_functions;
#[cfg(feature = "kafka")]
mod check_kafka;
mod check_streams;
#[cfg(feature = "sqs")]
mod check_traps;
mod demo;
mod filter_samples;
mod filter_test;
mod ground_truth;
mod import;
#[cfg(feature = "sqs")]
mod load;
mod support;
mod usage;

#[cfg(feature = "sqs")]
mod configs;
#[cfg(feature = "sqs")]
mod daemon;
#[cfg(feature = "sqs")]
mod fake_http;
#[cfg(feature = "sqs")]
mod fake_sqs;
#[cfg(all(feature = "sqs", feature = "kinesis", feature = "dynamodb"))]
mod fake_streams;
#[cfg(feature = "sqs")]
mod hostile_daemon;
#[cfg(feature = "sqs")]
mod managing;
#[cfg(all(feature = "sqs", feature = "kafka"))]
mod mapping_log;
#[cfg(feature = "sqs")]
mod recording;
#[cfg(feature = "sqs")]
mod run;
#[cfg(all(feature = "sqs", feature = "lambda-api"))]
mod secrets;
#[cfg(feature = "sqs")]
mod shown;
#[cfg(feature = "sqs")]
mod signals;
#[cfg(feature = "sqs")]
mod stalls;
#[cfg(all(feature = "sqs", feature = "kinesis", feature = "dynamodb"))]
mod streams;
#[cfg(all(
    feature = "sqs",
    feature = "kinesis",
    feature = "sns",
    feature = "lambda-api"
))]
mod surroundings;
mod sweep;
