//! What was counted, in words and as JSON.

use lambda_esm_core::excerpt::cut;
use serde_json::{Value, json};

use super::measure::{Measured, PatternCount, Worst};
use crate::failure::Failure;
use crate::output;

/// Shows what was counted. `name` is the mapping's.
pub(super) fn show(
    name: Option<&str>,
    patterns: &[String],
    measured: &Measured,
    as_json: bool,
) -> Result<(), Failure> {
    if as_json {
        output::json(&described(name, patterns, measured))
    } else {
        output::line(&told(name, patterns, measured))
    }
}

fn described(name: Option<&str>, patterns: &[String], measured: &Measured) -> Value {
    let of_pattern = |(pattern, count): (&String, &PatternCount)| {
        let clauses = count.clauses.iter().map(|clause| {
            json!({
                "path": clause.path, "expected": clause.expected, "stops": clause.stops,
                "matches_without": clause.without,
            })
        });
        json!({
            "pattern": pattern, "matched": count.matched, "unreadable": count.unreadable,
            "clauses": clauses.collect::<Vec<_>>(),
        })
    };
    let of_patterns: Vec<Value> = patterns
        .iter()
        .zip(&measured.patterns)
        .map(of_pattern)
        .collect();
    let worst = measured.worst.as_ref().map(|worst| {
        let clause = &measured.patterns[worst.pattern].clauses[worst.clause];
        let example = &worst.example;
        json!({
            "pattern": worst.pattern, "path": clause.path, "expected": clause.expected,
            "more_without": worst.more,
            "example": {
                "sample": example.name, "event": example.text, "found": example.found, "reason": example.reason,
            },
        })
    });
    json!({
        "mapping": name, "samples": measured.samples, "matched": measured.matched,
        "share": share(measured.matched, measured.samples), "patterns": of_patterns, "worst": worst,
    })
}

fn told(name: Option<&str>, patterns: &[String], measured: &Measured) -> String {
    let prefix = name.map_or_else(String::new, |name| format!("{name}: "));
    let (matched, samples) = (measured.matched, measured.samples);
    let mut text = format!(
        "{prefix}{matched} of {samples} samples match ({:.1} %)",
        100.0 * share(matched, samples)
    );
    for (index, (pattern, count)) in patterns.iter().zip(&measured.patterns).enumerate() {
        text.push_str(&format!(
            "\n\nfilter {index}, {}: {} match",
            cut(pattern),
            count.matched
        ));
        if count.unreadable > 0 {
            text.push_str(&format!(", {} are no JSON objects", count.unreadable));
        }
        text.push_str(&table(count));
    }
    if let Some(worst) = &measured.worst {
        text.push_str(&told_worst(worst, measured));
    }
    text
}

fn table(count: &PatternCount) -> String {
    let mut text = format!("\n  {:>8}  {:>13}  clause", "stops", "match without");
    for clause in &count.clauses {
        text.push_str(&format!(
            "\n  {:>8}  {:>13}  {} {}",
            clause.stops,
            clause.without,
            cut(&clause.path),
            cut(&clause.expected)
        ));
    }
    text
}

fn told_worst(worst: &Worst, measured: &Measured) -> String {
    let clause = &measured.patterns[worst.pattern].clauses[worst.clause];
    let (path, expected, filter) = (cut(&clause.path), cut(&clause.expected), worst.pattern);
    let loses = if worst.more > 0 {
        format!("without it {} more would match", worst.more)
    } else {
        format!(
            "it stops {}, though none would match without it: each fails another clause, too",
            clause.stops
        )
    };
    let example = &worst.example;
    let found = if example.found.is_empty() {
        example.reason.clone()
    } else {
        format!("{}, found {}", example.reason, example.found.join(", "))
    };
    format!(
        "\n\nMost is lost to {path} {expected} of filter {filter}: {loses}.\nFor example {}: {found}\n  {}",
        example.name,
        cut(&example.text)
    )
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn share(matched: usize, samples: usize) -> f64 {
    if samples == 0 {
        0.0
    } else {
        matched as f64 / samples as f64
    }
}
