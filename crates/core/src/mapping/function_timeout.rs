//! How long a function may run for its source: not longer than a queue hides its messages.

use std::time::Duration;

use super::error::ApiError;
use super::model::{Mapping, Source};

/// The longest function timeout for Kafka, Amazon MQ and DocumentDB (Lambda developer guide).
const BROKER_FUNCTION_TIMEOUT: Duration = Duration::from_secs(14 * 60);

/// Checks the function's timeout against what the source allows: at most the visibility timeout of
/// an SQS queue (checked on create and update; text as reported of the service by its users), at
/// most 14 minutes for Kafka, Amazon MQ and DocumentDB. `queue_visibility` is `None` where it is
/// not known.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn check_function_timeout(
    mapping: &Mapping,
    function_timeout: Duration,
    queue_visibility: Option<Duration>,
) -> Result<(), ApiError> {
    let function = function_timeout.as_secs();
    match &mapping.source {
        Source::Sqs(_) => match queue_visibility {
            Some(visibility) if visibility < function_timeout => Err(ApiError::invalid(
                "FunctionName",
                format!(
                    "Queue visibility timeout: {} seconds is less than Function timeout: {function} seconds",
                    visibility.as_secs()
                ),
            )
            .hint(format!(
                "raise the queue's visibility timeout to at least {function} s, better six times that, or \
                 lower the function's timeout"
            ))),
            _ => Ok(()),
        },
        Source::Kinesis(_) | Source::DynamoDb(_) => Ok(()),
        Source::Kafka(_) | Source::Mq(_) | Source::DocumentDb(_) => {
            if function_timeout <= BROKER_FUNCTION_TIMEOUT {
                return Ok(());
            }
            let limit = BROKER_FUNCTION_TIMEOUT.as_secs();
            let message = format!(
                "Function timeout: {function} seconds is greater than the maximum of {limit} seconds for \
                 given event source mapping type."
            );
            Err(ApiError::invalid("FunctionName", message)
                .hint("lower the function's timeout to 14 minutes"))
        }
    }
}
