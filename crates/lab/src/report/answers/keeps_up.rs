//! Does it keep up?

use super::limit::limit;
use super::pace::{Flow, Pace, pace};
use crate::report::units::{count, duration, rate, records, short};
use crate::report::{Answer, MappingReport, Report};

/// How each mapping went, in the report's order.
pub(super) fn paces(report: &Report) -> Vec<Pace> {
    report
        .mappings
        .iter()
        .enumerate()
        .map(|(at, each)| pace(report, at, each))
        .collect()
}

pub(super) fn answer(report: &Report, paces: &[Pace]) -> Answer {
    let worst = (0..paces.len()).max_by(|&a, &b| {
        // The first of several that are equally bad.
        badness(report, paces, a)
            .total_cmp(&badness(report, paces, b))
            .then(b.cmp(&a))
    });
    let good = paces.iter().any(|pace| *pace != Pace::Nothing) && paces.iter().all(is_good);
    let text = match worst {
        None => "There is no mapping, so there is nothing to keep up with.".to_owned(),
        Some(only) if paces.len() == 1 => one(report, only, paces[only], "It"),
        Some(worst) => several(report, paces, worst),
    };
    Answer {
        about: "keeps_up",
        question: "Does it keep up?",
        answer: text,
        good,
    }
}

fn is_good(pace: &Pace) -> bool {
    match pace {
        Pace::Nothing | Pace::Steady(_) => true,
        Pace::Burst { settled_ms, .. } => settled_ms.is_some(),
        Pace::Stuck | Pace::Behind(_) => false,
    }
}

/// Orders mappings: bad news before good, and among equals by what waits.
fn badness(report: &Report, paces: &[Pace], at: usize) -> f64 {
    let records = &report.mappings[at].records;
    let waits = records.waiting as f64 / records.arrived.max(1) as f64;
    match paces[at] {
        Pace::Nothing => -1.0,
        Pace::Steady(_) => waits.min(1.0),
        Pace::Burst {
            settled_ms: Some(_),
            ..
        } => 1.0,
        Pace::Burst {
            settled_ms: None, ..
        } => 2.0 + waits,
        Pace::Behind(flow) => 4.0 + flow.growth / flow.arrivals.max(f64::MIN_POSITIVE),
        Pace::Stuck => 8.0,
    }
}

fn several(report: &Report, paces: &[Pace], worst: usize) -> String {
    let (all, good) = (
        paces.len(),
        paces.iter().filter(|pace| is_good(pace)).count(),
    );
    let idle = paces.iter().filter(|pace| **pace == Pace::Nothing).count();
    if idle == all {
        return format!("Nothing arrived for any of the {all} mappings: nothing can be said.");
    }
    let mut text = match good {
        0 => format!("None of the {all} mappings keeps up."),
        1 if all > 1 => format!("Of {all} mappings 1 keeps up."),
        _ if good == all => format!("All {all} mappings keep up."),
        _ => format!("Of {all} mappings {good} keep up."),
    };
    match idle {
        0 => {}
        1 => text.push_str(" (For 1 of them nothing arrived.)"),
        _ => text.push_str(&format!(" (For {idle} of them nothing arrived.)")),
    }
    text.push_str(match all - good {
        0 => " The fullest: ",
        1 => " ",
        _ => " The worst: ",
    });
    text + &one(
        report,
        worst,
        paces[worst],
        &format!("`{}`", report.mappings[worst].label),
    )
}

fn one(report: &Report, at: usize, pace: Pace, it: &str) -> String {
    let mapping = &report.mappings[at];
    match pace {
        Pace::Nothing => "Nothing arrived: nothing can be said.".to_owned(),
        Pace::Stuck => stuck(mapping, it),
        Pace::Burst {
            bursts,
            arrived_ms,
            settled_ms,
        } => {
            burst(mapping, bursts, arrived_ms, settled_ms, it)
                + &if settled_ms.is_none() {
                    format!(" {}", limit(report, mapping))
                } else {
                    String::new()
                }
        }
        Pace::Steady(flow) => steady(report, at, flow, it),
        Pace::Behind(flow) => behind(report, mapping, flow, it),
    }
}

