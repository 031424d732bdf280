//! How late?

use super::pace::Pace;
use super::stated;
use crate::report::units::duration;
use crate::report::{Answer, MappingReport, Report};
use crate::scenario::Metric;

const METRICS: [Metric; 5] = [
    Metric::P50,
    Metric::P90,
    Metric::P99,
    Metric::MaxLatency,
    Metric::Age,
];

pub(super) fn answer(report: &Report, paces: &[Pace]) -> Answer {
    let late = |pace: &Pace| matches!(pace, Pace::Behind(_) | Pace::Stuck);
    let some = report.mappings.iter().any(|each| each.latency.count > 0);
    let good = stated::holds(report, &METRICS).unwrap_or(true) && some && !paces.iter().any(late);
    Answer {
        about: "latency",
        question: "How late are records?",
        answer: text(report, paces),
        good,
    }
}

fn text(report: &Report, paces: &[Pace]) -> String {
    let slowest = report
        .mappings
        .iter()
        .enumerate()
        .filter(|(_, each)| each.latency.count > 0)
        // The first of several that are equally late.
        .max_by(|a, b| {
            a.1.latency
                .p99
                .total_cmp(&b.1.latency.p99)
                .then(b.0.cmp(&a.0))
        });
    let oldest = report
        .mappings
        .iter()
        .map(|each| each.age.max)
        .fold(0.0, f64::max);
    let Some((at, mapping)) = slowest else {
        let mut text = "Nothing was processed, so nothing can be said.".to_owned();
        if oldest > 0.0 {
            text.push_str(&format!(
                " The oldest record that was not settled was {} old.",
                duration(oldest)
            ));
        }
        return text;
    };
    let several = report.mappings.len() > 1;
    let latency = &mapping.latency;
    let mut text = if several {
        format!(
            "Latest are those of `{}`: half of its records",
            mapping.label
        )
    } else {
        "Half of the records".to_owned()
    };
    text.push_str(&format!(
        " are processed within {} of their arrival, 99 in 100 within {}; the slowest took {}.",
        duration(latency.p50),
        duration(latency.p99),
        duration(latency.max)
    ));
    text.push_str(&format!(
        " The oldest record that was not settled{} was at most {} old.",
        if several { ", of any mapping," } else { "" },
        duration(oldest)
    ));
    text.push_str(&parts(report, mapping));
    if matches!(paces[at], Pace::Behind(_)) {
        text.push_str(&format!(
            " As the backlog grows, so do these: they hold for {} of arrivals only.",
            duration(report.arrivals_ms as f64)
        ));
    }
    text
}

/// What of it the function and the batching window make.
fn parts(report: &Report, mapping: &MappingReport) -> String {
    let function = report
        .functions
        .iter()
        .find(|each| each.name == mapping.function)
        .map_or(0.0, |each| each.duration.mean);
    if function <= 0.0 {
        return String::new();
    }
    let window = mapping.configuration["MaximumBatchingWindowInSeconds"]
        .as_f64()
        .unwrap_or(0.0);
    let waits = if window > 0.0 {
        format!(
            ", and batches wait up to {} for more records",
            duration(window * 1_000.0)
        )
    } else {
        String::new()
    };
    format!(
        " Of that an invocation takes {} on average{waits}.",
        duration(function)
    )
}
