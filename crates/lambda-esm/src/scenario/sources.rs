//! Where records come from.

use std::time::Duration;

use lambda_esm_lab::scenario::{Bodies, Distribution, Keys, Source, SourceKind, Workload};

use super::arrivals::{self, ArrivalContext};
use super::{samples, units};
use crate::config::Problems;
use crate::config::fields::{Field, Section};
use crate::config::yaml::Value;

/// What all sources share.
pub(super) struct SourceContext<'a> {
    pub(super) region: &'a str,
    pub(super) account_id: &'a str,
    pub(super) arrivals: &'a ArrivalContext<'a>,
}

/// The size of a record, where nobody says it.
const SIZE: f64 = 200.0;

/// Reads all sources.
pub(super) fn read(
    field: &Field<'_>,
    context: &SourceContext<'_>,
    problems: &mut Problems,
) -> Vec<Source> {
    let entries = field.entries(problems).unwrap_or_default();
    let mut sources = Vec::new();
    for (member, entry) in entries {
        sources.extend(source(&member.key, &entry, context, problems));
    }
    sources
}

#[derive(Clone, Copy)]
enum Kind {
    Sqs,
    Kinesis,
    DynamoDb,
    Kafka,
    RabbitMq,
    ActiveMq,
    DocumentDb,
}

const KINDS: [(&str, Kind); 7] = [
    ("sqs", Kind::Sqs),
    ("kinesis", Kind::Kinesis),
    ("dynamodb", Kind::DynamoDb),
    ("kafka", Kind::Kafka),
    ("rabbitmq", Kind::RabbitMq),
    ("activemq", Kind::ActiveMq),
    ("documentdb", Kind::DocumentDb),
];

fn source(
    name: &str,
    entry: &Field<'_>,
    context: &SourceContext<'_>,
    problems: &mut Problems,
) -> Option<Source> {
    let mut section = entry.section(problems)?;
    let kind = section.require("kind", "sqs", problems)?;
    let kind = kind.choice(&KINDS, problems)?;
    let arn = section.take("arn");
    let arn = arn.and_then(|field| field.text(problems).map(str::to_owned));
    let arn = arn.unwrap_or_else(|| default_arn(name, kind, context));
    let workload = workload(&mut section, context, problems);
    let is_asked = !matches!(kind, Kind::RabbitMq | Kind::ActiveMq);
    let call_time = is_asked.then(|| section.take("call_time")).flatten();
    let call_time = call_time.map_or(Some(Distribution::Fixed(0.0)), |field| {
        units::distribution(&field, units::seconds, context.arrivals.folder, problems)
    });
    let kind = settings(name, kind, &mut section, problems);
    section.finish(problems);
    Some(Source {
        name: name.to_owned(),
        arn,
        kind: kind?,
        workload: workload?,
        call_time: call_time?,
    })
}

fn default_arn(name: &str, kind: Kind, context: &SourceContext<'_>) -> String {
    let SourceContext {
        region, account_id, ..
    } = context;
    match kind {
        Kind::Sqs => format!("arn:aws:sqs:{region}:{account_id}:{name}"),
        Kind::Kinesis => format!("arn:aws:kinesis:{region}:{account_id}:stream/{name}"),
        Kind::DynamoDb => {
            format!(
                "arn:aws:dynamodb:{region}:{account_id}:table/{name}/stream/2026-01-01T00:00:00.000"
            )
        }
        Kind::Kafka => format!("arn:aws:kafka:{region}:{account_id}:cluster/simulated/1"),
        Kind::RabbitMq | Kind::ActiveMq => {
            format!("arn:aws:mq:{region}:{account_id}:broker:simulated:b-1")
        }
        Kind::DocumentDb => format!("arn:aws:rds:{region}:{account_id}:cluster:{name}"),
    }
}