fn stuck(mapping: &MappingReport, it: &str) -> String {
    let why = if mapping.invocations > 0 && mapping.errors == mapping.invocations {
        match mapping.invocations {
            1 => "its only invocation failed".to_owned(),
            many => format!("all {} invocations failed", count(many)),
        }
    } else if mapping.invocations == 0 && mapping.throttles > 0 {
        format!(
            "all {} tries to invoke the function were throttled",
            count(mapping.throttles)
        )
    } else if mapping.invocations == 0 {
        "the function was never invoked".to_owned()
    } else {
        format!(
            "of {} invocations {} failed, and none of the others processed a record",
            count(mapping.invocations),
            count(mapping.errors)
        )
    };
    format!(
        "{it} processes nothing: {} arrived, and {why}.",
        records(mapping.records.arrived)
    )
}

fn burst(
    mapping: &MappingReport,
    bursts: usize,
    arrived_ms: f64,
    settled_ms: Option<f64>,
    it: &str,
) -> String {
    let arrived = mapping.records.arrived;
    let came = match bursts {
        1 => format!(
            "{} arrived within {}",
            records(arrived),
            duration(arrived_ms)
        ),
        _ => format!("{} arrived in {bursts} bursts", records(arrived)),
    };
    match settled_ms {
        Some(took) if bursts == 1 => format!(
            "{it} works off the burst: {came}, and all were settled {} after the first ({} on average). \
             This was only a burst; whether a steady flow is kept up with, it does not tell.",
            duration(took),
            rate(arrived as f64 / took.max(1.0) * 1_000.0)
        ),
        Some(_) => format!(
            "{it} works off the bursts: {came}, and nothing was left at the end. \
             These were only bursts; whether a steady flow is kept up with, they do not tell."
        ),
        None => format!(
            "{it} does not work off {}: {came}, and {} still waited at the end.",
            if bursts == 1 {
                "the burst"
            } else {
                "the bursts"
            },
            records(mapping.records.waiting)
        ),
    }
}

fn steady(report: &Report, at: usize, flow: Flow, it: &str) -> String {
    let mapping = &report.mappings[at];
    let mut text = format!(
        "{it} keeps up, in a steady state: {} arrive and {} are processed.",
        rate(flow.arrivals),
        rate(flow.processed)
    );
    if let Some(series) = report.series.mappings.get(at)
        && let Some((step, &most)) = series
            .backlog
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(&a.0)))
        && most > 0
    {
        let when = duration((step as f64 + 1.0) * report.series.step_ms as f64);
        text.push_str(&format!(" At most {} waited, after {when}.", records(most)));
    }
    if mapping.max_concurrency > 0 {
        text.push_str(&format!(
            " On average {} ran at a time, at most {}.",
            invocations_at_a_time(mapping.mean_concurrency),
            count(mapping.max_concurrency)
        ));
    }
    text
}

fn invocations_at_a_time(mean: f64) -> String {
    match short(mean).as_str() {
        "1" => "1 invocation".to_owned(),
        "0" => "less than 0.1 invocations".to_owned(),
        other => format!("{other} invocations"),
    }
}

fn behind(report: &Report, mapping: &MappingReport, flow: Flow, it: &str) -> String {
    let settled = flow.arrivals - flow.growth;
    let done =
        if (settled - flow.processed).abs() > 0.02 * flow.arrivals && flow.processed < settled {
            format!(
                "{} are settled ({} processed)",
                rate(settled),
                rate(flow.processed)
            )
        } else {
            format!("{} are processed", rate(flow.processed))
        };
    let mut text = format!(
        "{it} does not keep up: {} arrive and {done}; the backlog grows by {} an hour. {}",
        rate(flow.arrivals),
        count(rounded(flow.growth * 3_600.0)),
        limit(report, mapping)
    );
    if mapping.records.waiting > 0 {
        let (waiting, wait) = (
            mapping.records.waiting,
            if mapping.records.waiting == 1 {
                "waits"
            } else {
                "wait"
            },
        );
        text.push_str(&format!(" At the end {} still {wait}.", records(waiting)));
    } else if report.ran_ms > report.arrivals_ms {
        let later = duration((report.ran_ms - report.arrivals_ms) as f64);
        text.push_str(&format!(
            " What was left was settled {later} after the last arrivals."
        ));
    }
    text
}

/// Two digits that tell something: the slope of a noisy curve has no more.
fn rounded(number: f64) -> u64 {
    if !number.is_finite() || number < 1.0 {
        return 1;
    }
    let digit = 10_f64.powf((number.log10().floor() - 1.0).max(0.0));
    ((number / digit).round() * digit) as u64
}
