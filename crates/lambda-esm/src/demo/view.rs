//! What the demo shows: one line per decision, or one JSON object.

use std::io::Write;

use lambda_esm_core::decision::Decision;
use lambda_esm_engine::{Engine, Event};
use serde_json::json;

use super::story::Summary;
use crate::failure::Failure;

pub(super) struct View {
    json: bool,
    color: bool,
    began_ms: Option<i64>,
}

impl View {
    pub(super) const fn new(json: bool, terminal: bool) -> Self {
        Self {
            json,
            color: terminal,
            began_ms: None,
        }
    }

    pub(super) fn title(&self, text: &str) -> Result<(), Failure> {
        if self.json {
            Ok(())
        } else {
            write(&format!("{text}\n\n"))
        }
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string(event).map_err(|error| {
                Failure::general(format!("a decision cannot be written as JSON: {error}"))
            })?;
            return write(&format!("{text}\n"));
        }
        let began = *self.began_ms.get_or_insert(event.time_ms);
        let millis = event.time_ms - began;
        let (on, off) = if self.color {
            (color(&event.decision), "\x1b[0m")
        } else {
            ("", "")
        };
        let (seconds, millis) = (millis / 1000, millis % 1000);
        write(&format!(
            "{seconds:>3}.{millis:03} s  {on}{}{off}\n",
            event.decision
        ))
    }

    /// Shows what the queue itself did: the redrive is no decision of the mapping.
    pub(super) fn dead_lettered(&self, engine: &Engine, messages: usize) -> Result<(), Failure> {
        if messages == 0 {
            return Ok(());
        }
        let now = engine.clock().now().millis();
        if self.json {
            return write(&format!(
                "{}\n",
                json!({ "time_ms": now, "dead_lettered": messages })
            ));
        }
        let millis = now - self.began_ms.unwrap_or(now);
        let (on, off) = if self.color {
            ("\x1b[35m", "\x1b[0m")
        } else {
            ("", "")
        };
        write(&format!(
            "{:>3}.{:03} s  {on}the queue's redrive policy moved {messages} to the dead-letter queue{off}\n",
            millis / 1000,
            millis % 1000,
        ))
    }

    pub(super) fn missed(&self, events: u64) -> Result<(), Failure> {
        if self.json {
            write(&format!("{}\n", json!({ "missed_events": events })))
        } else {
            write(&format!("           ({events} decisions are not shown)\n"))
        }
    }

    pub(super) fn summary(&self, summary: &Summary) -> Result<(), Failure> {
        if self.json {
            return write(&format!("{}\n", json!({ "summary": summary })));
        }
        let Summary {
            processed,
            left_in_queue,
            dead_lettered,
            counts,
        } = summary;
        write(&format!(
            "\n{} messages polled, {} filtered out, {} records sent to the function.\n\
             {processed} processed, {dead_lettered} in the dead-letter queue, \
             {left_in_queue} left in the queue.\n",
            counts.polled_event_count, counts.filtered_out_event_count, counts.invoked_event_count,
        ))
    }
}

const fn color(decision: &Decision) -> &'static str {
    match decision {
        Decision::Succeeded { .. } | Decision::Deleted { .. } => "\x1b[32m",
        Decision::Filtered { .. } => "\x1b[36m",
        Decision::PartiallyFailed { .. } | Decision::Deferred { .. } => "\x1b[33m",
        Decision::Failed { .. } | Decision::PollFailed { .. } | Decision::GivenUp { .. } => {
            "\x1b[31m"
        }
        _ => "",
    }
}

fn write(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::output)
}
