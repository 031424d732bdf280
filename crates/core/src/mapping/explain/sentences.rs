//! What a mapping says of itself.

use super::failing::{failing, span, told};
use super::kafka::kafka_does;
use super::start::starts;
use crate::mapping::function::FunctionRef;
use crate::mapping::kafka::KafkaCluster;
use crate::mapping::model::{
    DocumentDbMapping, Lanes, Mapping, Source, SqsConcurrency, SqsMapping, StreamSettings,
    StreamStart,
};
use crate::mapping::mq::MqMapping;
use crate::mapping::settings::{RetryPolicy, StartingPosition};

impl Mapping {
    /// Says in sentences what this mapping will do, the most important first.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let mut says = vec![self.reads(), calls(&self.function)];
        if !self.enabled {
            says.push("is disabled, and reads nothing until it is enabled".to_owned());
        }
        says.extend(self.filtering());
        match &self.source {
            Source::Sqs(sqs) => sqs_does(sqs, &mut says),
            Source::Kinesis(kinesis) => {
                says.push(shards_start(kinesis.start));
                if kinesis.consumer {
                    says.push(
                        "takes aggregated records of the Kinesis Producer Library apart".to_owned(),
                    );
                }
                stream_does(&kinesis.settings, "partition key", &mut says);
            }
            Source::DynamoDb(dynamodb) => {
                says.push(shards_start(match dynamodb.start {
                    StreamStart::TrimHorizon => StartingPosition::TrimHorizon,
                    StreamStart::Latest => StartingPosition::Latest,
                }));
                stream_does(&dynamodb.settings, "item", &mut says);
            }
            Source::Kafka(kafka) => kafka_does(kafka, &mut says),
            Source::Mq(mq) => mq_does(mq, &mut says),
            Source::DocumentDb(documentdb) => documentdb_does(documentdb, &mut says),
        }
        says
    }

    fn reads(&self) -> String {
        let name = |arn: &crate::mapping::Arn| arn.resource_name().to_owned();
        let (source, records) = match &self.source {
            Source::Sqs(sqs) => {
                let kind = if sqs.fifo { "FIFO" } else { "standard" };
                (
                    format!("the {kind} queue {}", name(&sqs.queue_arn)),
                    "message",
                )
            }
            Source::Kinesis(kinesis) => {
                let stream = name(&kinesis.stream_arn);
                let how = if kinesis.consumer {
                    " through its own consumer"
                } else {
                    ""
                };
                (format!("the Kinesis stream {stream}{how}"), "record")
            }
            Source::DynamoDb(dynamodb) => (
                format!("the stream of the table {}", name(&dynamodb.stream_arn)),
                "record",
            ),
            Source::Kafka(kafka) => {
                let cluster = match &kafka.cluster {
                    KafkaCluster::Msk { arn } => format!("the MSK cluster {}", name(arn)),
                    KafkaCluster::SelfManaged { bootstrap_servers } => bootstrap_servers.join(", "),
                };
                (format!("the topic {} of {cluster}", kafka.topic), "record")
            }
            Source::Mq(mq) => (
                format!(
                    "the queue {} of the broker {}",
                    mq.queue,
                    name(&mq.broker_arn)
                ),
                "message",
            ),
            Source::DocumentDb(docs) => {
                let what = docs.collection.as_ref().map_or_else(
                    || format!("all changes in {}", docs.database),
                    |collection| format!("the changes of {}.{collection}", docs.database),
                );
                (
                    format!("{what} in the cluster {}", name(&docs.cluster_arn)),
                    "event",
                )
            }
        };
        let size = self.source.batch_size();
        let plural = if size == 1 { "" } else { "s" };
        let window = self.source.window();
        let waiting = if size == 1 {
            String::new()
        } else if window.is_zero() {
            ", without waiting to fill it".to_owned()
        } else {
            format!(", waiting up to {} to fill it", span(window))
        };
        format!("reads {source} with up to {size} {records}{plural} per batch{waiting}")
    }

    fn filtering(&self) -> Option<String> {
        let filters = self.filters.as_ref()?;
        let fate = match &self.source {
            Source::Sqs(_) => "deletes the others from the queue",
            Source::Mq(_) => "acknowledges the others",
            _ => "skips the others",
        };
        let patterns = filters.patterns();
        let list = patterns.join(" or ");
        Some(format!("passes on only what matches {list}, and {fate}"))
    }
}

fn calls(function: &FunctionRef) -> String {
    let name = function.name();
    match function.qualifier() {
        Some(qualifier) => format!("calls the function {name}, version or alias {qualifier}"),
        None => format!("calls the function {name}"),
    }
}

