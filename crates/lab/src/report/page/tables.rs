//! Tables of the page.

use maud::{Markup, html};

use crate::report::Report;
use crate::report::units::{bytes, count, decimal, duration, money};
use crate::report::words::{expected, figure};

/// A table that scrolls in a box of its own where the page is too narrow.
pub(super) fn wide(caption: &str, head: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for name in head { th.text[is_text(name)] scope="col" { (name) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Tells which columns hold texts, and begin at the left.
fn is_text(name: &str) -> bool {
    matches!(name, "Expected" | "Kind" | "Unit" | "Calls")
}

/// A sentence, in which what stands between backticks is a name.
pub(super) fn sentence(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part.replace(" %", "\u{a0}%")) }
        }
    }
}

/// Good or bad, without colour.
pub(super) fn mark(good: bool) -> Markup {
    html! {
        @if good { span.mark.good role="img" aria-label="good" { "✓" } }
        @else { span.mark.bad role="img" aria-label="not good" { "✗" } }
    }
}

pub(super) fn expectations(report: &Report) -> Markup {
    let broken = report
        .expectations
        .iter()
        .filter(|each| !each.holds)
        .count();
    let rows = html! {
        @for each in &report.expectations {
            tr {
                td { (mark(each.holds)) }
                th scope="row" { (sentence(&expected(each))) }
                td { (figure(each.expectation.metric, each.seen)) }
            }
        }
    };
    html! {
        section aria-labelledby="expectations" {
            h2 id="expectations" { "Expectations" }
            p {
                @if broken == 0 { "All hold." }
                @else { (broken) " of " (report.expectations.len()) " broken." }
            }
            (wide("What was expected and what was seen", &["", "Expected", "Seen"], &rows))
        }
    }
}

pub(super) fn functions(report: &Report) -> Markup {
    let rows = html! {
        @for each in &report.functions {
            tr {
                th scope="row" { (each.name) }
                td { (count(each.memory_mb.into())) " MB" }
                td { (count(each.invocations)) }
                td { (count(each.cold_starts)) }
                td { (count(each.throttles)) }
                td { (count(each.other_throttles)) }
                td { (duration(each.duration.p50)) }
                td { (duration(each.duration.p99)) }
                td { (count(each.max_concurrency)) }
                td { (decimal(each.gb_seconds, 1)) }
            }
        }
    };
    let head = [
        "Function",
        "Memory",
        "Invocations",
        "Cold starts",
        "Throttles",
        "Throttles of other load",
        "p50",
        "p99",
        "Most at a time",
        "GB-seconds",
    ];
    html! { (wide("Functions, for all mappings together", &head, &rows)) }
}

pub(super) fn sources(report: &Report) -> Markup {
    let rows = html! {
        @for each in &report.sources {
            tr {
                th scope="row" title=(each.arn) { (each.name) }
                td.text { (each.kind) }
                td { (count(each.arrived)) }
                td { (bytes(each.bytes)) }
                td.text {
                    @for (at, (call, times)) in each.calls.iter().enumerate() {
                        @if at > 0 { ", " }
                        (count(*times)) " " (call)
                    }
                }
                td { (count(each.empty_reads)) }
                td.text {
                    @if let Some(took) = &each.call_time {
                        (duration(took.p50)) " (p50), " (duration(took.p99)) " (p99)"
                    }
                }
            }
        }
    };
    let head = [
        "Source",
        "Kind",
        "Records",
        "Payloads",
        "Calls",
        "Calls that found nothing",
        "A call took",
    ];
    html! { (wide("Sources, and what was asked of them", &head, &rows)) }
}

pub(super) fn costs(report: &Report) -> Markup {
    let rows = html! {
        @for each in &report.costs {
            tr {
                th scope="row" { (each.of) }
                td { (decimal(each.quantity, 1)) }
                td.text { (each.unit) }
                td { (money(each.cost)) }
            }
        }
        tr.sum { th scope="row" { "In all" } td {} td {} td { (money(report.cost)) } }
    };
    html! { (wide("Costs", &["Of", "Quantity", "Unit", "US dollars"], &rows)) }
}
