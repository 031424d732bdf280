//! What happens to a batch that fails.

use std::time::Duration;

use crate::mapping::settings::{AwsDestination, RetryPolicy};

/// Says what happens to a batch that fails, where order keeps the next one waiting. `destination` is what
/// becomes of records that are given up.
pub(super) fn failing(
    retry: RetryPolicy,
    retries: Option<u32>,
    reports_failures: bool,
    destination: Option<String>,
    says: &mut Vec<String>,
) {
    if reports_failures {
        says.push(
            "goes on from the first record that the function names in batchItemFailures: those before it \
             are done, it and those after it are tried again with all their retries; if it is the first of \
             the batch, the batch has failed"
                .to_owned(),
        );
    }
    if retry.bisect_on_error {
        says.push(
            "splits a failed batch in two, down to single records, without waiting and without using a \
             retry"
                .to_owned(),
        );
    }
    let failed = if retry.bisect_on_error {
        "a record that fails alone"
    } else {
        "a failed batch"
    };
    let age = retry.maximum_record_age;
    says.push(match (retries, age) {
        (Some(0), _) => format!("does not retry {failed}"),
        (Some(1), _) => format!("retries {failed} once"),
        (Some(retries), _) => format!("retries {failed} up to {retries} times"),
        (None, Some(_)) => format!("retries {failed} until it succeeds or is too old"),
        (None, None) => format!("retries {failed} until it succeeds or leaves the source"),
    });
    if retries.is_some() {
        says.push(
            "sends again what did not reach the function (throttled, unreachable), which uses no retry"
                .to_owned(),
        );
    }
    if let Some(age) = age {
        let age = span(age);
        says.push(format!(
            "gives up records that are older than {age}, whether they were tried or not"
        ));
    }
    let bounded = retries.is_some() || age.is_some();
    if !bounded {
        says.push("holds back the records behind a failing batch".to_owned());
    }
    match destination {
        Some(destination) => says.push(destination),
        None if bounded => says
            .push("drops what it gives up without a trace, since OnFailure is not set".to_owned()),
        None => {}
    }
}

/// Says what a destination gets to know of records that are given up.
pub(super) fn told(destination: &AwsDestination) -> String {
    let name = destination.arn().resource_name();
    match destination {
        AwsDestination::Sqs(_) => {
            format!("tells the queue {name} which records it gives up, not what is in them")
        }
        AwsDestination::Sns(_) => {
            format!("tells the topic {name} which records it gives up, not what is in them")
        }
        AwsDestination::S3(_) => {
            format!("writes the records that it gives up into the bucket {name}")
        }
    }
}

pub(super) fn span(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}
