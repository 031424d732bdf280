//! `lambda-esm demo`: the whole way of a message and of a record, without a server.

mod orders;
mod readings;
mod summary;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_engine::{Clock, Counts, Engine, EngineOptions, Event, Events, Heard};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::failure::Failure;
use orders::{Orders, OrdersSummary};
use readings::{Mean, Readings, ReadingsSummary};
use summary::Summary;
use view::View;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many messages to send to the queue.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    messages: u32,
    /// Print one JSON object per decision, and the summary as the last line.
    #[arg(long)]
    json: bool,
}

/// How long the demo may take at most, whatever happens.
const LIMIT: Duration = Duration::from_secs(20);

/// Plays the demo on standard output.
///
/// # Errors
/// Fails if standard output cannot be written, or if the story does not come to its end in time.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let clock = Clock::system();
    let orders = Orders::new(clock);
    let (readings, means) = Readings::new(clock);
    let options = EngineOptions::default().with_detail(true);
    let builder = Engine::builder().options(options).clock(clock);
    let engine = readings.register(orders.register(builder)).build();
    let view = View::new(args.json, std::io::stdout().is_terminal());
    let mut stage = Stage { engine, view };
    let acts = async {
        let queue = stage.play_orders(&orders, args.messages).await?;
        let stream = stage.play_readings(&readings, means).await?;
        stage.view.end(&Summary { queue, stream })
    };
    let ended = tokio::time::timeout(LIMIT, acts).await;
    stage.engine.shutdown().await;
    std::io::stdout().flush().map_err(Failure::output)?;
    ended.map_err(|_| Failure::general("the demo did not come to its end in time"))?
}

/// What both acts play on.
struct Stage {
    engine: Engine,
    view: View,
}

impl Stage {
    /// Sends messages until each has found its end.
    async fn play_orders(
        &mut self,
        orders: &Orders,
        messages: u32,
    ) -> Result<OrdersSummary, Failure> {
        self.view.title(&orders.introduction())?;
        let mut events = self.engine.events();
        let mapping = self.create(orders.mapping()).await?;
        let sending = orders.send(messages);
        tokio::pin!(sending);
        let mut sent = false;
        let mut dead = 0;
        let mut check = tokio::time::interval(Duration::from_millis(100));
        while !(sent && orders.is_over() && orders.dead_letters() == dead) {
            tokio::select! {
                heard = events.next() => drop(self.show(heard)?),
                result = &mut sending, if !sent => {
                    result?;
                    sent = true;
                }
                _ = check.tick() => {
                    let moved = orders.dead_letters() - dead;
                    dead += moved;
                    let now = self.engine.clock().now().millis();
                    self.view.dead_lettered(now, moved)?;
                }
            }
        }
        self.show_rest(&mut events)?;
        let summary = orders.summary(self.counts(mapping));
        self.view.orders(&summary)?;
        Ok(summary)
    }

    /// Puts readings until the last window is over, and that is kept.
    async fn play_readings(
        &mut self,
        readings: &Readings,
        mut means: mpsc::UnboundedReceiver<Mean>,
    ) -> Result<ReadingsSummary, Failure> {
        self.view.title(&readings.introduction())?;
        let mut events = self.engine.events();
        let mapping = self.create(readings.mapping()).await?;
        let putting = readings.put();
        tokio::pin!(putting);
        let mut put = false;
        let mut windows = Vec::new();
        loop {
            tokio::select! {
                heard = events.next() => {
                    let Some(event) = self.show(heard)? else { continue };
                    // What the function said in an invocation came before its success.
                    if let Decision::Succeeded { .. } = event.decision
                        && let Ok(mean) = means.try_recv()
                    {
                        windows.push(mean);
                        self.view.window(event.time_ms, mean)?;
                    }
                    let kept = matches!(event.decision, Decision::Checkpointed { .. });
                    if kept && windows.len() == readings.windows() {
                        break;
                    }
                }
                result = &mut putting, if !put => {
                    result?;
                    put = true;
                }
            }
        }
        self.show_rest(&mut events)?;
        let summary = readings.summary(windows, self.counts(mapping));
        self.view.readings(&summary)?;
        Ok(summary)
    }

    async fn create(&self, mapping: Value) -> Result<Uuid, Failure> {
        let fault = |error: &dyn std::fmt::Display| {
            Failure::general(format!("the demo's mapping: {error}"))
        };
        let mapping: CreateEventSourceMapping =
            serde_json::from_value(mapping).map_err(|error| fault(&error))?;
        let created = self.engine.create(mapping).await;
        let uuid = created.map_err(|error| fault(&error))?.uuid;
        uuid.parse().map_err(|error| fault(&error))
    }

    fn counts(&self, mapping: Uuid) -> Counts {
        let status = self.engine.mapping_status(mapping);
        status.map_or_else(Counts::default, |status| status.counts)
    }

    /// Shows a decision.
    fn show(&mut self, heard: Option<Heard>) -> Result<Option<Event>, Failure> {
        match heard {
            Some(Heard::Event(event)) => {
                self.view.event(&event)?;
                Ok(Some(event))
            }
            Some(Heard::Missed(missed)) => self.view.missed(missed).map(|()| None),
            Some(_) => Ok(None),
            None => Err(Failure::general("the demo's engine has ended")),
        }
    }

    /// Shows what was decided just before the end of an act.
    fn show_rest(&mut self, events: &mut Events) -> Result<(), Failure> {
        while let Some(heard) = events.next_now() {
            self.show(Some(heard))?;
        }
        Ok(())
    }
}
