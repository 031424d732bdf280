//! Whether one mapping works off what arrives: judged by how its backlog moves, not by what is left at the end.

use crate::report::{MappingReport, MappingSeries, Report};

/// How a mapping went with what arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    /// Nothing arrived.
    Nothing,
    /// Records arrived for the function, and none was processed.
    Stuck,
    /// Nearly all arrived in a small part of the time.
    Burst {
        /// In how many bursts.
        bursts: usize,
        /// From the first arrival to the last, in milliseconds.
        arrived_ms: f64,
        /// From the first arrival until nothing was left, in milliseconds; `None` if something was left.
        settled_ms: Option<f64>,
    },
    /// The backlog does not grow.
    Steady(Flow),
    /// The backlog grows as long as records arrive.
    Behind(Flow),
}

/// Rates per second, over the second half of the time in which records arrived: how it begins does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flow {
    /// Records that arrive.
    pub(super) arrivals: f64,
    /// Records that are processed.
    pub(super) processed: f64,
    /// By how much the backlog grows.
    pub(super) growth: f64,
}

/// Growth of a backlog by so much of what arrives is more than noise.
const NOTICEABLE: f64 = 0.02;
/// A burst is what arrives by so much ...
const MOST: f64 = 0.9;
/// ... in so much of the time.
const SHORT: f64 = 0.1;
/// With fewer steps while records arrive, nothing is said about a steady state.
const FEW_STEPS: usize = 8;

pub(super) fn pace(report: &Report, at: usize, mapping: &MappingReport) -> Pace {
    let records = &mapping.records;
    if records.arrived == 0 {
        return Pace::Nothing;
    }
    if records.processed == 0 && records.filtered < records.arrived {
        return Pace::Stuck;
    }
    let step_ms = report.series.step_ms;
    match report.series.mappings.get(at) {
        Some(series) if step_ms > 0 && !series.arrivals.is_empty() => {
            let steps = report.arrivals_ms.div_ceil(step_ms) as usize;
            let steps = steps.clamp(1, series.arrivals.len());
            burst(report, mapping, series, steps)
                .unwrap_or_else(|| flowing(report, mapping, series, steps))
        }
        _ => without_series(report, mapping),
    }
}

/// Without figures over time, what is left at the end has to tell.
fn without_series(report: &Report, mapping: &MappingReport) -> Pace {
    let (arriving, running) = (seconds(report.arrivals_ms), seconds(report.ran_ms));
    let waiting = mapping.records.waiting as f64;
    let flow = Flow {
        arrivals: mapping.records.arrived as f64 / arriving,
        processed: mapping.records.processed as f64 / running,
        growth: waiting / running,
    };
    if waiting > noise(mapping, flow.arrivals, mapping.records.arrived as f64) {
        Pace::Behind(flow)
    } else {
        Pace::Steady(flow)
    }
}

fn burst(
    report: &Report,
    mapping: &MappingReport,
    series: &MappingSeries,
    steps: usize,
) -> Option<Pace> {
    let arrivals = series.arrivals.get(..steps)?;
    let mut largest = arrivals.to_vec();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let (all, mut so_far) = (arrivals.iter().sum::<u64>() as f64, 0.0);
    let holding_most = largest
        .iter()
        .take_while(|&&each| {
            let wanted = so_far < all * MOST;
            so_far += each as f64;
            wanted
        })
        .count();
    let few = steps < FEW_STEPS;
    if !few && holding_most as f64 > steps as f64 * SHORT {
        return None;
    }
    let first = arrivals.iter().position(|&each| each > 0)?;
    let last = arrivals.iter().rposition(|&each| each > 0)?;
    let bursts = (first..=last)
        .filter(|&at| arrivals[at] > 0 && (at == first || arrivals[at - 1] == 0))
        .count();
    let step_ms = report.series.step_ms as f64;
    let ended = (last..series.backlog.len()).find(|&at| series.backlog[at] == 0);
    let settled_ms = (mapping.records.waiting == 0).then(|| {
        let end = ended.map_or(report.ran_ms as f64, |at| (at + 1) as f64 * step_ms);
        end.min(report.ran_ms as f64) - first as f64 * step_ms
    });
    let arrived_end = ((last + 1) as f64 * step_ms).min(report.arrivals_ms as f64);
    Some(Pace::Burst {
        bursts,
        arrived_ms: (arrived_end - first as f64 * step_ms).max(0.0),
        settled_ms,
    })
}

fn flowing(report: &Report, mapping: &MappingReport, series: &MappingSeries, steps: usize) -> Pace {
    let half = steps / 2;
    let length = seconds(report.series.step_ms) * (steps - half) as f64;
    let sum = |figures: &[u64]| -> f64 {
        figures
            .iter()
            .take(steps)
            .skip(half)
            .map(|&each| each as f64)
            .sum()
    };
    let backlog: Vec<f64> = series
        .backlog
        .iter()
        .take(steps)
        .skip(half)
        .map(|&each| each as f64)
        .collect();
    let flow = Flow {
        arrivals: sum(&series.arrivals) / length,
        processed: sum(&series.processed) / length,
        growth: slope(&backlog) / seconds(report.series.step_ms),
    };
    if flow.growth * length > noise(mapping, flow.arrivals, sum(&series.arrivals)) {
        Pace::Behind(flow)
    } else {
        Pace::Steady(flow)
    }
}

/// Records by which a backlog may differ and yet not grow: what a batching window gathers, what is under way, and a
/// small part of what arrived.
fn noise(mapping: &MappingReport, arrivals: f64, arrived: f64) -> f64 {
    let setting = |name: &str| mapping.configuration[name].as_f64().unwrap_or(0.0);
    let gathered = arrivals * setting("MaximumBatchingWindowInSeconds");
    let under_way = mean_batch(mapping) * mapping.max_concurrency.max(1) as f64;
    (arrived * NOTICEABLE).max(gathered).max(2.0 * under_way)
}

/// Records of a batch on average.
pub(super) fn mean_batch(mapping: &MappingReport) -> f64 {
    let batches = mapping
        .batch_sizes
        .values()
        .map(|&each| each as f64)
        .sum::<f64>();
    let records: f64 = mapping
        .batch_sizes
        .iter()
        .map(|(&size, &times)| size as f64 * times as f64)
        .sum();
    if batches > 0.0 {
        records / batches
    } else {
        0.0
    }
}

/// The slope of the straight line through these values (least squares), per step.
fn slope(values: &[f64]) -> f64 {
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mut over, mut under) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let distance = at as f64 - middle;
        over += distance * (value - mean);
        under += distance * distance;
    }
    if under > 0.0 { over / under } else { 0.0 }
}

fn seconds(ms: u64) -> f64 {
    ms.max(1) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_found_and_that_of_one_value_is_none() {
        assert!((slope(&[1.0, 3.0, 5.0, 7.0]) - 2.0).abs() < 1e-9);
        assert!(slope(&[4.0]).abs() < 1e-9);
        assert!(slope(&[]).abs() < 1e-9);
    }
}
