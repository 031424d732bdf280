//! The charts of one mapping.

use maud::{Markup, PreEscaped, html};

use super::chart::{Chart, Unit};
use crate::report::MappingSeries;
use crate::report::units::{count, duration, list, rate};

/// A curve's figures, step by step, and their greatest in words.
struct Curve {
    values: Vec<f64>,
    most: String,
}

/// Draws what one mapping did over time.
pub(super) fn charts(series: &MappingSeries, step_ms: u64) -> Markup {
    let seconds = step_ms.max(1) as f64 / 1_000.0;
    let rates = |figures: &[u64]| {
        let values: Vec<f64> = figures.iter().map(|&each| each as f64 / seconds).collect();
        Curve {
            most: rate(values.iter().copied().fold(0.0, f64::max)),
            values,
        }
    };
    let counts = |figures: &[u64]| Curve {
        values: figures.iter().map(|&each| each as f64).collect(),
        most: count(figures.iter().copied().max().unwrap_or(0)),
    };
    let times = |figures: &[u64]| Curve {
        most: duration(figures.iter().copied().max().unwrap_or(0) as f64),
        ..counts(figures)
    };
    let draw = |title, unit, curves| figure(title, step_ms, unit, curves);
    let failures = series
        .errors
        .iter()
        .chain(&series.throttles)
        .any(|&each| each > 0);
    html! {
        div.charts {
            (draw("Records per second", Unit::Rate, vec![
                ("arrive", rates(&series.arrivals)), ("are processed", rates(&series.processed)),
            ]))
            (draw("Age of the oldest unsettled record", Unit::Time, vec![("", times(&series.age_ms))]))
            (draw("Backlog: records not settled", Unit::Count, vec![("", counts(&series.backlog))]))
            (draw("Invocations at a time", Unit::Count, vec![("", counts(&series.concurrency))]))
            @if failures {
                (draw("Errors and throttles per second", Unit::Rate, vec![
                    ("fail", rates(&series.errors)), ("are throttled", rates(&series.throttles)),
                ]))
            } @else {
                p.none { "No invocation failed, and none was throttled." }
            }
        }
    }
}

fn figure(title: &str, step_ms: u64, unit: Unit, curves: Vec<(&str, Curve)>) -> Markup {
    let (names, curves): (Vec<&str>, Vec<Curve>) = curves.into_iter().unzip();
    let (values, most): (Vec<_>, Vec<_>) = curves
        .into_iter()
        .map(|each| (each.values, each.most))
        .unzip();
    let told: Vec<String> = names
        .iter()
        .zip(&most)
        .map(|(name, most)| format!("at most {most} {name}").trim_end().to_owned())
        .collect();
    let several = told.len() > 1;
    html! {
        @if let Some(svg) = (Chart { step_ms, curves: values, unit }).svg() {
            figure {
                figcaption {
                    b { (title) }
                    @for (at, told) in told.iter().enumerate() {
                        span.key { @if several { (swatch(at)) " " } (told) } " "
                    }
                }
                div.chart role="img" aria-label=(format!("{title}: {}.", list(&told))) { (PreEscaped(svg)) }
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
