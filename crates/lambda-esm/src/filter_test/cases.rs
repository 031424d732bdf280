//! Verdicts against expected ones.

use std::path::Path;

use lambda_esm_filter::{Dialect, Filters, Limits, Scratch};
use serde::Deserialize;
use serde_json::json;

use super::patterns::read_file;
use crate::failure::Failure;
use crate::output;

/// One line of a cases file. Pattern and event are raw text.
#[derive(Debug, Deserialize)]
struct Case {
    pattern: String,
    event: Option<String>,
    #[serde(rename = "match")]
    matches: Option<bool>,
    valid: Option<bool>,
}

/// A line whose expectation is not met.
struct Disagreement {
    expected: &'static str,
    got: &'static str,
    because: String,
}

/// Checks all cases of a file, and fails if any disagrees.
pub(super) fn run(file: &Path, dialect: Dialect, as_json: bool) -> Result<(), Failure> {
    let text = read_file(file)?;
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let mut scratch = Scratch::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let case = read(line).map_err(|error| {
            Failure::Usage(format!("{}:{number}: is no case: {error}", file.display()))
        })?;
        match judge(&case, dialect, &mut scratch) {
            None => passed += 1,
            Some(disagreement) => {
                failed += 1;
                show(number, &case, &disagreement, as_json)?;
            }
        }
    }
    if as_json {
        output::json(&json!({ "passed": passed, "failed": failed }))?;
    } else {
        output::line(&format!("{passed} passed, {failed} failed"))?;
    }
    if failed > 0 {
        Err(Failure::Negative)
    } else {
        Ok(())
    }
}

fn read(line: &str) -> Result<Case, String> {
    let case: Case = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match (&case.event, case.matches, case.valid) {
        (Some(_), Some(_), _) | (_, None, Some(_)) => Ok(case),
        _ => Err("must have `event` and `match`, or `valid`".to_owned()),
    }
}

fn judge(case: &Case, dialect: Dialect, scratch: &mut Scratch) -> Option<Disagreement> {
    let filters = Filters::compile(&[&case.pattern], dialect, Limits::default());
    let (expected, got, because) = match (filters, &case.event, case.matches) {
        (Ok(filters), Some(event), Some(wanted)) => {
            let name = |matches| if matches { "match" } else { "no match" };
            let matches = filters.is_match(event.as_bytes(), scratch);
            if matches == wanted {
                return None;
            }
            (
                name(wanted),
                name(matches),
                filters.explain(event.as_bytes()).to_string(),
            )
        }
        (Err(error), Some(_), Some(wanted)) => (
            if wanted { "match" } else { "no match" },
            "invalid pattern",
            error.to_string(),
        ),
        (Ok(_), ..) if case.valid == Some(false) => (
            "invalid pattern",
            "valid pattern",
            "the pattern compiles".to_owned(),
        ),
        (Err(error), ..) if case.valid == Some(true) => {
            ("valid pattern", "invalid pattern", error.to_string())
        }
        _ => return None,
    };
    Some(Disagreement {
        expected,
        got,
        because,
    })
}

fn show(line: usize, case: &Case, found: &Disagreement, as_json: bool) -> Result<(), Failure> {
    let Disagreement {
        expected,
        got,
        because,
    } = found;
    let (pattern, event) = (&case.pattern, &case.event);
    if as_json {
        return output::json(&json!({
            "line": line, "pattern": pattern, "event": event,
            "expected": expected, "got": got, "because": because,
        }));
    }
    let because = because.replace('\n', "\n    ");
    let mut text = format!("line {line}: expected {expected}, got {got}\n  pattern {pattern}");
    if let Some(event) = event {
        text.push_str(&format!("\n  event   {event}"));
    }
    output::line(&format!("{text}\n  {because}"))
}
