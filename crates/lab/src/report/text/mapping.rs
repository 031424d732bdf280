//! What one mapping did.

use std::collections::BTreeMap;

use super::grid::{Grid, heading};
use crate::report::buckets::buckets;
use crate::report::settings::settings;
use crate::report::units::{count, counted, duration, share, short};
use crate::report::{Histogram, MappingReport, Records, Summary};

const INDENT: usize = 2;
const NAMES: usize = 14;
const BAR: f64 = 30.0;

pub(super) fn mapping(out: &mut String, report: &MappingReport, width: usize) {
    heading(out, format!("Mapping {}", report.label));
    let mut facts = Grid::new(width, INDENT).first_column(NAMES);
    let set: Vec<String> = settings(&report.configuration)
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    if !set.is_empty() {
        facts.row(&[&"settings", &set.join(", ")]);
    }
    facts.row(&[&"records", &where_records_went(&report.records)]);
    facts.row(&[&"invocations", &invocations(report)]);
    facts.row(&[
        &"concurrency",
        &format!(
            "{} on average, {} at most",
            short(report.mean_concurrency),
            count(report.max_concurrency)
        ),
    ]);
    if !report.batch_reasons.is_empty() {
        facts.row(&[&"closed by", &reasons(&report.batch_reasons)]);
    }
    facts.write(out);
    times(out, report, width);
    sizes(out, &report.batch_sizes, width);
}

fn where_records_went(records: &Records) -> String {
    let mut parts = vec![format!("{} processed", count(records.processed))];
    let mut add = |number: u64, what: &str| {
        if number > 0 {
            parts.push(format!("{} {what}", count(number)));
        }
    };
    add(records.filtered, "filtered out");
    for (reason, &number) in &records.dead_lettered {
        add(number, &format!("dead-lettered ({reason})"));
    }
    for (reason, &number) in &records.dropped {
        add(number, &format!("dropped ({reason})"));
    }
    add(records.waiting, "waiting");
    add(records.lost, "lost");
    let all = format!("{} arrived: {}", count(records.arrived), parts.join(", "));
    if records.repeats > 0 {
        format!("{all}; {} processed again", count(records.repeats))
    } else {
        all
    }
}

fn invocations(report: &MappingReport) -> String {
    let mut parts = vec![count(report.invocations)];
    let mut add = |number: u64, one: &str, many: &str| {
        if number > 0 {
            parts.push(counted(number, one, many));
        }
    };
    add(report.errors, "error", "errors");
    add(report.timeouts, "timeout", "timeouts");
    add(
        report.partial_failures,
        "partial failure",
        "partial failures",
    );
    add(report.retries, "retry", "retries");
    add(report.bisects, "bisect", "bisects");
    add(report.throttles, "throttle", "throttles");
    parts.join(", ")
}

fn reasons(reasons: &BTreeMap<String, u64>) -> String {
    let all = reasons.values().map(|&each| each as f64).sum();
    let mut sorted: Vec<_> = reasons.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1));
    let parts: Vec<String> = sorted
        .iter()
        .map(|(reason, number)| {
            format!(
                "{reason} {} ({})",
                count(**number),
                share(**number as f64, all)
            )
        })
        .collect();
    parts.join(", ")
}

fn times(out: &mut String, report: &MappingReport, width: usize) {
    if report.latency.count == 0 && report.age.count == 0 {
        return;
    }
    let mut grid = Grid::new(width, INDENT).first_column(NAMES);
    grid.figures(&[&"", &"p50", &"p90", &"p99", &"max"]);
    for (name, summary) in [("latency", &report.latency), ("age", &report.age)] {
        if summary.count > 0 {
            let Summary {
                p50, p90, p99, max, ..
            } = *summary;
            let [p50, p90, p99, max] = [p50, p90, p99, max].map(duration);
            grid.figures(&[&name, &p50, &p90, &p99, &max]);
        }
    }
    grid.write(out);
}

fn sizes(out: &mut String, histogram: &Histogram, width: usize) {
    let bars = buckets(histogram);
    let most = bars.iter().map(|bar| bar.times).max().unwrap_or(0);
    let all = bars.iter().map(|bar| bar.times as f64).sum();
    let mut grid = Grid::new(width, INDENT).first_column(NAMES);
    for (at, each) in bars.iter().enumerate() {
        let name = if at == 0 { "batch size" } else { "" };
        let figures = format!("{} ({})", count(each.times), share(each.times as f64, all));
        grid.row(&[&name, &each.values(), &bar(each.times, most), &figures]);
    }
    grid.write(out);
}

/// A bar in eighths of a character; what came at all can be seen.
fn bar(times: u64, most: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if times == 0 || most == 0 {
        return String::new();
    }
    let eighths = ((times as f64 / most as f64 * BAR * 8.0).round() as usize).max(1);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
