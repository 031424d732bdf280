//! `lambda-esm demo`: the whole way of a message, without a server.

mod story;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::failure::Failure;
use story::Story;
use view::View;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many messages to send.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    messages: u32,
    /// Print one JSON object per decision, and the summary as the last line.
    #[arg(long)]
    json: bool,
}

/// How long the demo may take at most, whatever happens.
const LIMIT: Duration = Duration::from_secs(14);

/// Plays the demo on standard output.
///
/// # Errors
/// Fails if standard output cannot be written, or if the story does not come to its end in time.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let story = Story::begin().await?;
    let mut view = View::new(args.json, std::io::stdout().is_terminal());
    view.title(&story.introduction())?;
    let ended = tokio::time::timeout(LIMIT, play(&story, &mut view, args.messages)).await;
    view.summary(&story.summary())?;
    story.engine.shutdown().await;
    std::io::stdout().flush().map_err(Failure::output)?;
    ended.map_err(|_| Failure::general("the demo did not come to its end in time"))?
}

async fn play(story: &Story, view: &mut View, messages: u32) -> Result<(), Failure> {
    let mut events = story.engine.events();
    let sending = story.send(messages);
    tokio::pin!(sending);
    let mut sent = false;
    let mut dead = 0;
    let mut check = tokio::time::interval(Duration::from_millis(100));
    while !(sent && story.is_over() && story.dead_letters() == dead) {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => view.event(&event)?,
                Err(RecvError::Lagged(missed)) => view.missed(missed)?,
                Err(RecvError::Closed) => return Ok(()),
            },
            result = &mut sending, if !sent => {
                result?;
                sent = true;
            }
            _ = check.tick() => {
                let moved = story.dead_letters() - dead;
                dead += moved;
                view.dead_lettered(&story.engine, moved)?;
            }
        }
    }
    drain_events(view, &mut events)
}

/// Shows what was decided just before the end.
fn drain_events(
    view: &mut View,
    events: &mut tokio::sync::broadcast::Receiver<lambda_esm_engine::Event>,
) -> Result<(), Failure> {
    while let Ok(event) = events.try_recv() {
        view.event(&event)?;
    }
    Ok(())
}
