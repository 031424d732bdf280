//! The mappings as a table: columns that no mapping has a use for are left out.

use super::collect::{Mapping, View};
use super::format::{clock_time, span};
use crate::mappings::{is_kafka, short_source};

/// How much of a UUID is shown: enough to name one of a thousand mappings.
const SHORT_UUID: usize = 8;
/// How many columns begin with text, and are aligned to the left.
const TEXTS: usize = 4;

/// What the mappings are about, as far as it decides which columns there are.
#[derive(Clone, Copy)]
struct Kinds {
    queues: bool,
    brokers: bool,
    streams: bool,
    topics: bool,
}

impl Mapping {
    fn is_queue(&self) -> bool {
        self.source.split(':').nth(2) == Some("sqs")
    }

    /// Tells whether it is a queue of a message broker.
    fn is_broker(&self) -> bool {
        self.source.split(':').nth(2) == Some("mq")
    }

    fn is_topic(&self) -> bool {
        is_kafka(&self.source)
    }

    fn is_stream(&self) -> bool {
        !self.is_queue() && !self.is_broker() && !self.is_topic()
    }
}

/// Returns the mappings, those with a problem first.
pub(super) fn table(view: &View<'_>) -> Vec<String> {
    let mut mappings: Vec<&Mapping> = view.now.mappings.iter().collect();
    mappings.sort_by_key(|mapping| mapping.problem.is_none());
    let kinds = Kinds {
        queues: mappings.is_empty() || mappings.iter().any(|mapping| mapping.is_queue()),
        brokers: mappings.iter().any(|mapping| mapping.is_broker()),
        streams: mappings.iter().any(|mapping| mapping.is_stream()),
        topics: mappings.iter().any(|mapping| mapping.is_topic()),
    };
    let mut rows = vec![headings(view, kinds)];
    rows.extend(mappings.iter().map(|mapping| row(view, mapping, kinds)));
    let mut lines = aligned(&rows);
    for (index, mapping) in mappings.iter().enumerate().rev() {
        // The line after the mapping's own, which follows the headings.
        if let Some(problem) = problem(view, mapping) {
            lines.insert(index + 2, problem);
        }
    }
    lines
}

fn headings(view: &View<'_>, kinds: Kinds) -> Vec<String> {
    let mut row: Vec<String> = [
        "UUID", "STATE", "SOURCE", "FUNCTION", "CONC", "RUN", "WAIT", "GATH",
    ]
    .map(str::to_owned)
    .into();
    let per = if view.before.is_some() { "/S" } else { "" };
    let rates = ["POLLED", "FILTERED", "INVOKED", "FAILED", "DELETED"];
    let rates = rates.map(|name| format!("{name}{per}"));
    row.extend(rates.into_iter().take(shown_rates(kinds)));
    row.extend(further(kinds).map(|(heading, _)| heading.to_owned()));
    row
}

/// Messages are deleted from queues only, of a broker by acknowledging them; that column is the last one of the rates.
const fn shown_rates(kinds: Kinds) -> usize {
    if kinds.queues || kinds.brokers { 5 } else { 4 }
}

fn row(view: &View<'_>, mapping: &Mapping, kinds: Kinds) -> Vec<String> {
    let uuid = &mapping.uuid;
    let mut row = vec![
        uuid.get(..SHORT_UUID).unwrap_or(uuid).to_owned(),
        mapping.state.clone(),
        short_source(&mapping.source),
        mapping.function.clone(),
    ];
    let activity = &mapping.activity;
    let numbers = [
        activity.concurrency,
        activity.running,
        activity.waiting,
        activity.gathering,
    ];
    row.extend(numbers.map(|number| number.to_string()));
    row.extend(rates(view, mapping).into_iter().take(shown_rates(kinds)));
    let cells = further(kinds).map(|(_, cell)| cell(view, mapping));
    row.extend(cells.map(|cell| cell.unwrap_or_else(|| "-".to_owned())));
    row
}

/// Returns what happened per second since the last look, or all that happened if there was none.
fn rates(view: &View<'_>, mapping: &Mapping) -> [String; 5] {
    let Some(before) = view.before else {
        return mapping.counts.all().map(|count| count.to_string());
    };
    let millis = view.now.time_ms - before.time_ms;
    let mut earlier = before.mappings.iter();
    let earlier = earlier.find(|earlier| earlier.uuid == mapping.uuid);
    let earlier = earlier.map(|earlier| earlier.counts).unwrap_or_default();
    let rates = mapping.counts.rates(earlier, millis);
    rates.map(|rate| format!("{rate:.1}"))
}

