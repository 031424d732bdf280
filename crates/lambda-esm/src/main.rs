//! The `lambda-esm` command.

mod backends;
mod cautions;
mod check;
mod cli;
mod client;
mod config;
mod demo;
mod failure;
mod filter_test;
mod mappings;
#[cfg(feature = "aws")]
mod mixtures;
mod outlet;
mod output;
mod run;
mod top;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
