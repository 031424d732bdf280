//! On-failure destinations (Lambda developer guide, on-failure destinations of each source).

use crate::mapping::arn::Arn;
use crate::mapping::function::is_dots;
use crate::mapping::kafka::KafkaDestination;
use crate::mapping::settings::AwsDestination;

/// Reads the ARN of a standard queue, a standard topic or a bucket; `None` for anything else. FIFO
/// queues and topics cannot take discarded records, and no bucket is named as a way through folders.
pub(in crate::mapping) fn aws(text: &str) -> Option<AwsDestination> {
    let arn = Arn::parse(text)?;
    if arn.resource().ends_with(".fifo") || is_dots(arn.resource()) {
        return None;
    }
    match arn.service() {
        "sqs" => Some(AwsDestination::Sqs(arn)),
        "sns" => Some(AwsDestination::Sns(arn)),
        "s3" => Some(AwsDestination::S3(arn)),
        _ => None,
    }
}

/// Reads the same or `kafka://topic`.
pub(in crate::mapping) fn kafka(text: &str) -> Option<KafkaDestination> {
    match text.strip_prefix("kafka://") {
        Some(topic) => Some(KafkaDestination::Topic(topic.to_owned())),
        None => aws(text).map(KafkaDestination::Aws),
    }
}
