//! Shows decisions and the status of mappings, as they change.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::lifecycle::State;
use lambda_esm_engine::{Engine, Event, Events, Heard, MappingStatus, StatusWatch};
use serde::Serialize;
use tokio::sync::watch;
use tracing::Level;
use uuid::Uuid;

use crate::background_writer::BackgroundWriter;
use crate::failure::Failure;
use crate::output;
use crate::run::mapping_log;

/// How long a mapping's status rests after it was looked at, so that one that flutters cannot flood the
/// log.
const REST: Duration = Duration::from_millis(500);

/// About how many bytes of decisions are written at a time.
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// What is compared to tell whether a status is worth a line.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    state: State,
    problem: Option<String>,
}

/// A line of `--json` about a mapping.
#[derive(Serialize)]
struct StatusLine {
    time_ms: i64,
    mapping: Uuid,
    status: MappingStatus,
}

type Change = BoxFuture<'static, (Uuid, Option<StatusWatch>)>;

/// Tells on standard output what is decided, or in the log. A reader of standard output that stalls holds up
/// neither the mappings nor their end: decisions that it does not take in time are counted, and not shown.
pub(super) struct Reporter {
    json: bool,
    output: BackgroundWriter,
    decisions: Option<Events>,
    changes: FuturesUnordered<Change>,
    seen: HashMap<Uuid, Seen>,
    /// The levels of mappings' own logs, of mappings that were asked for them.
    log_levels: HashMap<Uuid, Option<Level>>,
    added: watch::Receiver<()>,
    watched: HashSet<Uuid>,
}

impl Reporter {
    /// Begins to listen. Of decisions, all are told with `json`, else those that lose records.
    pub(super) fn new(engine: &Engine, json: bool) -> Result<Self, Failure> {
        // What is put in waits for its turn, so that nothing is dropped.
        let output = BackgroundWriter::start(std::io::stdout(), |_| {})?;
        Ok(Self {
            json,
            output,
            decisions: Some(engine.events()),
            changes: FuturesUnordered::new(),
            seen: HashMap::new(),
            log_levels: HashMap::new(),
            added: engine.added(),
            watched: HashSet::new(),
        })
    }

    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    /// Writes text on standard output. It is not much, and waits for no reader.
    pub(super) fn line(&self, text: &str) {
        self.output.put(output::shown(text));
    }

    /// Begins to watch the mappings that are not watched yet: of the file, of the store, of the API.
    fn watch_new(&mut self, engine: &Engine) {
        for status in engine.status() {
            let uuid = status.uuid;
            if self.watched.insert(uuid)
                && let Some(watch) = engine.watch(uuid)
            {
                self.changes
                    .push(Box::pin(async move { (uuid, Some(watch)) }));
            }
        }
    }

    /// Returns what a mapping is to log of itself. The first decision of a mapping may come before anything else of
    /// it is known here.
    fn log_level(&mut self, engine: &Engine, uuid: Uuid) -> Option<Level> {
        if let Some(known) = self.log_levels.get(&uuid) {
            return *known;
        }
        let level = mapping_log::level(&engine.get(uuid).ok()?);
        self.log_levels.insert(uuid, level);
        level
    }

