//! What the AWS identity of this process gives Kafka clients: tokens, and the brokers of Amazon MSK.

mod bootstrap_brokers;
mod msk_token;
mod process;
mod web_identity;

pub use process::AwsProcessIdentity;
