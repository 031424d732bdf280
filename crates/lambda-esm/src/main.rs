//! The `lambda-esm` command.

mod backends;
mod check;
mod cli;
mod config;
mod demo;
mod failure;
mod filter_test;
mod output;
mod run;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
