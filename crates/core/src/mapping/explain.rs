//! What a mapping will do, in plain English.

use std::time::Duration;

use super::function::FunctionRef;
use super::model::{
    AwsDestination, DocumentDbMapping, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode,
    Lanes, Mapping, RetryPolicy, Source, SqsConcurrency, SqsMapping, StartingPosition,
    StreamSettings, StreamStart,
};
use super::mq::MqMapping;

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
        let name = |arn: &super::Arn| arn.resource_name().to_owned();
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

fn kafka_does(kafka: &KafkaMapping, says: &mut Vec<String>) {
    says.push(format!(
        "joins the consumer group {}; {} if the group has no committed offset",
        kafka.consumer_group_id,
        starts(kafka.start)
    ));
    let retries = kafka.maximum_retries();
    match &kafka.mode {
        KafkaMode::OnDemand { on_failure } => {
            let destination = on_failure.as_ref().map(told);
            failing(RetryPolicy::default(), retries, false, destination, says);
        }
        KafkaMode::Provisioned(provisioned) => {
            let pollers = provisioned.pollers;
            let (least, most) = (pollers.minimum, pollers.maximum);
            says.push(format!("keeps {least} to {most} pollers of its own"));
            let destination =
                provisioned
                    .on_failure
                    .as_ref()
                    .map(|destination| match destination {
                        KafkaDestination::Aws(destination) => told(destination),
                        KafkaDestination::Topic(topic) => {
                            format!("sends the records that it gives up to the topic {topic}")
                        }
                    });
            let reports = provisioned.report_batch_item_failures;
            failing(provisioned.retry, retries, reports, destination, says);
        }
    }
}

fn mq_does(mq: &MqMapping, says: &mut Vec<String>) {
    if let Some(host) = &mq.virtual_host {
        says.push(format!("uses the virtual host {host}"));
    }
    says.push(
        "acknowledges a batch when the function succeeds, and retries the whole batch when it fails, until \
         it succeeds or its messages expire"
            .to_owned(),
    );
}

fn documentdb_does(documentdb: &DocumentDbMapping, says: &mut Vec<String>) {
    says.push(starts(documentdb.start));
    says.push("runs one batch at a time, in the order of the change stream".to_owned());
    failing(RetryPolicy::default(), None, false, None, says);
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

fn starts(start: StartingPosition) -> String {
    match start {
        StartingPosition::TrimHorizon => "starts at the oldest record".to_owned(),
        StartingPosition::Latest => "starts after the newest record".to_owned(),
        StartingPosition::AtTimestamp(at) => {
            format!("starts at the first record since {}", at.iso_seconds())
        }
    }
}

/// Says what happens to a batch that fails, where order keeps the next one waiting. `destination` is what
/// becomes of records that are given up.
fn failing(
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
fn told(destination: &AwsDestination) -> String {
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

fn span(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}