fn sqs_does(sqs: &SqsMapping, says: &mut Vec<String>) {
    says.push(match sqs.concurrency {
        SqsConcurrency::OnDemand {
            maximum: Some(maximum),
        } => format!(
            "keeps at most {maximum} invocations at a time, and stops reading while they run"
        ),
        SqsConcurrency::OnDemand { maximum: None } if sqs.fifo => {
            "runs as many invocations at a time as there are active message groups".to_owned()
        }
        SqsConcurrency::OnDemand { maximum: None } => {
            "starts with 5 invocations at a time, and scales up to 1,250 while messages wait"
                .to_owned()
        }
        SqsConcurrency::Provisioned(pollers) => format!(
            "keeps {} to {} pollers of its own, each with up to 10 invocations at a time",
            pollers.minimum, pollers.maximum
        ),
    });
    if sqs.fifo {
        says.push("keeps the order of messages inside each message group".to_owned());
    }
    says.push(if sqs.report_batch_item_failures {
        "deletes every message of a batch but those the function names in batchItemFailures"
            .to_owned()
    } else {
        "deletes the messages of a batch when the function succeeds".to_owned()
    });
    says.push(
        "leaves failed messages to the queue, which shows them again after their visibility timeout, or \
         moves them to its dead-letter queue"
            .to_owned(),
    );
}

fn stream_does(settings: &StreamSettings, key: &str, says: &mut Vec<String>) {
    says.push(match settings.lanes {
        Lanes::Parallel(1) => "runs one batch per shard at a time, in order".to_owned(),
        Lanes::Parallel(factor) => {
            format!("runs up to {factor} batches per shard at a time, in order per {key}")
        }
        Lanes::Tumbling(window) => format!(
            "runs one batch per shard at a time, and carries the function's state through windows of {}",
            span(window)
        ),
    });
    if settings.lanes.tumbling_window().is_some() {
        says.push(
            "takes every response without a JSON object `state` for a failure, and ends each window with an \
             invocation without records, which needs none"
                .to_owned(),
        );
    }
    let destination = settings.on_failure.as_ref().map(told);
    let retries = settings.retry.maximum_retries;
    failing(
        settings.retry,
        retries,
        settings.report_batch_item_failures,
        destination,
        says,
    );
}

fn mq_does(mq: &MqMapping, says: &mut Vec<String>) {
    // Only RabbitMQ has virtual hosts.
    let may_be_activemq = mq.virtual_host.is_none();
    let ahead = 2 * mq.batch_size;
    if let Some(host) = &mq.virtual_host {
        says.push(format!("uses the virtual host {host}"));
    }
    says.push(if may_be_activemq {
        "runs one batch at a time, in the order of the queue, if the broker is RabbitMQ; up to 5 if it is ActiveMQ"
            .to_owned()
    } else {
        "runs one batch at a time, in the order of the queue".to_owned()
    });
    says.push(if may_be_activemq {
        format!(
            "has up to {ahead} messages of RabbitMQ at a time, {} of ActiveMQ",
            5 * ahead
        )
    } else {
        format!("has up to {ahead} messages at a time")
    });
    says.push(
        "acknowledges a batch when the function succeeds, and retries the whole batch when it fails, until \
         it succeeds or its messages expire"
            .to_owned(),
    );
    if may_be_activemq {
        says.push(
            "after 6 redeliveries leaves a message to the dead-letter queue of ActiveMQ, and drops one that is neither text \
             nor bytes"
                .to_owned(),
        );
    }
    says.push("drops a message whose event alone is over 6 MB".to_owned());
}

fn documentdb_does(documentdb: &DocumentDbMapping, says: &mut Vec<String>) {
    says.push(starts(documentdb.start));
    says.push("runs one batch at a time, in the order of the change stream".to_owned());
    failing(RetryPolicy::default(), None, false, None, says);
    says.push(
        "is disabled when the cluster no longer holds the next change, and goes on with the oldest one when it is enabled \
         again"
            .to_owned(),
    );
    says.push("drops a change whose event alone is over 6 MB".to_owned());
}

/// Says where reading starts where a source is read in shards.
fn shards_start(start: StartingPosition) -> String {
    match start {
        StartingPosition::Latest => format!(
            "{}; a shard that comes into being later is read from its beginning",
            starts(start)
        ),
        StartingPosition::TrimHorizon | StartingPosition::AtTimestamp(_) => starts(start),
    }
}
