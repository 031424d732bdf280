//! `lambda-esm run`: the daemon.

mod api;
mod daemon;
mod logging;
mod reporter;
mod signals;

use std::path::PathBuf;

use crate::config::{Configuration, DEFAULT_FILE};
use crate::failure::Failure;

pub(crate) use daemon::runtime;
pub(crate) use signals::Signals;

const EXAMPLES: &str = "\
Problems of a mapping (an unreachable endpoint, a missing queue, expired credentials) are logged, and
tried again with back-off; the other mappings go on. Records that a stream mapping gives up are logged too.
The first Ctrl-C or SIGTERM stops reading and finishes what is in flight, within `drain_seconds` of the
configuration; the second stops at once. Receives that are open are waited for: a second, with SQS of AWS up
to 20 (after a second Ctrl-C two at most).
With `api: {}` in the configuration, `lambda-esm mappings` and AWS clients manage mappings while it runs, and
`lambda-esm top` shows them; with `state_dir`, they outlive a restart, and streams go on where they were.

Examples:
  lambda-esm run
  lambda-esm run my.yaml -v
  lambda-esm run my.yaml --json | jq 'select(.event.decision == \"failed\")'

Exit codes: 0 stopped in order, 1 failure, 64 wrong usage, 78 invalid configuration.";

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration file, YAML or JSON.
    #[arg(default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Print one JSON object per decision and per change of a mapping's status.
    #[arg(long)]
    json: bool,
    /// Log decisions too; twice for everything. `RUST_LOG` chooses in detail.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// How many worker threads to run.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

/// Runs the mappings of a configuration until a signal comes.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    logging::start(args.verbose)?;
    let configuration = Configuration::load(&args.config).map_err(Failure::Configuration)?;
    let output = reporter::Output { json: args.json };
    // Standard output is written by this thread, so that a slow reader holds up no worker.
    runtime(Some(args.threads))?.block_on(daemon::serve(&configuration, output))
}
