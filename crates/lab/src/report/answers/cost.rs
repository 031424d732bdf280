//! What does it cost?

use super::pace::Pace;
use super::stated;
use crate::report::figure::figure;
use crate::report::units::{duration, money, share};
use crate::report::{Answer, Report};
use crate::scenario::Metric;

const METRICS: [Metric; 4] = [
    Metric::Cost,
    Metric::CostPerDay,
    Metric::CostPerMonth,
    Metric::CostPerMillion,
];

pub(super) fn answer(report: &Report, paces: &[Pace]) -> Answer {
    Answer {
        about: "cost",
        question: "What does it cost?",
        answer: text(report, paces),
        good: stated::holds(report, &METRICS).unwrap_or(true),
    }
}

fn text(report: &Report, paces: &[Pace]) -> String {
    if report.cost <= 0.0 {
        return "Nothing that has a price was used.".to_owned();
    }
    let mut text = format!(
        "{} for {} of arrivals",
        money(report.cost),
        duration(report.arrivals_ms as f64)
    );
    let seen = |metric| figure(report, None, metric).unwrap_or(0.0);
    let bursts = paces.iter().any(|pace| matches!(pace, Pace::Burst { .. }));
    let flows = paces
        .iter()
        .any(|pace| matches!(pace, Pace::Steady(_) | Pace::Behind(_)));
    if flows && !bursts {
        text.push_str(&format!(
            ", which makes {} a day and {} in 30 days if it goes on so",
            money(seen(Metric::CostPerDay)),
            money(seen(Metric::CostPerMonth))
        ));
    }
    let million = seen(Metric::CostPerMillion);
    if million > 0.0 {
        text.push_str(&format!(
            "; {} for a million processed records",
            money(million)
        ));
    }
    text.push('.');
    let dearest = report.costs.iter().max_by(|a, b| a.cost.total_cmp(&b.cost));
    if let Some(line) = dearest.filter(|line| line.cost > 0.0) {
        text.push_str(
            &if report.costs.iter().filter(|each| each.cost > 0.0).count() > 1 {
                format!(
                    " The most of it, {}, is for {} of `{}`.",
                    share(line.cost, report.cost),
                    line.unit,
                    line.of
                )
            } else {
                format!(" All of it is for {} of `{}`.", line.unit, line.of)
            },
        );
    }
    if bursts {
        text.push_str(" What a day costs depends on how often such a burst comes.");
    }
    text
}
