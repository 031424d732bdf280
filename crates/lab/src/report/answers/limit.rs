//! What keeps a mapping from going faster.

use super::pace::mean_batch;
use crate::report::units::{counted, duration, rate, share, short};
use crate::report::{MappingReport, Report};

/// A share of tries from which on they are what holds it up.
const MANY: f64 = 0.2;
/// A share of its concurrency from which on that is used up.
const BUSY: f64 = 0.8;
/// A share of `BatchSize` from which on batches are full.
const FULL: f64 = 0.9;

/// Says in a sentence or two what the limit is, and what would move it.
pub(super) fn limit(report: &Report, mapping: &MappingReport) -> String {
    let tries = mapping.invocations as f64 + mapping.throttles as f64;
    let of = |part: u64, whole: f64| {
        if whole > 0.0 {
            part as f64 / whole
        } else {
            0.0
        }
    };
    if tries == 0.0 {
        return "The function was never invoked.".to_owned();
    }
    if of(mapping.throttles, tries) > MANY {
        return format!(
            "The function's concurrency is the limit: {} of the tries to invoke it were throttled.",
            share(mapping.throttles as f64, tries)
        );
    }
    if of(mapping.errors, mapping.invocations as f64) > MANY {
        return format!(
            "Failures hold it up: {} of the invocations failed, and {} what had failed before.",
            share(mapping.errors as f64, mapping.invocations as f64),
            counted(mapping.retries, "repeated", "repeated")
        );
    }
    if mapping.mean_concurrency >= BUSY * mapping.max_concurrency as f64 {
        return concurrency(report, mapping);
    }
    format!(
        "Neither failures nor concurrency is the limit ({} of at most {} ran at a time on average); \
         how fast the source is read is.",
        short(mapping.mean_concurrency),
        mapping.max_concurrency
    )
}

fn concurrency(report: &Report, mapping: &MappingReport) -> String {
    let records = mean_batch(mapping);
    let took = report
        .functions
        .iter()
        .find(|each| each.name == mapping.function)
        .map_or(0.0, |each| each.duration.mean);
    let batch_size = mapping.configuration["BatchSize"].as_f64().unwrap_or(0.0);
    let together = counted(mapping.max_concurrency, "batch", "batches");
    let mut text = format!(
        "Its {together} at a time {} the limit: an invocation takes {} on average for {}",
        if mapping.max_concurrency == 1 {
            "is"
        } else {
            "are"
        },
        duration(took),
        match short(records).as_str() {
            "1" => "1 record".to_owned(),
            many => format!("{many} records"),
        },
    );
    if took > 0.0 {
        let possible = mapping.max_concurrency as f64 * records / took * 1_000.0;
        text.push_str(&format!(", which makes {} at most", rate(possible)));
    }
    text.push_str(". ");
    if batch_size > 0.0 && records < FULL * batch_size {
        text.push_str(&format!(
            "Batches hold {} of at most {batch_size:.0} records: a batching window would fill them.",
            short(records)
        ));
    } else {
        text.push_str(&format!(
            "Its batches are full: a greater BatchSize, a faster function, or {} would help.",
            more_concurrency(report, mapping)
        ));
    }
    text
}

/// What gives a mapping of this source more batches at a time.
fn more_concurrency(report: &Report, mapping: &MappingReport) -> &'static str {
    let kind = report
        .sources
        .iter()
        .find(|each| each.name == mapping.source);
    match kind.map_or("", |each| each.kind) {
        "kinesis" | "dynamodb" | "dynamo_db" => "a greater ParallelizationFactor or more shards",
        "kafka" | "msk" => "more partitions or event pollers",
        "sqs" => {
            if mapping.configuration["ScalingConfig"]["MaximumConcurrency"].is_u64() {
                "a greater MaximumConcurrency"
            } else {
                "more concurrency for the function"
            }
        }
        _ => "more concurrency",
    }
}
