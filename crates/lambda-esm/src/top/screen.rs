//! One screen: mappings above, the latest decisions below.

use lambda_esm_core::text::plain;

use super::collect::View;
use super::format::clock_time;
use super::table::table;
use super::terminal::Size;
use crate::client::Told;
use crate::mappings::short_source;

/// How many decisions plain text shows.
const PLAIN_DECISIONS: usize = 20;
/// What a decision's further lines are indented by: the width of its time.
const INDENT: usize = 14;

/// Returns the lines of a screen of `size`.
pub(super) fn screen(view: &View<'_>, size: Size) -> Vec<String> {
    let mut lines = vec![title(view)];
    lines.extend(view.trouble.map(|text| format!("! {}", text.trim())));
    lines.push(String::new());
    // Decisions have at least half of the screen.
    let mut table = table(view);
    let most = (size.rows / 2).max(3).saturating_sub(lines.len());
    if table.len() > most && most > 1 {
        let hidden = table.split_off(most - 1).len();
        table.push(format!(
            "({hidden} more lines; see `lambda-esm mappings list`)"
        ));
    }
    lines.extend(table);
    lines.push(String::new());
    lines.push("LATEST DECISIONS".to_owned());
    let room = size.rows.saturating_sub(lines.len());
    lines.extend(decisions(view, size.columns, room));
    lines.truncate(size.rows);
    for line in &mut lines {
        *line = cut(&plain(line), size.columns);
    }
    lines
}

/// Returns a screen as long and as wide as it needs to be.
pub(super) fn plain_screen(view: &View<'_>) -> String {
    let mut lines = vec![title(view), String::new()];
    lines.extend(table(view).iter().map(|line| plain(line).into_owned()));
    lines.extend([String::new(), "LATEST DECISIONS".to_owned()]);
    let hidden = view.decisions.len().saturating_sub(PLAIN_DECISIONS);
    let latest = view.decisions.iter().skip(hidden);
    lines.extend(latest.map(|told| sentence(view, told)));
    lines.join("\n")
}

fn title(view: &View<'_>) -> String {
    let count = view.now.mappings.len();
    let plural = if count == 1 { "" } else { "s" };
    format!(
        "lambda-esm {} at {}   {count} mapping{plural}   {}",
        view.now.version,
        view.endpoint,
        clock_time(view.now.time_ms)
    )
}

fn sentence(view: &View<'_>, told: &Told) -> String {
    let mut mappings = view.now.mappings.iter();
    let mapping = mappings.find(|mapping| mapping.uuid == told.mapping);
    let source = mapping.map_or_else(
        || "deleted".to_owned(),
        |mapping| short_source(&mapping.source),
    );
    let text = format!("{source} -> {}: {}", told.function, told.text);
    format!("{}  {}", told.time(false), plain(&text))
}

/// Returns the latest decisions that fit into `rows`, the oldest first.
fn decisions(view: &View<'_>, columns: usize, rows: usize) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for told in view.decisions.iter().rev() {
        let mut lines = wrapped(&sentence(view, told), columns);
        if shown.len() + lines.len() > rows {
            break;
        }
        lines.append(&mut shown);
        shown = lines;
    }
    shown
}

/// Breaks a line at blanks where it can, and anywhere where it must.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let width = columns.max(2 * INDENT);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used + length > width && used > INDENT {
            lines.push(" ".repeat(INDENT));
            used = INDENT;
        }
        for letter in word.chars() {
            if used == width {
                if letter == ' ' {
                    continue;
                }
                lines.push(" ".repeat(INDENT));
                used = INDENT;
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
            used += 1;
        }
    }
    lines
}

fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use serde::Deserialize as _;
    use serde_json::{Value, json};

    use super::super::collect::Status;
    use super::*;

    fn status(time_ms: i64, polled: u64, problem: Value) -> Status {
        let mapping = |uuid: &str, problem: Value| {
            json!({ "uuid": uuid, "source": "arn:aws:sqs:us-east-1:000000000000:orders",
                "function": "f", "state": "Enabled", "problem": problem,
                "activity": { "concurrency": 5, "running": 1, "waiting": 0, "gathering": 2,
                    "backing_off_until": Value::Null },
                "counts": { "PolledEventCount": polled, "FilteredOutEventCount": 0,
                    "InvokedEventCount": 0, "FailedInvokeEventCount": 0, "DeletedEventCount": 0 } })
        };
        let mappings = [
            mapping("aaaaaaaa-1", Value::Null),
            mapping("bbbbbbbb-2", problem),
        ];
        Status::deserialize(json!({ "version": "1", "time_ms": time_ms, "mappings": mappings }))
            .unwrap()
    }

    fn told(count: u64) -> VecDeque<Told> {
        let told = |sequence| {
            Told::one(
                &json!({ "time_ms": 0, "mapping": "aaaaaaaa-1", "sequence": sequence,
                "function": "f", "text": format!("decision {sequence} {}", "word ".repeat(20)) }),
            )
        };
        (1..=count)
            .map(|sequence| told(sequence).unwrap())
            .collect()
    }

    #[test]
    fn a_screen_never_exceeds_the_terminal_and_ends_with_the_latest_decision() {
        let (before, now) = (
            status(0, 0, Value::Null),
            status(2_000, 30, json!("broken")),
        );
        let decisions = told(50);
        let view = View {
            endpoint: "http://h",
            now: &now,
            before: Some(&before),
            decisions: &decisions,
            ages: &HashMap::new(),
            trouble: Some("error: gone\n"),
        };
        for (columns, rows) in [(80, 24), (20, 5), (1, 1), (200, 60), (40, 100)] {
            let lines = screen(&view, Size { columns, rows });
            assert!(lines.len() <= rows, "{columns}x{rows}: {lines:#?}");
            assert!(lines.iter().all(|line| line.chars().count() <= columns));
        }
        let (columns, rows) = (80, 24);
        let text = screen(&view, Size { columns, rows }).join("\n");
        assert!(text.contains("! error: gone"), "{text}");
        assert!(text.contains("  ! broken"), "{text}");
        assert!(text.contains("15.0"), "{text}");
        assert!(text.contains("decision 50"), "{text}");
        assert!(text.find("bbbbbbbb") < text.find("aaaaaaaa"), "{text}");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_anywhere() {
        let lines = wrapped("00:00:00.000  some words and more of them to come", 32);
        assert_eq!(
            lines,
            [
                "00:00:00.000  some words and ",
                "              more of them to ",
                "              come"
            ]
        );
        let lines = wrapped(&"x".repeat(50), 32);
        assert_eq!(lines.concat().matches('x').count(), 50);
        assert!(lines.iter().all(|line| line.len() <= 32), "{lines:?}");
    }
}
