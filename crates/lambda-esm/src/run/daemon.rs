//! From start to end of the daemon.

use std::time::Duration;

use lambda_esm_engine::Engine;
use tokio::runtime::{Builder, Runtime};
use tokio::task::spawn_blocking;

use super::Args;
use super::api::Api;
use super::limits::{self, OpenFiles};
use super::reporter::Reporter;
use super::signals::Signals;
use crate::backends::{self, Processes};
use crate::config::{Configuration, RecordSettings};
use crate::failure::Failure;
use crate::recording::RecordingFiles;
use crate::warnings;

/// How long a function's process has to end after it was asked to.
pub(crate) const PROCESS_GRACE: Duration = Duration::from_secs(2);

/// How long open receives have to end when the daemon stops at once.
const RECEIVES_GRACE: Duration = Duration::from_secs(2);

/// Returns a runtime: with `workers` threads beside this one, or on this thread alone.
pub(crate) fn runtime(workers: Option<u16>) -> Result<Runtime, Failure> {
    let mut builder = match workers {
        Some(workers) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(workers.into());
            builder
        }
        None => Builder::new_current_thread(),
    };
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::general(format!("cannot start threads: {error}")))
}

/// Runs all mappings of a file until a signal comes, and then stops in order.
pub(super) async fn run(args: &Args) -> Result<(), Failure> {
    // From here on no signal ends what has begun.
    let mut signals = Signals::listen()?;
    let files = limits::raise();
    let path = args.config.clone();
    // Reading may wait, as for a pipe; a signal ends that, and there is nothing to be finished.
    let mut configuration = tokio::select! {
        loaded = spawn_blocking(move || Configuration::load(&path)) => loaded
            .map_err(|error| Failure::general(format!("cannot read the configuration: {error}")))?
            .map_err(Failure::Configuration)?,
        _ = signals.next() => return Ok(()),
    };
    if let Some(folder) = args.record.clone() {
        configuration.record = Some(match configuration.record.take() {
            Some(settings) => RecordSettings { folder, ..settings },
            None => RecordSettings::to(folder),
        });
    }
    serve(&configuration, args.json, files, &mut signals).await
}

async fn serve(
    configuration: &Configuration,
    json: bool,
    files: OpenFiles,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let recording = RecordingFiles::begin(configuration)?;
    let recorded = |builder| match &recording {
        Some(recording) => recording.attach(builder),
        None => builder,
    };
    let around = |backend| backend;
    let (engine, processes) = backends::engine_with(configuration, files.before, around, recorded)?;
    let mut api = Api::bind(configuration)?;
    let mut reporter = Reporter::new(&engine, json)?;
    for warning in warnings::of(configuration, files.now) {
        tracing::warn!("{warning}");
    }
    let result = tokio::select! {
        result = work(configuration, &engine, &mut api, &mut reporter) => result,
        signal = signals.next() => {
            tracing::info!("{signal}: finishing what is in flight; again to stop at once");
            Ok(())
        }
    };
    api.end().await;
    let stopped = stop(&engine, &processes, &mut reporter, signals).await;
    if let Some(recording) = &recording {
        recording.finish().await;
    }
    stopped.and(result)
}

/// Starts the mappings, and reports until standard output is closed.
async fn work(
    configuration: &Configuration,
    engine: &Engine,
    api: &mut Api,
    reporter: &mut Reporter,
) -> Result<(), Failure> {
    for note in &configuration.notes {
        tracing::info!("{note}");
    }
    let requests = configuration
        .mappings
        .iter()
        .map(|settings| settings.request.clone());
    let started = engine
        .start(requests.collect())
        .await
        .map_err(|error| Failure::general(error.to_string()))?;
    for (uuid, error) in &started.unusable {
        tracing::error!("mapping {uuid} was kept, and cannot be used any more: {error}");
    }
    let begun = configuration.mappings.iter().zip(started.file);
    for (index, (settings, configured)) in begun.enumerate() {
        if let Err(error) = configured {
            let (file, line) = (configuration.file.display(), settings.location.line);
            let text = format!("{file}:{line}: mappings[{index}]: {error}");
            return Err(Failure::general(text));
        }
        for note in &settings.notes {
            tracing::warn!("mappings[{index}]: {note}");
        }
        if !reporter.is_json() {
            reporter.line(&settings.mapping.explain().join("\n  "));
        }
    }
    api.serve(engine)?;
    let count = engine.list().len();
    let plural = if count == 1 { "" } else { "s" };
    tracing::info!("{count} mapping{plural} running; Ctrl-C stops");
    reporter.report(engine).await
}

/// Drains; a second signal ends that at once.
async fn stop(
    engine: &Engine,
    processes: &Processes,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let in_order = async {
        engine.shutdown().await;
        processes.shutdown(PROCESS_GRACE).await;
    };
    tokio::pin!(in_order);
    tokio::select! {
        () = &mut in_order => {}
        // What is decided on the way is still reported; a closed output does not stop the draining.
        _ = reporter.report(engine) => {
            tokio::select! {
                () = &mut in_order => {}
                signal = signals.again() => return Err(cut_short(engine, processes, signals, signal).await),
            }
        }
        signal = signals.again() => return Err(cut_short(engine, processes, signals, signal).await),
    }
    reporter.finish(engine).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Stops at once. Only open receives are waited for, for a moment and until a third signal: what they bring
/// would stay hidden otherwise.
async fn cut_short(
    engine: &Engine,
    processes: &Processes,
    signals: &mut Signals,
    signal: &str,
) -> Failure {
    let halt = async {
        tokio::join!(engine.halt(), processes.shutdown(Duration::ZERO));
    };
    tokio::select! {
        _ = tokio::time::timeout(RECEIVES_GRACE, halt) => {}
        _ = signals.again() => {}
    }
    processes.shutdown(Duration::ZERO).await;
    Failure::general(format!(
        "{signal} again: stopped before everything in flight was finished; unfinished messages return \
         after their visibility timeout, unfinished records of a stream are read again"
    ))
}
