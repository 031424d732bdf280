//! What happened in a scenario, one line of text per event.

use lambda_esm_core::Timestamp;
use lambda_esm_core::stream::{Checkpoint, Start};
use serde_json::Value;

use super::decisions;
use super::run::Played;
use super::text::{Span, brief};
use crate::world::around::Happening;
use crate::world::call::{Call, Discard};

/// One event. The first word of its text is its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Span,
    pub(crate) text: String,
}

impl Line {
    pub(crate) fn kind(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }
}

/// Returns everything that happened.
pub(crate) fn lines(played: &Played) -> Vec<Line> {
    let happenings = played.world.happenings.iter().enumerate();
    happenings
        .filter_map(|(index, (at, happening))| {
            Some(Line {
                at: Span::from(*at),
                text: text(played, index, happening)?,
            })
        })
        .collect()
}

fn text(played: &Played, index: usize, happening: &Happening) -> Option<String> {
    Some(match happening {
        Happening::List => "list".to_owned(),
        Happening::Open(shard, from) => format!("open {shard} {}", start(played, from)),
        Happening::Fetch(shard, records) => format!("fetch {shard} {records}"),
        Happening::Invoke(index) => invocation(played, &played.world.calls[*index]),
        Happening::Deliver(discard, answered) => {
            let failed = if *answered { "" } else { " -> failed" };
            format!("deliver {}{failed}", discarded(played, discard))
        }
        Happening::Commit(shard, checkpoint) => {
            format!("checkpoint {shard} {}", place(played, checkpoint))
        }
        Happening::Decided(decision) => decisions::text(played, index, decision)?,
    })
}

fn invocation(played: &Played, call: &Call) -> String {
    let mut text = "invoke".to_owned();
    let names: Vec<&str> = call
        .records
        .iter()
        .map(|record| played.name(record))
        .collect();
    if !names.is_empty() {
        text = format!("{text} {}", brief(&names));
    }
    if let Some(window) = &call.window {
        if window.is_final {
            text += " final";
        }
        if window.early {
            text += " early";
        }
        let (start, end) = (iso(&window.start), iso(&window.end));
        text = format!(
            "{text} window {start}..{end} state {}",
            state(window.state.get())
        );
    }
    if !call.outcome.is_empty() {
        text = format!("{text} -> {}", call.outcome);
    }
    text
}

/// Returns a time of an event in the scenario's terms.
fn iso(text: &str) -> String {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map_or_else(
        |_| text.to_owned(),
        |time| Span::from(Timestamp(time.as_millisecond())).to_string(),
    )
}

/// Spells what the function noted in the state, or the state itself.
fn state(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    match value.as_object() {
        Some(map) if map.len() == 1 && map.contains_key("seen") => {
            let seen: Vec<&str> = map["seen"]
                .as_str()
                .unwrap_or_default()
                .split(' ')
                .collect();
            format!("[{}]", brief(&seen))
        }
        _ if text.len() > 100 => format!("({} bytes)", text.len()),
        _ => text.to_owned(),
    }
}

pub(crate) fn discarded(played: &Played, discard: &Discard) -> String {
    let names = played.between(&discard.shard, &discard.first, &discard.last);
    let records = if names.len() == discard.size {
        brief(&names)
    } else {
        let (first, last) = (names.first(), names.last());
        format!(
            "{} of {}..{}",
            discard.size,
            first.unwrap_or(&"?"),
            last.unwrap_or(&"?")
        )
    };
    let response = discard
        .response
        .as_ref()
        .map_or_else(String::new, |response| {
            let error = response["functionError"].as_str().unwrap_or("null");
            let status = &response["statusCode"];
            format!(" {status} {error}")
        });
    format!(
        "{records} {} x{}{response}",
        discard.condition, discard.invokes
    )
}

/// Spells a checkpoint.
pub(crate) fn place(played: &Played, checkpoint: &Checkpoint) -> String {
    let mut text = match &checkpoint.start {
        Some(from) => start(played, from),
        None => "end".to_owned(),
    };
    let mut ahead: Vec<&str> = checkpoint
        .lanes
        .iter()
        .flatten()
        .map(|sequence| played.name(sequence))
        .collect();
    ahead.sort_unstable();
    if !ahead.is_empty() {
        text = format!("{text} lanes {}", ahead.join(" "));
    }
    if let Some(window) = &checkpoint.window {
        let (start, end) = (
            Span::from(Timestamp(window.start)),
            Span::from(Timestamp(window.end)),
        );
        text = format!(
            "{text} window {start}..{end} state {}",
            state(window.state.get())
        );
    }
    text
}

fn start(played: &Played, from: &Start) -> String {
    match from {
        Start::TrimHorizon => "horizon".to_owned(),
        Start::Latest => "latest".to_owned(),
        Start::Timestamp(time) => format!("since {}", Span::from(*time)),
        Start::After(sequence) => format!("after {}", played.name(sequence)),
        other => unreachable!("{other}"),
    }
}
