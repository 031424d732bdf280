//! Two mappings that read the same for the same function: `ResourceConflictException`.

use super::arn::Arn;
use super::error::{ApiError, ErrorCode};
use super::kafka::{KafkaCluster, KafkaMapping};
use super::model::{Mapping, Source};
use crate::excerpt::cut;

/// Tells whether a new mapping reads what an existing one reads, for the same function, and with
/// which `ResourceConflictException`. Mappings of one source to several functions, or to two
/// qualifiers of one function, do not conflict.
///
/// The texts are recorded for SQS, Kinesis, DynamoDB and self-managed Kafka; there any shared
/// bootstrap server with the same topic is a conflict. MSK takes the text of self-managed Kafka,
/// Amazon MQ (per queue) and DocumentDB (per collection) that of the streams.
#[must_use]
pub fn duplicate_error(existing: &Mapping, new: &Mapping) -> Option<ApiError> {
    if existing.function != new.function {
        return None;
    }
    let name = new.function.name();
    let by_arn = |arn: &Arn| {
        let arn = cut(arn);
        format!(
            r#"The event source arn (" {arn} ") and function (" {name} ") provided mapping already exists."#
        )
    };
    let text = match (&existing.source, &new.source) {
        (Source::Sqs(old), Source::Sqs(new)) if old.queue_arn == new.queue_arn => {
            let arn = cut(&new.queue_arn);
            format!(
                r#"An event source mapping with SQS arn (" {arn} ") and function (" {name} ") already exists."#
            )
        }
        (Source::Kinesis(old), Source::Kinesis(new)) if old.stream_arn == new.stream_arn => {
            by_arn(&new.stream_arn)
        }
        (Source::DynamoDb(old), Source::DynamoDb(new)) if old.stream_arn == new.stream_arn => {
            by_arn(&new.stream_arn)
        }
        (Source::Kafka(old), Source::Kafka(kafka)) if old.topic == kafka.topic => {
            by_servers(old, kafka, &new.function.arn("", ""))?
        }
        (Source::Mq(old), Source::Mq(new))
            if old.broker_arn == new.broker_arn
                && old.queue == new.queue
                && old.virtual_host == new.virtual_host =>
        {
            by_arn(&new.broker_arn)
        }
        (Source::DocumentDb(old), Source::DocumentDb(new))
            if old.cluster_arn == new.cluster_arn
                && old.database == new.database
                && old.collection == new.collection =>
        {
            by_arn(&new.cluster_arn)
        }
        _ => return None,
    };
    let uuid = existing.uuid;
    let message = format!("{text} Please update or delete the existing mapping with UUID {uuid}");
    Some(ApiError::new(ErrorCode::ResourceConflict, message))
}

fn by_servers(old: &KafkaMapping, new: &KafkaMapping, function: &str) -> Option<String> {
    let source = match (&old.cluster, &new.cluster) {
        (KafkaCluster::Msk { arn: old }, KafkaCluster::Msk { arn: new }) if old == new => {
            new.to_string()
        }
        (
            KafkaCluster::SelfManaged {
                bootstrap_servers: old,
            },
            KafkaCluster::SelfManaged {
                bootstrap_servers: new,
            },
        ) if new.iter().any(|server| old.contains(server)) => new.join(","),
        _ => return None,
    };
    let topic = &new.topic;
    Some(format!(
        r#"An event source mapping with event source ("{source}"), function ("{function}"), topics ("{topic}") already exists."#
    ))
}