/// What a column says of a mapping; `None` if the mapping has no such thing, or it is not known.
type Cell = fn(&View<'_>, &Mapping) -> Option<String>;

/// Returns the columns that not all mappings have a use for: records given up since the daemon began, of all but SQS, those
/// of them that a destination was told of, the iterator age of streams, and the offset lag of topics.
fn further(kinds: Kinds) -> impl Iterator<Item = (&'static str, Cell)> {
    let columns: [(bool, &str, Cell); 4] = [
        (
            kinds.brokers || kinds.streams || kinds.topics,
            "DROPPED",
            |_, mapping| {
                let dropped = mapping.counts.dropped_event_count;
                (!mapping.is_queue()).then(|| dropped.to_string())
            },
        ),
        (kinds.streams || kinds.topics, "TOLD", |_, mapping| {
            let told = mapping.counts.on_failure_destination_delivered_event_count;
            (mapping.is_stream() || mapping.is_topic()).then(|| told.to_string())
        }),
        (kinds.streams, "AGE", |view, mapping| {
            let age = view.ages.get(&mapping.uuid);
            age.filter(|_| mapping.is_stream()).map(|age| span(*age))
        }),
        (kinds.topics, "LAG", |_, mapping| {
            let lag = mapping.activity.sum_offset_lag;
            lag.map(|lag| lag.to_string())
        }),
    ];
    let shown = columns.into_iter().filter(|(is_shown, ..)| *is_shown);
    shown.map(|(_, heading, cell)| (heading, cell))
}

fn problem(view: &View<'_>, mapping: &Mapping) -> Option<String> {
    let mut parts: Vec<String> = mapping.problem.iter().cloned().collect();
    if let Some(until) = mapping.activity.backing_off_until {
        let wait = (until - view.now.time_ms).max(0);
        let (seconds, tenths) = (wait / 1000, wait % 1000 / 100);
        parts.push(format!(
            "next try at {} (in {seconds}.{tenths} s)",
            clock_time(until)
        ));
    }
    (!parts.is_empty()).then(|| format!("  ! {}", parts.join("; ")))
}

/// Aligns columns: texts to the left, numbers to the right.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0..TEXTS => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use serde::Deserialize as _;
    use serde_json::{Value, json};

    use super::super::collect::Status;
    use super::*;

    fn mapping(uuid: &str, source: &str) -> Value {
        json!({ "uuid": uuid, "source": source, "function": "f", "state": "Enabled", "problem": null,
            "activity": { "concurrency": 4, "running": 3, "waiting": 2, "gathering": 1,
                "backing_off_until": null },
            "counts": { "PolledEventCount": 30, "FilteredOutEventCount": 5, "InvokedEventCount": 25,
                "FailedInvokeEventCount": 6, "DeletedEventCount": 0, "DroppedEventCount": 2,
                "OnFailureDestinationDeliveredEventCount": 7 } })
    }

    fn cells(mappings: &[Value]) -> Vec<Vec<String>> {
        let status = json!({ "version": "1", "time_ms": 0, "mappings": mappings });
        let status = Status::deserialize(status).unwrap();
        let view = View {
            endpoint: "http://h",
            now: &status,
            before: None,
            decisions: &VecDeque::new(),
            ages: &HashMap::from([("stream".to_owned(), 1_250)]),
            trouble: None,
        };
        let split = |line: String| {
            let cells = line.split("  ").map(str::trim);
            cells
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
                .collect()
        };
        table(&view).into_iter().map(split).collect()
    }

    #[test]
    fn a_stream_shows_what_was_given_up_and_the_age_of_its_records() {
        let stream = mapping(
            "stream",
            "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
        );
        let rows = cells(&[stream]);
        assert_eq!(
            rows[0][8..],
            [
                "POLLED", "FILTERED", "INVOKED", "FAILED", "DROPPED", "TOLD", "AGE"
            ]
        );
        assert_eq!(rows[1][2], "kinesis:clicks");
        assert_eq!(
            rows[1][4..],
            ["4", "3", "2", "1", "30", "5", "25", "6", "2", "7", "1.2 s"]
        );
    }

    #[test]
    fn a_queue_shows_what_was_deleted_and_nothing_of_streams() {
        let queue = mapping("queue", "arn:aws:sqs:us-east-1:000000000000:orders");
        let rows = cells(std::slice::from_ref(&queue));
        assert_eq!(rows[0].last().unwrap(), "DELETED");
        let source = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1";
        let rows = cells(&[queue, mapping("table", source)]);
        assert_eq!(rows[1][12..], ["0", "-", "-", "-"]);
        assert_eq!(rows[2][12..], ["0", "2", "7", "-"]);
    }

    #[test]
    fn a_queue_of_a_broker_shows_what_was_acknowledged_and_what_was_given_up() {
        let broker = mapping("mq", "arn:aws:mq:us-east-1:000000000000:broker:shop:b-1");
        let rows = cells(std::slice::from_ref(&broker));
        assert_eq!(rows[0][11..], ["FAILED", "DELETED", "DROPPED"]);
        assert_eq!(
            (&*rows[1][2], &rows[1][11..]),
            ("mq:shop", &["6", "0", "2"].map(str::to_owned)[..])
        );
        let docs = mapping("docs", "arn:aws:rds:us-east-1:000000000000:cluster:docs");
        let rows = cells(&[broker, docs]);
        assert_eq!(rows[0][12..], ["DELETED", "DROPPED", "TOLD", "AGE"]);
        assert_eq!(rows[1][12..], ["0", "2", "-", "-"]);
        assert_eq!(rows[2][2], "rds:docs");
    }

    #[test]
    fn a_topic_shows_how_many_of_its_records_are_not_committed() {
        let mut topic = mapping("topic", "b-1:9092,b-2:9092");
        topic["activity"]["sum_offset_lag"] = json!(1234);
        let beginning = mapping(
            "msk",
            "arn:aws:kafka:us-east-1:000000000000:cluster/c/11111111-2222-3333-4444-555555555555-1",
        );
        let rows = cells(&[topic, beginning]);
        assert_eq!(rows[0][11..], ["FAILED", "DROPPED", "TOLD", "LAG"]);
        assert_eq!(rows[1][11..], ["6", "2", "7", "1234"]);
        assert_eq!(rows[2][11..], ["6", "2", "7", "-"], "not measured yet");
        let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
        let rows = cells(&[mapping("stream", stream), mapping("topic", "b-1:9092")]);
        assert_eq!(rows[0][12..], ["DROPPED", "TOLD", "AGE", "LAG"]);
        assert_eq!(rows[1][12..], ["2", "7", "1.2 s", "-"]);
        assert_eq!(rows[2][12..], ["2", "7", "-", "-"]);
    }
}