    /// Reports until standard output is closed. Cancel safe.
    pub(super) async fn report(&mut self, engine: &Engine) -> Result<(), Failure> {
        loop {
            // Decisions wait in the engine, and are counted there if there are too many.
            self.output.has_room().await?;
            let decision = async {
                match &mut self.decisions {
                    Some(decisions) => decisions.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = decision => match event {
                    Some(Heard::Event(event)) => self.decided(engine, &event)?,
                    Some(Heard::Missed(missed)) => missed_some(missed),
                    Some(_) => {}
                    None => self.decisions = None,
                },
                Ok(()) = self.added.changed() => self.watch_new(engine),
                Some((uuid, watch)) = self.changes.next() => {
                    if let Some(watch) = watch {
                        self.changes.push(next_change(uuid, watch));
                    }
                    self.changed(engine, uuid)?;
                }
            }
        }
    }

    /// Reports what was decided since, and waits until that is written as long as somebody reads.
    pub(super) async fn finish(&mut self, engine: &Engine) -> Result<(), Failure> {
        while let Some(event) = self.next_decided() {
            self.decided(engine, &event)?;
        }
        let watched: Vec<Uuid> = self.seen.keys().copied().collect();
        for uuid in watched {
            self.changed(engine, uuid)?;
        }
        if !self.output.flushed().await? {
            tracing::warn!("nobody reads standard output; what was told last is not shown");
        }
        Ok(())
    }

    /// Returns the next decision, if it is there already.
    fn next_decided(&mut self) -> Option<Event> {
        loop {
            match self.decisions.as_mut()?.next_now()? {
                Heard::Event(event) => return Some(event),
                Heard::Missed(missed) => missed_some(missed),
                _ => {}
            }
        }
    }

    /// Shows a decision, and those that are there already with it.
    fn decided(&mut self, engine: &Engine, first: &Event) -> Result<(), Failure> {
        if !self.json {
            let (function, decision) = (&first.function, &first.decision);
            if let Some(level) = self.log_level(engine, first.mapping) {
                mapping_log::log(first, level);
            } else if is_loss(decision) {
                tracing::warn!(%function, "{decision}");
            } else {
                tracing::debug!(%function, "{decision}");
            }
            return Ok(());
        }
        let mut lines = Vec::new();
        output::append_json(&mut lines, first)?;
        while lines.len() < WRITTEN_AT_ONCE
            && let Some(event) = self.next_decided()
        {
            output::append_json(&mut lines, &event)?;
        }
        self.output.put(lines);
        Ok(())
    }

    fn changed(&mut self, engine: &Engine, uuid: Uuid) -> Result<(), Failure> {
        self.log_levels.remove(&uuid);
        let Some(status) = engine.mapping_status(uuid) else {
            self.seen.remove(&uuid);
            self.watched.remove(&uuid);
            return Ok(());
        };
        let now = Seen {
            state: status.state,
            problem: status.problem.clone(),
        };
        let before = self.seen.insert(uuid, now.clone());
        if before.as_ref() == Some(&now) {
            return Ok(());
        }
        if self.json {
            let line = StatusLine {
                time_ms: engine.clock().now().millis(),
                mapping: uuid,
                status,
            };
            let mut lines = Vec::new();
            output::append_json(&mut lines, &line)?;
            self.output.put(lines);
            return Ok(());
        }
        log(&status, before.as_ref());
        Ok(())
    }
}

/// Waits for a change of a mapping whose status was just looked at.
fn next_change(uuid: Uuid, mut watch: StatusWatch) -> Change {
    Box::pin(async move {
        if !watch.changed().await {
            return (uuid, None);
        }
        tokio::time::sleep(REST).await;
        (uuid, Some(watch))
    })
}

fn log(status: &MappingStatus, before: Option<&Seen>) {
    let (source, function) = (&status.source, &status.function);
    let had_problem = before.is_some_and(|before| before.problem.is_some());
    match &status.problem {
        Some(problem) => {
            tracing::warn!(%source, %function, "{problem} (trying again, with back-off)")
        }
        None if had_problem => tracing::info!(%source, %function, "works again"),
        None if matches!(status.state, State::Creating | State::Enabling) => {}
        None => tracing::info!(%source, %function, state = ?status.state, "state changed"),
    }
}

/// Tells whether records are given up, left out or gone, or failures are ignored: nobody should have to ask for
/// that.
const fn is_loss(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::FailuresIgnored { .. }
            | Decision::Discarded { .. }
            | Decision::DeliveryFailed { .. }
            | Decision::RecordsExpired { .. }
            | Decision::HistoryLost { .. }
            | Decision::PassedOver { .. }
            | Decision::StreamRecreated { .. }
            | Decision::RingBroken { .. }
            | Decision::WindowDropped { .. }
    )
}

fn missed_some(events: u64) {
    tracing::warn!(
        events,
        "decisions came faster than they could be written; some are not shown"
    );
}
