//! `lambda-esm run`: the daemon.

mod api;
mod daemon;
mod limits;
mod logging;
mod mapping_log;
mod reporter;
mod signals;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::DEFAULT_FILE;
use crate::failure::Failure;

pub(crate) use daemon::{PROCESS_GRACE, runtime};
pub(crate) use limits::raise;
pub(crate) use logging::start as start_log;
pub(crate) use signals::Signals;

const EXAMPLES: &str = "\
Problems of a mapping (an unreachable endpoint, a missing queue, expired credentials) are logged, and \
tried again with back-off; the other mappings go on. Records that a stream mapping gives up are logged too. \
The first Ctrl-C, SIGTERM or SIGQUIT stops reading and finishes what is in flight, within `drain_seconds` of the \
configuration; the second stops at once. Receives that are open are waited for: a second, with SQS of AWS up \
to 20 (after a second Ctrl-C two at most). SIGHUP, also of a terminal that closes, stops in order as often as it \
comes, and not at all under `nohup`; SIGUSR1, SIGUSR2 and timers' signals do nothing. \
A log that nobody reads holds nothing up: lines are dropped, and counted. So are the decisions of `--json`. \
With `api: {}` in the configuration, `lambda-esm mappings` and AWS clients manage mappings while it runs, and \
`lambda-esm top` shows them; with `state_dir`, they outlive a restart, and streams go on where they were.

Examples:
  lambda-esm run
  lambda-esm run my.yaml -v
  lambda-esm run my.yaml --record recordings
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
    /// Record what sources deliver into files of this folder, to be replayed by `simulate`. `record` of the
    /// configuration says what of it.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// How many worker threads to run.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
}

/// How long threads have to end that wait for the system, such as for a name to be looked up.
const THREADS_GRACE: Duration = Duration::from_secs(1);

/// Runs the mappings of a configuration until a signal comes.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let log = logging::start(args.verbose)?;
    let runtime = runtime(Some(args.threads))?;
    let outcome = runtime.block_on(async {
        let outcome = daemon::run(args).await;
        // A reader that takes nothing more misses the rest.
        drop(log.flushed().await);
        outcome
    });
    runtime.shutdown_timeout(THREADS_GRACE);
    outcome
}
