//! Looks for all traps.

use super::facts::Facts;
use super::pages;
use super::trap::Trap;
use super::{concurrency, filter, ordered, queue, share_group, stream};
use crate::mapping::function_timeout::check_function_timeout;
use crate::mapping::model::{Mapping, Source};

/// Returns the traps of a mapping, as far as the facts tell: those of its source, then of its concurrency, then of
/// its filters.
#[must_use]
pub fn traps(mapping: &Mapping, facts: &Facts<'_>) -> Vec<Trap> {
    let mut found = Vec::new();
    found.extend(function_timeout(mapping, facts));
    found.extend(window_without_room(mapping));
    match &mapping.source {
        Source::Sqs(sqs) => queue::look(sqs, mapping, facts, &mut found),
        Source::Kinesis(_) | Source::DynamoDb(_) => {
            ordered::look(&mapping.source, facts, &mut found);
            stream::look(mapping, facts, &mut found);
        }
        Source::Kafka(kafka) if kafka.is_queue() => share_group::look(kafka, &mut found),
        Source::Kafka(_) | Source::DocumentDb(_) => {
            ordered::look(&mapping.source, facts, &mut found);
        }
        Source::Mq(_) => {}
    }
    concurrency::look(mapping, facts, &mut found);
    filter::look(mapping, &mut found);
    found
}

/// What AWS refuses when it knows the function and the queue.
fn function_timeout(mapping: &Mapping, facts: &Facts<'_>) -> Option<Trap> {
    let timeout = facts.function_timeout?;
    let error = check_function_timeout(mapping, timeout, facts.visibility_timeout).err()?;
    Some(Trap {
        field: "FunctionName",
        value: mapping.function.name().to_owned(),
        says: format!(
            "AWS refuses the mapping: {}",
            error.message.trim_end_matches('.')
        ),
        way_out: error.hint.unwrap_or_default(),
        source: match &mapping.source {
            Source::Sqs(_) => pages::SQS_CONFIGURE,
            Source::DocumentDb(_) => pages::DOCUMENTDB,
            _ => pages::MQ,
        },
    })
}

fn window_without_room(mapping: &Mapping) -> Option<Trap> {
    let source = &mapping.source;
    let window = match source {
        Source::Sqs(sqs) => Some(sqs.window),
        Source::Kinesis(kinesis) => Some(kinesis.settings.window),
        Source::DynamoDb(dynamodb) => Some(dynamodb.settings.window),
        Source::Kafka(kafka) => kafka.window,
        Source::Mq(mq) => mq.window,
        Source::DocumentDb(documentdb) => documentdb.window,
    };
    let window = window.filter(|window| !window.is_zero() && source.batch_size() == 1)?;
    Some(Trap {
        field: "MaximumBatchingWindowInSeconds",
        value: window.as_secs().to_string(),
        says: "has no effect with BatchSize 1: the first record fills the batch".to_owned(),
        way_out: "raise BatchSize, or leave the window out".to_owned(),
        source: pages::BATCHING,
    })
}
