//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use super::duration::{duration, rate};

const EXAMPLES: &str = "\
The mappings run in this process, as with `run`, but nothing of `state_dir` is read or written: streams are read from \
now on (a table's from its oldest change). Records are put when they are due, whatever became of those before; a \
record's latency counts from when it was due until its function has processed it. Records of others are told of, and \
not counted. The first Ctrl-C stops putting and waits for what is under way, the second ends the test; either way it is \
told what was seen.
What is put into AWS itself costs money: that needs --yes.

Examples:
  lambda-esm load my.yaml
  lambda-esm load my.yaml --rate 500 --duration 2m --html report.html
  lambda-esm load my.yaml --scenario orders.yaml    the arrivals, keys and payloads of a simulation
  lambda-esm load my.yaml --find-max                how much is too much?
  lambda-esm load my.yaml --json | jq '.mappings[].latency'

Exit codes: 0 done, and all that is expected holds; 1 failure, or an expectation is broken; 2 the scenario is invalid; \
64 wrong usage; 78 invalid configuration.";

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The daemon's configuration: endpoints, functions and mappings.
    pub(super) config: PathBuf,
    /// A scenario, of which arrivals, keys, sizes, payloads, expectations and prices are taken, by the names of sources.
    #[arg(long, value_name = "FILE")]
    pub(super) scenario: Option<PathBuf>,
    /// How many records per second are put into each source of which no scenario tells.
    #[arg(long, default_value = "100", value_parser = rate)]
    pub(super) rate: f64,
    /// Let them arrive by chance, instead of at equal distances.
    #[arg(long)]
    pub(super) poisson: bool,
    /// How long figures are taken, after the warm-up [default: as long as the scenario, or 60s]
    #[arg(long, value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// How long records are put before figures are taken.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(super) warm_up: Duration,
    /// How long records may take at the end until all are processed.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(super) drain: Duration,
    /// Raise the rate until an expectation breaks, or records wait 10 s, and tell the highest that held.
    #[arg(long)]
    pub(super) find_max: bool,
    /// Put nothing: records are those that others put.
    #[arg(long, conflicts_with = "find_max")]
    pub(super) no_produce: bool,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Write the report as a page for a browser, too.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Agree to what it costs where AWS itself is called.
    #[arg(long)]
    pub(super) yes: bool,
}
