//! What the demo shows: one line per decision, or one JSON object.

use std::io::Write;

use lambda_esm_core::decision::Decision;
use lambda_esm_core::text::plain;
use lambda_esm_engine::Event;
use serde_json::{Value, json};

use super::orders::OrdersSummary;
use super::readings::{Mean, ReadingsSummary};
use super::summary::Summary;
use crate::failure::Failure;
use crate::output;

/// How many digits of a long number are shown: sequence numbers of Kinesis have 56, and differ at the end.
const DIGITS: usize = 6;

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

    /// Begins an act.
    pub(super) fn title(&mut self, text: &str) -> Result<(), Failure> {
        self.began_ms = None;
        if self.json {
            Ok(())
        } else {
            write(&format!("{text}\n\n"))
        }
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        if self.json {
            return output::json(event);
        }
        let color = color(&event.decision);
        self.line(
            event.time_ms,
            color,
            &shortened(&plain(&event.decision.to_string())),
        )
    }

    fn line(&mut self, time_ms: i64, color: &str, text: &str) -> Result<(), Failure> {
        let began = *self.began_ms.get_or_insert(time_ms);
        let millis = time_ms - began;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (on, off) = match color {
            "" => ("", ""),
            _ if !self.color => ("", ""),
            color => (color, "\x1b[0m"),
        };
        write(&format!("{seconds:>3}.{millis:03} s  {on}{text}{off}\n"))
    }

    /// Shows what the queue itself did: the redrive is no decision of the mapping.
    pub(super) fn dead_lettered(&mut self, time_ms: i64, messages: usize) -> Result<(), Failure> {
        if messages == 0 {
            return Ok(());
        }
        let text = format!("the queue's redrive policy moved {messages} to the dead-letter queue");
        self.aside(time_ms, "dead_lettered", &json!(messages), &text)
    }

    /// Shows what the function made of a window.
    pub(super) fn window(&mut self, time_ms: i64, mean: Mean) -> Result<(), Failure> {
        let Mean { readings, celsius } = mean;
        let text = format!("the function says: {readings} readings, {celsius:.1} °C in the mean");
        self.aside(time_ms, "window", &json!(mean), &text)
    }

    /// Shows what happened outside of the mapping.
    fn aside(
        &mut self,
        time_ms: i64,
        name: &str,
        value: &Value,
        text: &str,
    ) -> Result<(), Failure> {
        if self.json {
            return write(&format!("{}\n", json!({ "time_ms": time_ms, name: value })));
        }
        self.line(time_ms, "\x1b[35m", text)
    }

    pub(super) fn missed(&self, events: u64) -> Result<(), Failure> {
        if self.json {
            write(&format!("{}\n", json!({ "missed_events": events })))
        } else {
            write(&format!("           ({events} decisions are not shown)\n"))
        }
    }

    /// Ends the act of the queue.
    pub(super) fn orders(&self, summary: &OrdersSummary) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let OrdersSummary {
            processed,
            left_in_queue,
            dead_lettered,
            counts,
        } = summary;
        write(&format!(
            "\n{} messages polled, {} filtered out, {} records sent to the function.\n\
             {processed} processed, {dead_lettered} in the dead-letter queue, \
             {left_in_queue} left in the queue.\n\n",
            counts.polled_event_count, counts.filtered_out_event_count, counts.invoked_event_count,
        ))
    }

    /// Ends the act of the stream.
    pub(super) fn readings(&self, summary: &ReadingsSummary) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let ReadingsSummary {
            windows,
            told,
            counts,
        } = summary;
        write(&format!(
            "\n{} readings polled, {} averaged in {} windows, {} given up. The destination was told:\n",
            counts.polled_event_count,
            windows.iter().map(|mean| mean.readings).sum::<u32>(),
            windows.len(),
            counts.on_failure_destination_delivered_event_count,
        ))?;
        told.iter()
            .try_for_each(|told| write(&format!("{}\n", shortened(told.get()))))
    }

    /// Ends the demo.
    pub(super) fn end(&self, summary: &Summary) -> Result<(), Failure> {
        if self.json {
            write(&format!("{}\n", json!({ "summary": summary })))
        } else {
            Ok(())
        }
    }
}

/// Leaves out the beginnings of long numbers.
fn shortened(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|letter: char| !letter.is_ascii_digit());
        let (number, after) = number.split_at(end.unwrap_or(number.len()));
        short.push_str(before);
        if number.len() > 3 * DIGITS {
            short.push('…');
            short.push_str(&number[number.len() - DIGITS..]);
        } else {
            short.push_str(number);
        }
        rest = after;
    }
    short.push_str(rest);
    short
}

const fn color(decision: &Decision) -> &'static str {
    match decision {
        Decision::Succeeded { .. } | Decision::Deleted { .. } | Decision::Checkpointed { .. } => {
            "\x1b[32m"
        }
        Decision::Filtered { .. } | Decision::WindowEnding { .. } => "\x1b[36m",
        Decision::PartiallyFailed { .. }
        | Decision::Deferred { .. }
        | Decision::AttemptFailed { .. }
        | Decision::PartlyProcessed { .. }
        | Decision::Delivered { .. } => "\x1b[33m",
        Decision::Failed { .. }
        | Decision::PollFailed { .. }
        | Decision::GivenUp { .. }
        | Decision::Discarded { .. } => "\x1b[31m",
        _ => "",
    }
}

fn write(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_shown_by_their_ends() {
        let number = "49590338271490256608559692538361571095921575989136588898";
        assert_eq!(
            shortened(&format!("{number} of shardId-000000000000, {number}, 5°")),
            "…588898 of shardId-000000000000, …588898, 5°"
        );
    }
}
