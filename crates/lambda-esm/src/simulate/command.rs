//! The command: reads the scenario, runs it, and writes the report.

use std::path::PathBuf;

use lambda_esm_lab::{Progress, simulate};

use crate::failure::Failure;
use crate::scenario::ScenarioFile;
use crate::{output, progress};

const EXAMPLES: &str = "\
Runs the engine that `run` runs, on a clock of its own: a day takes seconds. Nothing is connected to. The same \
scenario and seed give the same report, byte for byte.

Examples:
  lambda-esm simulate config/scenarios/orders.yaml
  lambda-esm simulate orders.yaml --html report.html
  lambda-esm simulate orders.yaml --json | jq '.mappings[].latency'
  lambda-esm simulate orders.yaml --seed 7

Exit codes: 0 done, and all that is expected holds; 1 an expectation is broken; 2 the scenario is invalid; 64 wrong \
usage.";

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The scenario, YAML or JSON.
    scenario: PathBuf,
    /// Decides everything that is left to chance, instead of the scenario's seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Write the report as a page for a browser, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Simulates a scenario.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let file = ScenarioFile::load(&args.scenario).map_err(Failure::Invalid)?;
    let mut scenario = file.scenario;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let total = scenario.duration.as_secs();
    let bar = progress::bar(total, "{bar:40} {percent:>3} % {msg}, {eta} left");
    let mut watch = |seen: Progress| {
        bar.set_position(seen.at.as_secs().min(total));
        bar.set_message(format!("{} records", seen.records));
    };
    let report = simulate(&scenario, &mut watch);
    bar.finish_and_clear();
    let mut report = report.map_err(|error| Failure::general(error.to_string()))?;
    let traps = scenario.traps();
    let traps = scenario
        .mappings
        .iter()
        .zip(&traps)
        .flat_map(|(plan, traps)| {
            let of_plan = move |trap| format!("{}: {trap}", plan.label);
            traps.iter().map(of_plan)
        });
    report
        .notes
        .splice(0..0, file.notes.into_iter().chain(traps));
    output::report(&report, args.json, args.html.as_deref())?;
    if report.holds() {
        Ok(())
    } else {
        Err(Failure::Negative)
    }
}