fn settings(
    name: &str,
    kind: Kind,
    section: &mut Section<'_>,
    problems: &mut Problems,
) -> Option<SourceKind> {
    let mut count = |section: &mut Section<'_>, key, most| {
        let value = section.take(key)?.integer(1..=most, "", problems)?;
        usize::try_from(value).ok()
    };
    Some(match kind {
        Kind::Sqs => {
            let receives = count(section, "max_receive_count", 1_000);
            let visibility = section.take("visibility_timeout");
            let visibility = visibility.and_then(|field| {
                let most = Duration::from_secs(12 * 60 * 60);
                at_most(&field, most, "12 h", problems)
            });
            SourceKind::Sqs {
                fifo: name.ends_with(".fifo"),
                visibility_timeout: visibility.unwrap_or(Duration::from_secs(30)),
                max_receive_count: receives.and_then(|receives| receives.try_into().ok()),
            }
        }
        Kind::Kinesis => {
            let shards = count(section, "shards", 10_000).unwrap_or(1);
            let retention = section.take("retention");
            let retention = retention.and_then(|field| {
                let most = Duration::from_secs(8_760 * 60 * 60);
                at_most(&field, most, "365 days", problems)
            });
            SourceKind::Kinesis {
                shards,
                retention: retention.unwrap_or(Duration::from_secs(24 * 60 * 60)),
            }
        }
        Kind::DynamoDb => SourceKind::DynamoDb {
            shards: count(section, "shards", 10_000).unwrap_or(1),
        },
        Kind::Kafka => SourceKind::Kafka {
            partitions: count(section, "partitions", 10_000).unwrap_or(1),
        },
        Kind::RabbitMq => {
            let host = section.take("virtual_host");
            let host = host.and_then(|field| field.text(problems));
            SourceKind::RabbitMq {
                virtual_host: host.unwrap_or("/").to_owned(),
            }
        }
        Kind::ActiveMq => SourceKind::ActiveMq,
        Kind::DocumentDb => SourceKind::DocumentDb,
    })
}

fn at_most(
    field: &Field<'_>,
    most: Duration,
    words: &str,
    problems: &mut Problems,
) -> Option<Duration> {
    let duration = units::some_duration(field, problems)?;
    if duration > most {
        problems.refuse(field.node, &field.path, format!("must be {words} at most"));
        return None;
    }
    Some(duration)
}

fn workload(
    section: &mut Section<'_>,
    context: &SourceContext<'_>,
    problems: &mut Problems,
) -> Option<Workload> {
    let folder = context.arrivals.folder;
    let arrivals = section.require("arrivals", "100/s", problems);
    let keys = section.take("keys");
    let keys = keys.map_or(Some(UNIFORM), |field| keys_of(&field, problems));
    let size = section.take("size");
    let size = match size {
        Some(field) => units::distribution(&field, units::size, folder, problems),
        None => Some(Distribution::Fixed(SIZE)),
    };
    let bodies = section.take("bodies");
    let bodies = match bodies {
        Some(field) => samples::read(&field, folder, problems),
        None => Some(Bodies::Filler),
    };
    let arrivals = arrivals.map(|field| arrivals::read(&field, context.arrivals, problems));
    Some(Workload {
        arrivals: arrivals?,
        keys: keys?,
        size: size?,
        bodies: bodies?,
    })
}

/// A thousand keys, all as frequent.
const UNIFORM: Keys = Keys {
    count: 1_000,
    skew: 0.0,
};

/// Reads a number of keys, or `{count, skew}`.
fn keys_of(field: &Field<'_>, problems: &mut Problems) -> Option<Keys> {
    let count = |field: &Field<'_>, problems: &mut Problems| {
        let count = field.integer(1..=100_000_000, "keys", problems)?;
        u64::try_from(count).ok()
    };
    if !matches!(field.node.value, Value::Map(_)) {
        let count = count(field, problems)?;
        return Some(Keys { count, skew: 0.0 });
    }
    let mut section = field.section(problems)?;
    let of = section.require("count", "1000", problems);
    let skew = section.take("skew");
    section.finish(problems);
    let skew = match skew {
        Some(skew) => skew.number(0.0..=10.0, "(0 is none, 1 is Zipf's law)", problems)?,
        None => 0.0,
    };
    let count = count(&of?, problems)?;
    Some(Keys { count, skew })
}
