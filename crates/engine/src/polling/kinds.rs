//! Which kind of source a mapping has.

use std::time::Duration;

use lambda_esm_core::fault::{InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{ApiError, Mapping, Source, check_function_timeout};
use tokio::time::timeout;

use super::kind::{FoundSource, SourceKind};
use super::push_queue::PushQueue;
use super::queue::Queue;
use super::share_group::ShareGroup;
use super::stream::Stream;
use super::topic::Topic;
use crate::ports::FunctionFacts;
use crate::shared::Shared;

/// How long a change waits for what only source and function know: with its filters less than the 30 s after which
/// the API tells that it may still happen.
const CHECK_LIMIT: Duration = Duration::from_secs(20);

/// Returns the rules of a kind of source. What has none is refused in the words given here.
fn kind_of(source: &Source) -> Result<&'static dyn SourceKind, String> {
    match source {
        Source::Sqs(_) => Ok(&Queue),
        Source::Kinesis(_) | Source::DynamoDb(_) | Source::DocumentDb(_) => Ok(&Stream),
        Source::Mq(_) => Ok(&PushQueue),
        Source::Kafka(kafka) if kafka.is_queue() => Ok(&ShareGroup),
        Source::Kafka(_) => Ok(&Topic),
        other => Err(format!(
            "event sources of kind {:?} are not supported by this build",
            other.kind()
        )),
    }
}

/// Finds the source of a mapping, and asks it for what the rules need to know.
pub(crate) async fn find(
    shared: &Shared,
    mapping: &Mapping,
) -> Result<Box<dyn FoundSource>, SourceError> {
    let kind = kind_of(&mapping.source);
    let kind = kind.map_err(|text| SourceError::new(SourceErrorKind::Fatal, text))?;
    kind.find(shared, mapping).await
}

/// Checks what only source and function know. What cannot be asked now, or does not answer in time, is not held
/// against the mapping.
pub(crate) async fn check(shared: &Shared, mapping: &Mapping) -> Result<(), ApiError> {
    let checked = timeout(CHECK_LIMIT, check_in_time(shared, mapping)).await;
    checked.unwrap_or(Ok(()))
}

async fn check_in_time(shared: &Shared, mapping: &Mapping) -> Result<(), ApiError> {
    let function = match shared.backend.describe(&mapping.function).await {
        Ok(facts) => facts,
        Err(error) if error.kind == InvokeErrorKind::NotFound => {
            let text = "Function does not exist";
            shared.missing(ApiError::invalid("FunctionName", text).hint(error.message))?;
            FunctionFacts::default()
        }
        Err(_) => FunctionFacts::default(),
    };
    if let Some(timeout) = function.timeout {
        check_function_timeout(mapping, timeout, None)?;
    }
    let kind = kind_of(&mapping.source);
    let kind = kind.map_err(|text| ApiError::invalid("EventSourceArn", text))?;
    kind.check(shared, mapping, &function).await
}
