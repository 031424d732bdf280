//! `lambda-esm top`: what all mappings of a daemon do, live.

mod collect;
mod format;
mod rates;
mod screen;
mod table;
mod terminal;

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::client::{Client, DaemonArgs};
use crate::failure::Failure;
use crate::run::Signals;
use crate::{output, run};
use collect::Collector;
use terminal::Terminal;

const EXAMPLES: &str = "\
Above, one line for each mapping: its state; how many batches it allows itself at a time (of a stream, its lanes \
in all shards); batches running, batches waiting, records gathered for the next (of a stream, read and not \
settled); and records per second. Of streams also the records given up since the daemon began, dropped or told \
to the on-failure destination, and the age of the last record sent. Below, what was decided last. Times are UTC. \
Ctrl-C ends.

Examples:
  lambda-esm top
  lambda-esm top --once
  lambda-esm top --endpoint http://127.0.0.1:9561

Exit codes: 0 done, 1 failure, 64 wrong usage.";

/// How often the screen is drawn.
const TICK: Duration = Duration::from_secs(1);

/// Arguments of `top`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,
    /// Print one screen as plain text, with totals in place of rates, and end.
    #[arg(long)]
    once: bool,
}

/// Shows mappings until a signal comes.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let client = Client::new(&args.daemon)?;
    run::runtime(None)?.block_on(async {
        let mut collector = Collector::new(&client);
        if args.once {
            collector.collect().await?;
            return output::line(&screen::plain_screen(&collector.view(None)));
        }
        if !std::io::stdout().is_terminal() {
            let text = "top needs a terminal; use `lambda-esm top --once` for plain text";
            return Err(Failure::Usage(text.to_owned()));
        }
        watch(&mut collector).await
    })
}

async fn watch(collector: &mut Collector<'_>) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let mut resized = signal(SignalKind::window_change())
        .map_err(|error| Failure::general(format!("cannot listen for signals: {error}")))?;
    // What fails now is an error; what fails later is shown, and tried again.
    collector.collect().await?;
    let terminal = Terminal::enter()?;
    let outcome = show(collector, &terminal, &mut signals, &mut resized).await;
    terminal.leave().await;
    outcome
}

async fn show(
    collector: &mut Collector<'_>,
    terminal: &Terminal,
    signals: &mut Signals,
    resized: &mut Signal,
) -> Result<(), Failure> {
    let mut trouble = None;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        let size = terminal.size();
        let screen = screen::screen(&collector.view(trouble.as_deref()), size);
        terminal.draw(&screen).await?;
        tokio::select! {
            _ = signals.next() => return Ok(()),
            _ = resized.recv() => {}
            _ = ticks.tick() => {
                let collected = tokio::select! {
                    collected = collector.collect() => collected,
                    _ = signals.next() => return Ok(()),
                };
                trouble = collected.err().map(|failure| failure.to_string());
            }
        }
    }
}
