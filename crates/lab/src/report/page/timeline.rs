//! The timelines: what the page's script draws them from, and where.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::log::Patterns;
use crate::report::units::counted;
use crate::report::{BatchBar, Outcome, Timeline};

/// All timelines, for the page's script.
#[derive(Serialize)]
struct Data<'a> {
    timelines: Vec<Lanes<'a>>,
    /// What log lines look like, with `\u{1}` where a number stands.
    patterns: Vec<String>,
}

#[derive(Serialize)]
struct Lanes<'a> {
    mapping: &'a str,
    lanes: Vec<&'a str>,
    batches: Vec<Bar<'a>>,
}

/// A batch, as an array: number, parent, lane, when it was closed, why, records, bytes, tries, log.
#[derive(Serialize)]
struct Bar<'a>(
    u64,
    Option<u64>,
    usize,
    u64,
    &'a str,
    u64,
    u64,
    Vec<(u64, u64, u8)>,
    Vec<(u64, usize, Vec<u64>)>,
);

/// Writes the data of all timelines as an element that no browser runs.
pub(super) fn data(timelines: &[Timeline]) -> Markup {
    let mut patterns = Patterns::default();
    let timelines = timelines
        .iter()
        .map(|timeline| Lanes {
            mapping: &timeline.mapping,
            lanes: timeline
                .lanes
                .iter()
                .map(|lane| lane.name.as_str())
                .collect(),
            batches: timeline
                .batches
                .iter()
                .map(|batch| bar(batch, &mut patterns))
                .collect(),
        })
        .collect();
    let data = Data {
        timelines,
        patterns: patterns.into_all(),
    };
    // Only texts hold a `<`: escaped, none of them ends the element or begins a comment.
    let json = serde_json::to_string(&data)
        .unwrap_or_default()
        .replace('<', "\\u003c");
    html! { script id="data" type="application/json" { (PreEscaped(json)) } }
}

fn bar<'a>(batch: &'a BatchBar, patterns: &mut Patterns) -> Bar<'a> {
    let tries = batch
        .attempts
        .iter()
        .map(|each| (each.began_ms, each.ended_ms, number_of(each.outcome)))
        .collect();
    let log = batch
        .log
        .iter()
        .map(|line| {
            let (pattern, numbers) = patterns.take(&line.text);
            (line.at_ms, pattern, numbers)
        })
        .collect();
    Bar(
        batch.id,
        batch.parent,
        batch.lane,
        batch.closed_ms,
        &batch.reason,
        batch.records,
        batch.bytes,
        tries,
        log,
    )
}

/// The place of an outcome in the script's list.
fn number_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Processed => 0,
        Outcome::PartlyProcessed => 1,
        Outcome::Failed => 2,
        Outcome::NotReached => 3,
        Outcome::Open => 4,
    }
}

/// The place of the timeline with this number, which the page's script fills.
pub(super) fn timeline(at: usize, timeline: &Timeline) -> Markup {
    html! {
        section.timeline data-timeline=(at) aria-labelledby=(format!("timeline-{at}")) {
            h3 id=(format!("timeline-{at}")) { "Batch by batch" }
            @if timeline.batches.is_empty() {
                p.none { "No batch was closed." }
            } @else {
                p.hint {
                    (counted(timeline.batches.len() as u64, "batch", "batches")) " in "
                    (counted(timeline.lanes.len() as u64, "lane", "lanes"))
                    @if timeline.omitted > 0 {
                        "; " (counted(timeline.omitted, "further batch is", "further batches are")) " left out"
                    }
                    ". A bar begins when its batch is closed; the thin line is waiting, each block is a try."
                    span.keys { " Tab goes into it, arrows to other batches, Enter opens one, Escape closes it." }
                }
                noscript { p { "The timeline is drawn by a script of this page." } }
            }
        }
    }
}
