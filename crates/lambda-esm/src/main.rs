//! The `lambda-esm` command.

mod backends;
mod background_writer;
mod check;
mod check_scenario;
mod cli;
mod client;
mod config;
mod demo;
mod failure;
mod filter_test;
mod import;
#[cfg(feature = "kafka")]
mod kafka_authentication;
#[cfg(feature = "kafka")]
mod kafka_registry;
#[cfg(feature = "kafka")]
mod kafka_topics;
mod load;
mod mappings;
#[cfg(feature = "aws")]
mod mixed_endpoints;
mod output;
mod progress;
mod recording;
mod run;
mod scenario;
#[cfg(feature = "secrets")]
mod secrets;
mod simulate;
mod sweep;
mod top;
mod traps;
#[cfg(feature = "brokers")]
mod unknown_brokers;
mod warnings;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
