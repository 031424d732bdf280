//! The model by which mappings scale with [`Pacing::Aws`](crate::pacing::Pacing::Aws), in one table: what the service
//! documents, what was measured in public, and what we chose where neither says anything.
//!
//! Its name is [`NAME`], so that a report can say by which model it came about. With eager pacing other rules
//! hold, which are where they are applied.

use std::time::Duration;

/// The model's name: the service, and what of it was known when.
pub const NAME: &str = "aws-2026";

/// Concurrent batches of a queue when messages are available.
pub(crate) const QUEUE_START: f64 = 5.0;
/// Concurrent batches on an idle queue, where no maximum concurrency is set.
pub(crate) const QUEUE_IDLE: f64 = 2.0;
/// Most concurrent batches of a queue's mapping.
pub(crate) const QUEUE_MAXIMUM: f64 = 1250.0;
/// So many more concurrent batches a minute while there is a backlog.
pub(crate) const QUEUE_GROWTH_PER_MINUTE: f64 = 300.0;
/// Concurrent batches of one provisioned poller of a queue.
pub(crate) const QUEUE_BATCHES_PER_POLLER: f64 = 10.0;
/// So many more concurrent batches a minute in provisioned mode.
pub(crate) const QUEUE_PROVISIONED_GROWTH_PER_MINUTE: f64 = 1000.0;
/// Receives that found nothing before a mapping eases off to [`QUEUE_START`]; after twice as many to [`QUEUE_IDLE`].
pub(crate) const QUEUE_EMPTY_RECEIVES: u32 = 3;
/// The share of concurrent batches that a failed one takes away.
pub(crate) const QUEUE_FAILURE_CUT: f64 = 0.04;
/// Failures within this time count as one.
pub(crate) const QUEUE_FAILURE_INTERVAL: Duration = Duration::from_millis(80);
/// The share of concurrent batches that one takes away which did not reach the function.
pub(crate) const QUEUE_THROTTLE_CUT: f64 = 0.5;
/// Throttles within this time count as one.
pub(crate) const QUEUE_THROTTLE_INTERVAL: Duration = Duration::from_secs(1);
/// How often the offset lag of a topic is looked at.
pub(crate) const TOPIC_EVALUATED_EVERY: Duration = Duration::from_secs(60);
/// Concurrent invocations of one provisioned poller of a topic.
pub(crate) const TOPIC_INVOCATIONS_PER_POLLER: usize = 5;
/// Pollers of a topic are multiplied by this at each look while there is a lag.
pub(crate) const TOPIC_GROWTH: usize = 2;

/// A constant of the model.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Constant {
    /// What sources it is about.
    pub of: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// The value's unit.
    pub unit: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

const fn constant(
    of: &'static str,
    name: &'static str,
    value: f64,
    unit: &'static str,
    source: &'static str,
) -> Constant {
    Constant {
        of,
        name,
        value,
        unit,
        source,
    }
}

const SQS: &str =
    "Lambda developer guide, \"Configuring scaling behavior for SQS event source mappings\"";
const KAFKA: &str = "Lambda developer guide, \"Apache Kafka event poller scaling modes\"";
const ERRORS: &str = "fitted to public measurements of concurrency at 1, 5 and 10 % errors (rehanvdm.com, \
                      \"7 SQS Lambda ESM Scaling Behaviours\"); the developer guide says \"gradually\"";
const OURS: &str = "our choice; not documented";

/// All constants of the model.
#[must_use]
pub fn table() -> Vec<Constant> {
    vec![
        constant("sqs", "concurrent batches at first", QUEUE_START, "", SQS),
        constant("sqs", "concurrent batches when idle", QUEUE_IDLE, "", SQS),
        constant("sqs", "most concurrent batches", QUEUE_MAXIMUM, "", SQS),
        constant(
            "sqs",
            "growth with a backlog",
            QUEUE_GROWTH_PER_MINUTE,
            "per minute",
            SQS,
        ),
        constant(
            "sqs",
            "batches of a provisioned poller",
            QUEUE_BATCHES_PER_POLLER,
            "",
            SQS,
        ),
        constant(
            "sqs",
            "growth in provisioned mode",
            QUEUE_PROVISIONED_GROWTH_PER_MINUTE,
            "per minute",
            SQS,
        ),
        constant(
            "sqs",
            "empty receives before easing off",
            f64::from(QUEUE_EMPTY_RECEIVES),
            "",
            OURS,
        ),
        constant(
            "sqs",
            "cut by a failed batch",
            QUEUE_FAILURE_CUT,
            "of the concurrency",
            ERRORS,
        ),
        constant(
            "sqs",
            "failures that count as one are within",
            QUEUE_FAILURE_INTERVAL.as_secs_f64(),
            "s",
            ERRORS,
        ),
        constant(
            "sqs",
            "cut by a throttle",
            QUEUE_THROTTLE_CUT,
            "of the concurrency",
            OURS,
        ),
        constant(
            "sqs",
            "throttles that count as one are within",
            QUEUE_THROTTLE_INTERVAL.as_secs_f64(),
            "s",
            OURS,
        ),
        constant(
            "kafka",
            "time between looks at the offset lag",
            TOPIC_EVALUATED_EVERY.as_secs_f64(),
            "s",
            KAFKA,
        ),
        constant(
            "kafka",
            "invocations of a provisioned poller",
            TOPIC_INVOCATIONS_PER_POLLER as f64,
            "",
            KAFKA,
        ),
        constant(
            "kafka",
            "pollers with a lag, times",
            TOPIC_GROWTH as f64,
            "",
            OURS,
        ),
    ]
}
