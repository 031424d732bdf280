//! Traps of sources that are read in order: where reading starts, and what a record that always fails does.

use std::time::Duration;

use super::facts::Facts;
use super::pages;
use super::trap::Trap;
use crate::mapping::kafka::{KafkaMapping, KafkaMode};
use crate::mapping::model::{Source, StreamSettings, StreamStart};
use crate::mapping::settings::{RetryPolicy, StartingPosition};

/// How long DynamoDB keeps the records of a stream.
const DYNAMODB_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// How a source treats what fails.
struct Failing {
    /// What a failing batch holds up.
    lane: &'static str,
    retry: RetryPolicy,
    has_destination: bool,
    batch_size: u32,
    window: Duration,
    /// Where records leave the source by themselves.
    retention: Option<Duration>,
    page: &'static str,
}

pub(super) fn look(source: &Source, facts: &Facts<'_>, found: &mut Vec<Trap>) {
    found.extend(latest(source));
    let failing = match source {
        Source::Kinesis(kinesis) => {
            of_stream(&kinesis.settings, facts.retention, pages::KINESIS_ERRORS)
        }
        Source::DynamoDb(dynamodb) => {
            let retention = facts.retention.unwrap_or(DYNAMODB_RETENTION);
            of_stream(&dynamodb.settings, Some(retention), pages::DYNAMODB_ERRORS)
        }
        Source::Kafka(kafka) => {
            found.extend(on_demand(kafka));
            found.extend(idle_pollers(kafka, facts));
            match of_topic(kafka, facts) {
                Some(failing) => failing,
                None => return,
            }
        }
        _ => return,
    };
    found.extend(failing.blocked());
    found.extend(failing.dropped());
    found.extend(failing.too_old_for_the_window());
    found.extend(failing.older_than_the_source());
    found.extend(failing.bisect());
}

fn of_stream(
    settings: &StreamSettings,
    retention: Option<Duration>,
    page: &'static str,
) -> Failing {
    Failing {
        lane: "shard",
        retry: settings.retry,
        has_destination: settings.on_failure.is_some(),
        batch_size: settings.batch_size,
        window: settings.window,
        retention,
        page,
    }
}

fn of_topic(kafka: &KafkaMapping, facts: &Facts<'_>) -> Option<Failing> {
    let KafkaMode::Provisioned(provisioned) = &kafka.mode else {
        return None;
    };
    let retry = RetryPolicy {
        maximum_retries: kafka.maximum_retries(),
        ..provisioned.retry
    };
    Some(Failing {
        lane: "partition",
        retry,
        has_destination: provisioned.on_failure.is_some(),
        batch_size: kafka.batch_size,
        window: kafka.window.unwrap_or_default(),
        retention: facts.retention,
        page: pages::KAFKA_ERRORS,
    })
}

impl Failing {
    fn blocked(&self) -> Option<Trap> {
        let RetryPolicy {
            maximum_retries: None,
            maximum_record_age: None,
            bisect_on_error,
        } = self.retry
        else {
            return None;
        };
        let what = if bisect_on_error {
            "a record"
        } else {
            "a batch with a record"
        };
        let told = if self.has_destination {
            ", and the destination hears of nothing before"
        } else {
            ""
        };
        let lane = self.lane;
        Some(Trap {
            field: "MaximumRetryAttempts",
            value: "-1".to_owned(),
            says: format!(
                "{what} that always fails is tried until it leaves the source: its {lane} is held up as long{told}"
            ),
            way_out: "set MaximumRetryAttempts and MaximumRecordAgeInSeconds, with an OnFailure destination for what \
                      is given up"
                .to_owned(),
            source: self.page,
        })
    }

    fn dropped(&self) -> Option<Trap> {
        let (field, value) = match (self.retry.maximum_retries, self.retry.maximum_record_age) {
            (Some(retries), _) => ("MaximumRetryAttempts", retries.to_string()),
            (None, Some(age)) => ("MaximumRecordAgeInSeconds", age.as_secs().to_string()),
            (None, None) => return None,
        };
        (!self.has_destination).then(|| Trap {
            field,
            value,
            says:
                "records that are given up are dropped without a trace, since OnFailure is not set"
                    .to_owned(),
            way_out: "set DestinationConfig.OnFailure.Destination to a queue, a topic or a bucket"
                .to_owned(),
            source: self.page,
        })
    }

