//! The adapters against servers that fail in every way, and against real ones where they are named.
#![cfg(all(feature = "lambda", feature = "sqs"))]
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

mod credentials;
mod fake;
mod lambda_api;
mod lambda_servers;
mod sqs_failures;
mod sqs_servers;
