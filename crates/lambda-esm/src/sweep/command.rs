//! The command: reads the scenario, tries the configurations, and writes what came of it.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;

use lambda_esm_lab::scenario::{Expectation, Scenario};
use lambda_esm_lab::simulate;
use lambda_esm_lab::sweep::{
    Axis, FunctionMemory, MemoryEffect, Objective, Runs, SweepError, SweepPlan, SweepReport,
    Verdict, html, sweep, text,
};

use super::interrupt::Interrupt;
use super::progress;
use super::settings::{axis, constraint, objective, share};
use crate::failure::Failure;
use crate::output;
use crate::scenario::ScenarioFile;

const EXAMPLES: &str = "\
Simulates a scenario with each combination of settings, and recommends the one change that is worth making. All have the \
same seed, so that they differ by nothing but their settings; the change is tried with four others, too.

A parameter is a setting of mappings as the API spells it (BatchSize, ScalingConfig.MaximumConcurrency), of functions \
(memory_mb, reserved_concurrency, timeout) or of sources (shards, partitions, retention, visibility_timeout, \
max_receive_count): of all, or of one by its place or name, as in mappings[0].BatchSize. Values are a list, in which null \
takes the setting away, or a range: '{\"from\": 10, \"to\": 1000, \"steps\": 5, \"scale\": \"log\"}'.

Whatever gives up or leaves behind more records than today's configuration does is ruled out, unless a constraint on \
drops, dead_letters or waiting says otherwise.

Examples:
  lambda-esm sweep config/scenarios/sweep.yaml
  lambda-esm sweep orders.yaml --set BatchSize=10,100,1000 --set MaximumBatchingWindowInSeconds=0,1,2,5 \\
      --where 'p99 < 5s' --where 'age < 60s'
  lambda-esm sweep orders.yaml --set memory_mb=256,512,1024,1769 --cpu-share 0.8 --rank fastest --html sweep.html
  lambda-esm sweep orders.yaml --json | jq '.verdict'

Exit codes: 0 done, and there is a change to recommend or nothing better than today's configuration; 1 nothing fulfils the \
constraints, the recommended change does not hold with all seeds, or it was stopped; 2 the scenario is invalid; 64 wrong \
usage, or nothing that could be swept.";

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The scenario, YAML or JSON.
    scenario: PathBuf,
    /// A parameter and its values; repeat it for a grid. Takes the place of what the scenario sets.
    #[arg(long, value_name = "PARAMETER=VALUES", value_parser = axis)]
    set: Vec<Axis>,
    /// What is best: cheapest (the default), fastest, or a figure.
    #[arg(long, value_name = "OBJECTIVE", value_parser = objective)]
    rank: Option<Objective>,
    /// What a configuration must fulfil, besides what the scenario expects.
    #[arg(long = "where", value_name = "BOUND", value_parser = constraint)]
    bounds: Vec<Expectation>,
    /// Which share of the functions' duration is work of the processor, which gets faster with memory_mb.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    cpu_share: Option<f64>,
    /// Decides everything that is left to chance, instead of the scenario's seed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many simulations run at a time; as many as there are processors unless given.
    #[arg(long, value_name = "COUNT")]
    jobs: Option<NonZero<usize>>,
    /// Show all configurations, not only the best 20.
    #[arg(long)]
    all: bool,
    /// Print everything as one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a page for a browser, too, with the trade-off as a picture.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Sweeps a scenario.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let file = ScenarioFile::load(&args.scenario).map_err(Failure::Invalid)?;
    let mut scenario = file.scenario;
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    let plan = plan(args, file.sweep, &scenario);
    let mut report = swept(args, &scenario, &plan)?;
    report.notes = file.notes;
    write(args, &report)?;
    if report.stopped {
        return Err(Failure::general(format!(
            "it was stopped: {} configurations were simulated",
            report.simulated
        )));
    }
    match &report.verdict {
        Verdict::Keep => Ok(()),
        Verdict::Change(change) if change.holds => Ok(()),
        _ => Err(Failure::Negative),
    }
}

/// Puts the plan together: what the command line says takes the place of what the scenario says, or comes besides.
fn plan(args: &Args, sweep: Option<SweepPlan>, scenario: &Scenario) -> SweepPlan {
    let mut plan = sweep.unwrap_or_else(|| SweepPlan {
        axes: Vec::new(),
        variants: Vec::new(),
        objective: Objective::CHEAPEST,
        constraints: scenario.expectations.clone(),
        memory: Vec::new(),
    });
    if !args.set.is_empty() {
        plan.axes.clone_from(&args.set);
        plan.variants.clear();
    }
    plan.objective = args.rank.unwrap_or(plan.objective);
    plan.constraints.extend(args.bounds.iter().cloned());
    if let Some(share) = args.cpu_share {
        plan.memory = vec![FunctionMemory {
            function: None,
            effect: MemoryEffect::CpuShare(share),
        }];
    }
    plan
}

fn swept(args: &Args, scenario: &Scenario, plan: &SweepPlan) -> Result<SweepReport, Failure> {
    let bar = progress::bar();
    let interrupt = Interrupt::listen(&bar)?;
    let jobs = args.jobs.or_else(|| available_parallelism().ok());
    let runs = Runs {
        jobs: jobs.unwrap_or(NonZero::<usize>::MIN),
        stop: &interrupt.stop,
        progress: &|seen| progress::show(&bar, seen),
    };
    let report = sweep(scenario, plan, runs, |tried: &Scenario| {
        simulate(tried, &mut |_| {})
    });
    bar.finish_and_clear();
    interrupt.end();
    report.map_err(|error| match error {
        SweepError::Plan(error) => Failure::Usage(error.to_string()),
        error @ SweepError::Simulation(_) => Failure::general(error.to_string()),
    })
}

fn write(args: &Args, report: &SweepReport) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        std::fs::write(path, html(report)).map_err(|error| {
            Failure::general(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    if args.json {
        return output::json(report);
    }
    output::line(text(report, output::width(), args.all).trim_end())
}
