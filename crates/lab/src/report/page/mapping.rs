//! What one mapping did.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::tables::wide;
use crate::report::buckets::buckets;
use crate::report::settings::settings;
use crate::report::units::{count, duration, share, short};
use crate::report::{MappingReport, Records};

/// Tells in tables what a mapping did.
pub(super) fn mapping(report: &MappingReport) -> Markup {
    html! {
        div.blocks {
            (facts(report))
            (times(report))
            (sizes(report))
            (reasons(report))
        }
        (configuration(report))
    }
}

fn facts(report: &MappingReport) -> Markup {
    let Records {
        arrived,
        processed,
        filtered,
        waiting,
        lost,
        repeats,
        ..
    } = report.records;
    let rows = html! {
        (fact("arrived", arrived))
        (fact("processed", processed))
        @if filtered > 0 { (fact("matched no filter", filtered)) }
        @for (reason, &number) in &report.records.dead_lettered { (fact(&format!("dead-lettered: {reason}"), number)) }
        @for (reason, &number) in &report.records.dropped { (fact(&format!("dropped: {reason}"), number)) }
        (fact("waiting at the end", waiting))
        @if lost > 0 { (fact("lost", lost)) }
        @if repeats > 0 { (fact("processed again", repeats)) }
    };
    let invocations = html! {
        (fact("invocations", report.invocations))
        (fact("failed", report.errors))
        (fact("of these timed out", report.timeouts))
        (fact("failed in part", report.partial_failures))
        (fact("retries", report.retries))
        (fact("bisects", report.bisects))
        (fact("throttles", report.throttles))
        (row("at a time, on average", &short(report.mean_concurrency)))
        (fact("at a time, at most", report.max_concurrency))
    };
    html! {
        (plain("Where the records went", &rows))
        (plain("Invocations", &invocations))
    }
}

fn plain(caption: &str, rows: &Markup) -> Markup {
    html! { table.plain { caption { (caption) } tbody { (rows) } } }
}

fn fact(name: &str, number: u64) -> Markup {
    row(name, &count(number))
}

fn row(name: &str, value: &str) -> Markup {
    html! { tr { th scope="row" { (name) } td { (value) } } }
}

fn times(report: &MappingReport) -> Markup {
    let rows = html! {
        @for (name, summary) in [("latency", &report.latency), ("age of the oldest", &report.age)] {
            @if summary.count > 0 {
                tr {
                    th scope="row" { (name) }
                    @for value in [summary.p50, summary.p90, summary.p99, summary.max] { td { (duration(value)) } }
                }
            }
        }
    };
    html! { (wide("How late records were", &["", "p50", "p90", "p99", "max"], &rows)) }
}

fn sizes(report: &MappingReport) -> Markup {
    let bars = buckets(&report.batch_sizes);
    let named: Vec<_> = bars.iter().map(|bar| (bar.values(), bar.times)).collect();
    histogram("Records in a batch", &named)
}

fn reasons(report: &MappingReport) -> Markup {
    let mut named: Vec<_> = report
        .batch_reasons
        .iter()
        .map(|(reason, &times)| (reason.clone(), times))
        .collect();
    named.sort_by_key(|bar| Reverse(bar.1));
    histogram("Why batches were closed", &named)
}

fn histogram(caption: &str, bars: &[(String, u64)]) -> Markup {
    let most = bars.iter().map(|bar| bar.1).max().unwrap_or(0).max(1) as f64;
    let all: f64 = bars.iter().map(|bar| bar.1 as f64).sum();
    html! {
        @if !bars.is_empty() {
            table.plain.histogram {
                caption { (caption) }
                tbody {
                    @for (name, times) in bars {
                        tr {
                            th scope="row" { (name) }
                            td.bar {
                                svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                                    rect width=(format!("{:.1}", *times as f64 / most * 100.0)) height="10" fill="#030303" {}
                                }
                            }
                            td { (count(*times)) }
                            td { (share(*times as f64, all)) }
                        }
                    }
                }
            }
        }
    }
}

fn configuration(report: &MappingReport) -> Markup {
    let settings = settings(&report.configuration);
    html! {
        @if !settings.is_empty() {
            details.settings {
                summary { "Settings" }
                (plain("Settings of the mapping", &html! { @for (name, value) in &settings { (row(name, value)) } }))
            }
        }
        @if !report.decisions.is_empty() {
            details.settings {
                summary { "Decisions" }
                (plain("How many decisions of each kind", &html! {
                    @for (name, &times) in &report.decisions { (fact(name, times)) }
                }))
            }
        }
    }
}
