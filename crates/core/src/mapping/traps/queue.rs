//! Traps of SQS queues.

use std::time::Duration;

use super::facts::{Facts, Redrive};
use super::pages;
use super::trap::Trap;
use crate::mapping::model::{Mapping, Source, SqsMapping};

/// Batches up to this size are what one receive returns; one failure among more is called a waste here (our choice).
const SMALL_BATCH: u32 = 10;
/// How often the guide has a message received at least before it is dead-lettered.
const RECEIVES: u32 = 5;
/// How long a receive waits for messages, and with it a batch.
const LONG_POLL: Duration = Duration::from_secs(20);

pub(super) fn look(sqs: &SqsMapping, mapping: &Mapping, facts: &Facts<'_>, found: &mut Vec<Trap>) {
    found.extend(visibility(sqs, facts));
    found.extend(short_window(sqs));
    found.extend(whole_batches(sqs));
    found.extend(order_of_reports(sqs));
    found.extend(redrive(facts));
    found.extend(competitor(sqs, mapping, facts));
}

fn visibility(sqs: &SqsMapping, facts: &Facts<'_>) -> Option<Trap> {
    let visibility = facts.visibility_timeout?;
    let window = sqs.window.as_secs();
    let (says, needed) = match facts.function_timeout {
        Some(timeout) => {
            let needed = timeout.saturating_mul(6).saturating_add(sqs.window);
            // What is shorter than the function's timeout is refused, and told of as that.
            if visibility < timeout || visibility >= needed {
                return None;
            }
            let waiting = if window == 0 {
                String::new()
            } else {
                format!(" and the batching window of {window} s")
            };
            let says = format!(
                "is less than six times the function's timeout of {} s{waiting}: where the function is throttled \
                 for a while, messages come back while they are still being tried, and are processed twice",
                timeout.as_secs()
            );
            (says, needed)
        }
        None if window > 0 && visibility <= sqs.window => {
            let says = format!(
                "is not longer than the batching window of {window} s: messages may come back before their batch \
                 is full"
            );
            (says, sqs.window.saturating_mul(2))
        }
        None => return None,
    };
    Some(Trap {
        field: "VisibilityTimeout",
        value: visibility.as_secs().to_string(),
        says,
        way_out: format!("raise it to at least {} s", needed.as_secs()),
        source: pages::SQS_CONFIGURE,
    })
}

fn short_window(sqs: &SqsMapping) -> Option<Trap> {
    let window = sqs.window;
    if window.is_zero() || window >= LONG_POLL || sqs.batch_size == 1 {
        return None;
    }
    Some(Trap {
        field: "MaximumBatchingWindowInSeconds",
        value: window.as_secs().to_string(),
        says: "is shorter than a long poll: while there is little traffic, AWS may take 20 s to send a batch"
            .to_owned(),
        way_out: "where that is too late, leave the window out, with a BatchSize of at most 10".to_owned(),
        source: pages::SQS,
    })
}

fn whole_batches(sqs: &SqsMapping) -> Option<Trap> {
    if sqs.report_batch_item_failures {
        return None;
    }
    let size = sqs.batch_size;
    let says = match sqs.fifo {
        true if size > 1 => format!(
            "one message that fails sends all {size} of its batch back: those that succeeded are processed again, \
             and none of their groups goes on before that"
        ),
        false if size > SMALL_BATCH => format!(
            "one message that fails sends up to {size} of its batch back: those that succeeded are processed again, \
             and may end in the dead-letter queue with it"
        ),
        _ => return None,
    };
    Some(Trap {
        field: "FunctionResponseTypes",
        value: "none".to_owned(),
        says,
        way_out: "set ReportBatchItemFailures, and have the function name the messages that failed"
            .to_owned(),
        source: pages::SQS_ERRORS,
    })
}

fn order_of_reports(sqs: &SqsMapping) -> Option<Trap> {
    if !sqs.fifo || !sqs.report_batch_item_failures || sqs.batch_size == 1 {
        return None;
    }
    Some(Trap {
        field: "FunctionResponseTypes",
        value: "ReportBatchItemFailures".to_owned(),
        says: "what the function does not name is deleted: where it goes on behind a message that failed, the order of \
               its group is lost"
            .to_owned(),
        way_out: "have the function stop at the first failure, and name that message and all that follow it"
            .to_owned(),
        source: pages::SQS_ERRORS,
    })
}

fn redrive(facts: &Facts<'_>) -> Option<Trap> {
    let (value, says) = match facts.redrive? {
        Redrive::Never => (
            "none".to_owned(),
            "a message that always fails comes back until the queue's retention ends, with an invocation each time",
        ),
        Redrive::After(most) if most < RECEIVES => (
            format!("maxReceiveCount {most}"),
            "throttled invocations, and failures of other messages in the batch, count too: good messages may be \
             dead-lettered",
        ),
        Redrive::After(_) => return None,
    };
    Some(Trap {
        field: "RedrivePolicy",
        value,
        says: says.to_owned(),
        way_out: format!(
            "give the queue a dead-letter queue with a maxReceiveCount of at least {RECEIVES}"
        ),
        source: pages::SQS_CONFIGURE,
    })
}

/// Another mapping of the same queue.
fn competitor(sqs: &SqsMapping, mapping: &Mapping, facts: &Facts<'_>) -> Option<Trap> {
    let reads_it = |other: &&Mapping| matches!(&other.source, Source::Sqs(its) if its.queue_arn == sqs.queue_arn);
    let other = facts.others(mapping).find(reads_it)?;
    let filtered = mapping.filters.is_some() || other.filters.is_some();
    let deleted = if filtered {
        ", and what the filters of that one do not match is deleted, whatever the other wants"
    } else {
        ""
    };
    Some(Trap {
        field: "EventSourceArn",
        value: sqs.queue_arn.to_string(),
        says: format!(
            "the function {} reads this queue, too: each message goes to one of the two{deleted}",
            other.function.name()
        ),
        way_out:
            "give each function a queue of its own, behind an SNS topic or an EventBridge rule"
                .to_owned(),
        source: pages::SQS_FILTERS,
    })
}
