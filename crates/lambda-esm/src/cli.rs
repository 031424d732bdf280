//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{check, demo, filter_test, import, load, mappings, output, run, simulate, sweep, top};

const EXAMPLES: &str = "\
Examples:
  lambda-esm demo                        see it work, no servers needed
  lambda-esm check my.yaml               what would each mapping do?
  lambda-esm run my.yaml                 do it
  lambda-esm mappings list               what does the running daemon have? create, update, delete, events
  lambda-esm top                         watch it work
  lambda-esm simulate scenario.yaml      what will a mapping do, and what will it cost?
  lambda-esm sweep scenario.yaml         which settings would be better?
  lambda-esm import template.yaml        what does my template say? makes a configuration, or a scenario
  lambda-esm load my.yaml                what does it do under load?
  lambda-esm filter test --pattern '{\"a\": [1]}' --event '{\"a\": 2}'

Exit codes: 0 done, 1 failure, 2 an invalid configuration or scenario was found, 64 wrong usage, \
78 invalid configuration.";

/// AWS Lambda event source mappings outside AWS: polls queues and streams, and hands each batch to a
/// function.
#[derive(Debug, Parser)]
#[command(name = "lambda-esm", version, after_help = EXAMPLES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a queue and a stream at work in a live view: windows, retries, splits, destinations; no servers needed.
    Demo(demo::Args),
    /// Run the mappings of a configuration file until Ctrl-C or SIGTERM.
    Run(run::Args),
    /// Validate a configuration, scenario or template, and say in plain words what each mapping will do.
    Check(check::Args),
    /// Run a scenario in virtual time, and tell what its mappings will do and what that costs.
    Simulate(simulate::Args),
    /// Try many configurations of a scenario, and recommend one change.
    Sweep(sweep::Args),
    /// Make a configuration or a scenario of a template: SAM, CloudFormation, CDK, serverless.yml, Terraform, AWS CLI.
    Import(import::Args),
    /// Manage the mappings of a running daemon: list, get, create, update, delete, events.
    Mappings(mappings::Args),
    /// Watch the mappings of a running daemon live.
    Top(top::Args),
    /// Put records into the sources of a configuration, run its mappings, and measure what they do.
    Load(load::Args),
    /// Work with filter patterns.
    #[command(subcommand)]
    Filter(FilterCommand),
}

#[derive(Debug, Subcommand)]
enum FilterCommand {
    /// Tell whether events match patterns, and if not, which field failed.
    Test(filter_test::Args),
}

/// Runs the command line, and says on standard error why it failed.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain_usage(&error),
    };
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => run::runtime(None)?.block_on(demo::run(args)),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Mappings(args) => mappings::run(args),
        Command::Top(args) => top::run(&args),
        Command::Load(args) => load::run(args),
        Command::Filter(FilterCommand::Test(args)) => filter_test::run(&args),
    }
}

/// Prints help and version to standard output, and what is wrong with the usage to standard error.
fn explain_usage(error: &clap::Error) -> ExitCode {
    // A closed standard output or error leaves nobody to tell.
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(Failure::Usage(String::new()).exit_code())
    } else {
        ExitCode::SUCCESS
    }
}
