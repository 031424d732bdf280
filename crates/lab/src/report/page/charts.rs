//! The charts of one mapping.

use maud::{Markup, PreEscaped, html};

use super::chart::Chart;
use crate::report::MappingSeries;
use crate::report::units::{count, duration, rate};

/// Draws what one mapping did over time.
pub(super) fn charts(series: &MappingSeries, step_ms: u64) -> Markup {
    let seconds = step_ms.max(1) as f64 / 1_000.0;
    let rates = |figures: &[u64]| -> Vec<f64> {
        figures.iter().map(|&each| each as f64 / seconds).collect()
    };
    let figures =
        |figures: &[u64]| -> Vec<f64> { figures.iter().map(|&each| each as f64).collect() };
    let most = |figures: &[u64]| figures.iter().copied().max().unwrap_or(0);
    let most_rate = |figures: &[u64]| rate(most(figures) as f64 / seconds);
    let chart = |curves, times| {
        Chart {
            step_ms,
            curves,
            times,
        }
        .svg()
    };
    html! {
        div.charts {
            (figure(
                "Records per second",
                &["arrive", "are processed"],
                &format!("At most {} arrive, and {} are processed.", most_rate(&series.arrivals), most_rate(&series.processed)),
                chart(vec![rates(&series.arrivals), rates(&series.processed)], false),
            ))
            (figure(
                "Age of the oldest unsettled record",
                &[],
                &format!("At most {}.", duration(most(&series.age_ms) as f64)),
                chart(vec![figures(&series.age_ms)], true),
            ))
            (figure(
                "Backlog: records not settled",
                &[],
                &format!("At most {}.", count(most(&series.backlog))),
                chart(vec![figures(&series.backlog)], false),
            ))
            (figure(
                "Invocations at a time",
                &[],
                &format!("At most {}.", count(most(&series.concurrency))),
                chart(vec![figures(&series.concurrency)], false),
            ))
            @if most(&series.errors) + most(&series.throttles) > 0 {
                (figure(
                    "Errors and throttles per second",
                    &["errors", "throttles"],
                    &format!("At most {} fail, and {} are throttled.", most_rate(&series.errors), most_rate(&series.throttles)),
                    chart(vec![rates(&series.errors), rates(&series.throttles)], false),
                ))
            } @else {
                p.none { "No invocation failed, and none was throttled." }
            }
        }
    }
}

fn figure(title: &str, curves: &[&str], summary: &str, svg: Option<String>) -> Markup {
    html! {
        @if let Some(svg) = svg {
            figure {
                figcaption {
                    b { (title) } " "
                    span.peak { (summary) }
                    @for (at, name) in curves.iter().enumerate() {
                        " " span.key { (swatch(at)) " " (name) }
                    }
                }
                div.chart role="img" aria-label=(format!("{title}. {summary}")) { (PreEscaped(svg)) }
            }
        }
    }
}

/// A piece of a curve, as the chart draws it.
fn swatch(at: usize) -> Markup {
    let colour = if at == 0 { "#030303" } else { "#040404" };
    html! {
        svg.swatch viewBox="0 0 60 16" aria-hidden="true" {
            polyline fill="none" stroke=(colour) stroke-width="4" points="0,8 60,8" {}
            @if at > 0 { circle cx="30" cy="8" r="7" fill=(colour) {} }
        }
    }
}
