//! The command: begins the mappings, runs the test, and writes the report.

use std::time::Duration;

use lambda_esm_engine::{Clock, Engine};
use lambda_esm_lab::load::{LoadPlan, LoadTest, Wish};
use lambda_esm_lab::report::Report;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::arguments::Args;
use super::producers::producers;
use super::progress::Progress;
use super::{safety, workload};
use crate::config::Configuration;
use crate::failure::Failure;
use crate::run::{self, PROCESS_GRACE, Signals};
use crate::scenario::ScenarioFile;
use crate::{backends, output};

/// How many worker threads run.
const THREADS: u16 = 2;
/// How long threads have to end that wait for the system.
const THREADS_GRACE: Duration = Duration::from_secs(1);

/// Runs a load test, and tells what came of it.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let log = run::start_log(0)?;
    let runtime = run::runtime(Some(THREADS))?;
    let outcome = runtime.block_on(async {
        let outcome = Box::pin(load(args)).await;
        // A reader that takes nothing more misses the rest.
        drop(log.flushed().await);
        outcome
    });
    runtime.shutdown_timeout(THREADS_GRACE);
    outcome
}

async fn load(args: Args) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let files = run::raise();
    let (configuration, file) = read(&args).await?;
    let clock = Clock::system();
    let (scenario, notes) = workload::scenario(&args, &configuration, file, clock.now());
    safety::check(&configuration, &scenario, args.find_max, args.yes)?;
    let plan = LoadPlan {
        run: format!("load-{}", Uuid::new_v4().simple()),
        producers: producers(&configuration, &scenario, args.no_produce).await?,
        scenario,
        warm_up: args.warm_up,
    };
    let requests = plan.scenario.mappings.iter();
    let requests = requests.map(|plan| plan.request.clone()).collect();
    let mut test = LoadTest::new(plan, clock);
    let (observer, counted) = (test.observer(), test.count());
    let (engine, processes) = backends::engine_with(
        &configuration,
        files.before,
        |backend| test.observe(backend),
        |builder| builder.clock(clock).observer(observer).through(counted),
    )?;
    let outcome = async {
        let started = engine.start(requests).await;
        let started = started.map_err(|error| Failure::general(error.to_string()))?;
        for (place, made) in started.file.into_iter().enumerate() {
            let made = made.map_err(|error| Failure::general(error.to_string()))?;
            test.assign(made.uuid.parse().unwrap_or_default(), place);
        }
        measure(&args, &test, &engine, &mut signals).await
    };
    let outcome = outcome.await;
    engine.shutdown().await;
    processes.shutdown(PROCESS_GRACE).await;
    let (mut report, holds) = outcome?;
    report.notes.extend(notes);
    output::report(&report, args.json, args.html.as_deref())?;
    if holds {
        Ok(())
    } else {
        Err(Failure::Negative)
    }
}

/// Reads configuration and scenario.
async fn read(args: &Args) -> Result<(Configuration, Option<ScenarioFile>), Failure> {
    let (config, scenario) = (args.config.clone(), args.scenario.clone());
    let read = spawn_blocking(move || {
        let mut configuration = Configuration::load(&config).map_err(Failure::Configuration)?;
        // What a daemon has kept stays as it is.
        configuration.state_dir = None;
        configuration.options.detail = true;
        let file = scenario.map(|path| ScenarioFile::load(&path)).transpose();
        Ok((configuration, file.map_err(Failure::Invalid)?))
    });
    read.await
        .map_err(|error| Failure::general(format!("cannot read the configuration: {error}")))?
}

/// Runs the test, and tells whether all holds that is expected.
async fn measure(
    args: &Args,
    test: &LoadTest,
    engine: &Engine,
    signals: &mut Signals,
) -> Result<(Report, bool), Failure> {
    let progress = Progress::start(args.find_max);
    let (wish, wished) = watch::channel(Wish::GoOn);
    let running = async {
        test.begin(engine).await.map_err(Failure::general)?;
        let show = |now| progress.show(&now);
        if !args.find_max {
            let report = test.run(engine, wished, show).await;
            let holds = report.holds();
            return Ok((report, holds));
        }
        let found = test.find_max(engine, wished, show).await;
        let found = found.ok_or_else(|| {
            Failure::general("ended before a rate was tried; there is nothing to tell")
        })?;
        let mut report = found.report;
        report.notes.insert(0, found.found);
        Ok((report, found.holds))
    };
    tokio::pin!(running);
    let outcome = tokio::select! {
        outcome = &mut running => outcome,
        signal = signals.next() => {
            progress.say(&format!("{signal}: no more records are put; again to end the test"));
            wish.send_replace(Wish::Drain);
            tokio::select! {
                outcome = &mut running => outcome,
                _ = signals.again() => {
                    wish.send_replace(Wish::End);
                    running.await
                }
            }
        }
    };
    progress.end();
    outcome
}
