//! `lambda-esm load`: the workload of a simulation, with real servers in real time.

mod duration;
mod producers;
mod progress;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lambda_esm_lab::load::{LoadPlan, LoadTest};
use lambda_esm_lab::scenario::{Arrivals, Bodies, Distribution, Keys, Prices, Span, Workload};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::backends;
use crate::config::Configuration;
use crate::failure::Failure;
use crate::output;
use crate::run::{self, PROCESS_GRACE, Signals, runtime};
use duration::duration;
use progress::Progress;

const EXAMPLES: &str = "\
Examples:
  lambda-esm load my.yaml --rate 200 --duration 30s

Exit codes: 0 done, 1 failure, 64 wrong usage, 78 invalid configuration.";

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The daemon's configuration: where sources are, functions and mappings.
    config: PathBuf,
    /// How many records per second are put into each source.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// How long figures are taken.
    #[arg(long, default_value = "60s", value_parser = duration)]
    duration: Duration,
    /// How long records are put before figures are taken.
    #[arg(long, default_value = "10s", value_parser = duration)]
    warm_up: Duration,
    /// How long records may take at the end until all are processed.
    #[arg(long, default_value = "60s", value_parser = duration)]
    drain: Duration,
}

/// How many worker threads run.
const THREADS: u16 = 2;
/// How long threads have to end that wait for the system.
const THREADS_GRACE: Duration = Duration::from_secs(1);

/// Runs a load test, and tells what came of it.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let log = run::start_log(0)?;
    let runtime = runtime(Some(THREADS))?;
    let outcome = runtime.block_on(async {
        let outcome = test(args).await;
        drop(log.flushed().await);
        outcome
    });
    runtime.shutdown_timeout(THREADS_GRACE);
    outcome
}

async fn test(args: Args) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let files = run::raise();
    let path = args.config.clone();
    let mut configuration = spawn_blocking(move || Configuration::load(&path))
        .await
        .map_err(|error| Failure::general(format!("cannot read the configuration: {error}")))?
        .map_err(Failure::Configuration)?;
    // What the daemon has kept stays as it is.
    configuration.state_dir = None;
    let workload = Workload {
        arrivals: vec![Arrivals::Constant {
            rate: args.rate,
            span: Span {
                from: Duration::ZERO,
                until: args.warm_up + args.duration,
            },
        }],
        keys: Keys {
            count: 1_000,
            skew: 0.0,
        },
        size: Distribution::Fixed(200.0),
        bodies: Bodies::Filler,
    };
    let plan = LoadPlan {
        name: args.config.display().to_string(),
        run: format!("load-{}", Uuid::new_v4().simple()),
        seed: 1,
        sources: producers::sources(&configuration, &workload).await?,
        warm_up: args.warm_up,
        duration: args.duration,
        drain: args.drain,
        expectations: Vec::new(),
        prices: Prices::default(),
    };
    let load = LoadTest::new(plan);
    let observe = |backend| load.observe(backend);
    let (engine, processes) = backends::engine_with(&configuration, files.before, observe)?;
    let requests = configuration
        .mappings
        .iter()
        .map(|settings| settings.request.clone());
    let started = engine
        .start(requests.collect())
        .await
        .map_err(|error| Failure::general(error.to_string()))?;
    for error in started.file.into_iter().filter_map(Result::err) {
        return Err(Failure::general(error.to_string()));
    }
    let (stop, stopped) = watch::channel(false);
    let progress = Arc::new(Progress::start());
    let shown = progress.clone();
    let running = load.run(&engine, stopped, move |now| shown.show(&now));
    tokio::pin!(running);
    let outcome = tokio::select! {
        outcome = &mut running => outcome,
        signal = signals.next() => {
            progress.say(&format!("{signal}: no more records; waiting for those under way"));
            stop.send_replace(true);
            running.await
        }
    };
    progress.end();
    engine.shutdown().await;
    processes.shutdown(PROCESS_GRACE).await;
    output::line(&outcome.map_err(Failure::General)?)
}