    fn too_old_for_the_window(&self) -> Option<Trap> {
        let age = self.retry.maximum_record_age?;
        if age > self.window {
            return None;
        }
        Some(Trap {
            field: "MaximumRecordAgeInSeconds",
            value: age.as_secs().to_string(),
            says: format!(
                "is not above the batching window of {} s: records may be given up before their batch is ever sent",
                self.window.as_secs()
            ),
            way_out: "lower MaximumBatchingWindowInSeconds well below the age, or raise the age"
                .to_owned(),
            source: self.page,
        })
    }

    fn older_than_the_source(&self) -> Option<Trap> {
        let (age, retention) = (self.retry.maximum_record_age?, self.retention?);
        if age <= retention {
            return None;
        }
        Some(Trap {
            field: "MaximumRecordAgeInSeconds",
            value: age.as_secs().to_string(),
            says: format!(
                "is never reached: the source keeps its records for {} s, and those that it loses are told to no \
                 destination",
                retention.as_secs()
            ),
            way_out: "lower it well below the retention".to_owned(),
            source: self.page,
        })
    }

    fn bisect(&self) -> Option<Trap> {
        if !self.retry.bisect_on_error {
            return None;
        }
        let (says, way_out) = if self.batch_size == 1 {
            (
                "has no effect with BatchSize 1: a single record cannot be split",
                "raise BatchSize, or leave it out",
            )
        } else if self.retry.maximum_retries == Some(0) {
            (
                "splits without using a retry, but with MaximumRetryAttempts 0 no record that fails alone is tried \
                 again: a failure that would pass, such as a timeout, is enough to give it up",
                "set MaximumRetryAttempts to 2 or more",
            )
        } else {
            return None;
        };
        Some(Trap {
            field: "BisectBatchOnFunctionError",
            value: "true".to_owned(),
            says: says.to_owned(),
            way_out: way_out.to_owned(),
            source: self.page,
        })
    }
}

/// Without pollers of its own nothing limits the retries but a destination.
fn on_demand(kafka: &KafkaMapping) -> Option<Trap> {
    let KafkaMode::OnDemand { on_failure: None } = kafka.mode else {
        return None;
    };
    Some(Trap {
        field: "ProvisionedPollerConfig",
        value: "none".to_owned(),
        says: "a batch with a record that always fails is tried until it leaves the topic, and its partitions are held \
               up as long; limits of retries and of age need provisioned mode"
            .to_owned(),
        way_out: "set DestinationConfig.OnFailure, which means ten retries, or ProvisionedPollerConfig with \
                  MaximumRetryAttempts"
            .to_owned(),
        source: pages::KAFKA_ERRORS,
    })
}

fn idle_pollers(kafka: &KafkaMapping, facts: &Facts<'_>) -> Option<Trap> {
    let (KafkaMode::Provisioned(provisioned), Some(partitions)) = (&kafka.mode, facts.shards)
    else {
        return None;
    };
    let minimum = provisioned.pollers.minimum;
    if minimum <= partitions {
        return None;
    }
    Some(Trap {
        field: "ProvisionedPollerConfig",
        value: format!("MinimumPollers {minimum}"),
        says: format!(
            "the topic has {partitions} partitions, and no more pollers than that have anything to do"
        ),
        way_out: format!("lower MinimumPollers to {partitions}"),
        source: pages::KAFKA_SCALING,
    })
}

fn latest(source: &Source) -> Option<Trap> {
    let (is_latest, times, page) = match source {
        Source::Kinesis(kinesis) => (
            kinesis.start == StartingPosition::Latest,
            true,
            pages::KINESIS_CREATE,
        ),
        Source::DynamoDb(dynamodb) => (
            dynamodb.start == StreamStart::Latest,
            false,
            pages::DYNAMODB,
        ),
        Source::Kafka(kafka) => (
            kafka.start == StartingPosition::Latest,
            true,
            pages::KAFKA_START,
        ),
        Source::DocumentDb(documentdb) => (
            documentdb.start == StartingPosition::Latest,
            true,
            pages::DOCUMENTDB,
        ),
        _ => return None,
    };
    let or_time = if times { " or AT_TIMESTAMP" } else { "" };
    is_latest.then(|| Trap {
        field: "StartingPosition",
        value: "LATEST".to_owned(),
        says: "what is put while the mapping is created may be missed: in AWS polling may begin minutes later".to_owned(),
        way_out: format!("use TRIM_HORIZON{or_time} where every record counts"),
        source: page,
    })
}
