//! What each member may look like by itself (Lambda API reference, constraints of the request
//! syntax).

use super::nested_members as nested;
use super::patterns::{ARN, FUNCTION, KMS_KEY, NOT_DOTS, TAG, TOPIC};
use super::violations::{Member, Violations};
use crate::mapping::error::ApiError;
use crate::mapping::request::CreateEventSourceMapping;

/// The starting positions, in the order AWS lists them (recorded).
const STARTING_POSITIONS: [&str; 3] = ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"];

/// Checks every member by itself. An update passes what it has, and needs no function.
///
/// # Errors
/// One `ValidationException` for all violations together.
pub(in crate::mapping) fn check(
    request: &CreateEventSourceMapping,
    needs_function: bool,
) -> Result<(), ApiError> {
    let mut violations = Violations::default();
    texts(request, needs_function, &mut violations);
    numbers(request, &mut violations);
    lists(request, &mut violations);
    nested::check(request, &mut violations);
    violations.finish()
}

/// Names a top-level member.
const fn member(field: &'static str, path: &'static str) -> Member<'static> {
    Member { field, path }
}

fn texts(request: &CreateEventSourceMapping, needs_function: bool, violations: &mut Violations) {
    let function = member("FunctionName", "functionName");
    let name = request.function_name.as_deref();
    violations.required(function, !needs_function || name.is_some());
    // Only a name by itself is limited to 64 characters.
    let bare = name.is_some_and(|name| !name.contains(':'));
    violations.length(function, name, 1..=if bare { 64 } else { 256 });
    // AWS's own pattern lets two names pass that would lead elsewhere in a URL.
    let named = name.is_none_or(NOT_DOTS.1);
    violations.pattern(function, name, if named { FUNCTION } else { NOT_DOTS });
    let arn = member("EventSourceArn", "eventSourceArn");
    violations.length(arn, request.event_source_arn.as_deref(), 0..=10_000);
    violations.pattern(arn, request.event_source_arn.as_deref(), ARN);
    let position = member("StartingPosition", "startingPosition");
    violations.one_of(
        position,
        request.starting_position.as_deref(),
        &STARTING_POSITIONS,
    );
    let key = member("KMSKeyArn", "kMSKeyArn");
    violations.length(key, request.kms_key_arn.as_deref(), 0..=10_000);
    violations.pattern(key, request.kms_key_arn.as_deref(), KMS_KEY);
    for (key, value) in request.tags.iter().flatten() {
        violations.length(member("Tags", "tags.key"), Some(key), 1..=128);
        violations.pattern(member("Tags", "tags.key"), Some(key), TAG);
        violations.length(member("Tags", "tags.value"), Some(value), 0..=256);
        violations.pattern(member("Tags", "tags.value"), Some(value), TAG);
    }
}

fn numbers(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let rows = [
        (
            member("BatchSize", "batchSize"),
            request.batch_size,
            1..=10_000,
        ),
        (
            member(
                "MaximumBatchingWindowInSeconds",
                "maximumBatchingWindowInSeconds",
            ),
            request.maximum_batching_window_in_seconds,
            0..=300,
        ),
        (
            member("ParallelizationFactor", "parallelizationFactor"),
            request.parallelization_factor,
            1..=10,
        ),
        (
            member("MaximumRecordAgeInSeconds", "maximumRecordAgeInSeconds"),
            request.maximum_record_age_in_seconds,
            -1..=604_800,
        ),
        (
            member("MaximumRetryAttempts", "maximumRetryAttempts"),
            request.maximum_retry_attempts,
            -1..=10_000,
        ),
        (
            member("TumblingWindowInSeconds", "tumblingWindowInSeconds"),
            request.tumbling_window_in_seconds,
            0..=900,
        ),
    ];
    for (member, value, range) in rows {
        violations.range(member, value, range);
    }
}

fn lists(request: &CreateEventSourceMapping, violations: &mut Violations) {
    let topics = request.topics.as_deref();
    violations.items(member("Topics", "topics"), topics, 1..=1);
    for topic in topics.unwrap_or_default().iter().take(1) {
        let topics = member("Topics", "topics.1.member");
        violations.length(topics, Some(topic), 1..=249);
        violations.pattern(topics, Some(topic), TOPIC);
    }
    let queues = request.queues.as_deref();
    violations.items(member("Queues", "queues"), queues, 1..=1);
    for queue in queues.unwrap_or_default().iter().take(1) {
        violations.length(member("Queues", "queues.1.member"), Some(queue), 1..=1000);
    }
    let responses = request.function_response_types.as_deref();
    let member = member("FunctionResponseTypes", "functionResponseTypes");
    violations.items(member, responses, 0..=1);
    violations.each_of(member, responses, &["ReportBatchItemFailures"]);
}
