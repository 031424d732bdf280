//! Every kind of source.

use std::time::Duration;

use lambda_esm_lab::scenario::{Source, SourceKind};
use serde_json::{Value, json};

use crate::scenes::{constant, function, run, scenario, seconds, source};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:broker-AbCdEf";

fn broker() -> Value {
    json!([{ "Type": "BASIC_AUTH", "URI": SECRET }])
}

pub(crate) fn kafka(partitions: usize) -> (Source, Value) {
    let arn =
        "arn:aws:kafka:us-east-1:000000000000:cluster/main/abcd1234-abcd-1234-abcd-123456789012-1";
    let settings = json!({ "Topics": ["orders"], "StartingPosition": "LATEST", "BatchSize": 100 });
    let kind = SourceKind::Kafka { partitions };
    (source(kind, arn, constant(10.0, 60)), settings)
}

pub(crate) fn rabbitmq() -> (Source, Value) {
    let arn =
        "arn:aws:mq:us-east-1:000000000000:broker:main:b-1234abcd-12ab-34cd-56ef-1234567890ab";
    let settings = json!({
        "Queues": ["orders"],
        "SourceAccessConfigurations": [
            { "Type": "BASIC_AUTH", "URI": SECRET },
            { "Type": "VIRTUAL_HOST", "URI": "/" },
        ],
    });
    let kind = SourceKind::RabbitMq {
        virtual_host: "/".to_owned(),
    };
    (source(kind, arn, constant(10.0, 60)), settings)
}

pub(crate) fn activemq() -> (Source, Value) {
    let arn =
        "arn:aws:mq:us-east-1:000000000000:broker:main:b-1234abcd-12ab-34cd-56ef-1234567890ab";
    let settings = json!({ "Queues": ["orders"], "SourceAccessConfigurations": broker() });
    (
        source(SourceKind::ActiveMq, arn, constant(10.0, 60)),
        settings,
    )
}

fn documentdb() -> (Source, Value) {
    let arn = "arn:aws:rds:us-east-1:000000000000:cluster:orders";
    let settings = json!({
        "DocumentDBEventSourceConfig": { "DatabaseName": "shop" },
        "SourceAccessConfigurations": broker(),
        "StartingPosition": "LATEST",
    });
    (
        source(SourceKind::DocumentDb, arn, constant(10.0, 60)),
        settings,
    )
}

pub(crate) fn dynamodb(shards: usize) -> (Source, Value) {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000";
    let settings = json!({ "StartingPosition": "LATEST" });
    let kind = SourceKind::DynamoDb { shards };
    (source(kind, arn, constant(10.0, 60)), settings)
}

pub(crate) fn fifo() -> (Source, Value) {
    let kind = SourceKind::Sqs {
        fifo: true,
        visibility_timeout: seconds(60),
        max_receive_count: None,
    };
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";
    (
        source(kind, arn, constant(10.0, 60)),
        json!({ "BatchSize": 10 }),
    )
}

#[test]
fn every_kind_of_source_processes_all_that_arrives_once() {
    for (source, settings) in [
        fifo(),
        dynamodb(2),
        kafka(3),
        rabbitmq(),
        activemq(),
        documentdb(),
    ] {
        let kind = format!("{:?}", source.kind);
        let report = run(&scenario(source, function(0.05), settings));
        let mapping = &report.mappings[0];
        assert_eq!(mapping.records.arrived, 600, "{kind}");
        assert_eq!(mapping.records.processed, 600, "{kind} {mapping:#?}");
        assert_eq!(mapping.records.repeats, 0, "{kind}");
        assert_eq!(mapping.latency.count, 600, "{kind}");
        assert!(
            report.ran_ms <= 62_000,
            "{kind} ran for {} ms",
            report.ran_ms
        );
        let sizes = &mapping.batch_sizes;
        let records: u64 = sizes.iter().map(|(size, times)| size * times).sum();
        assert_eq!(records, 600, "{kind} {sizes:?}");
        let longest = Duration::from_secs(3);
        assert!(
            mapping.latency.max <= longest.as_millis() as f64,
            "{kind} {mapping:#?}"
        );
    }
}

#[test]
fn every_kind_of_source_loses_nothing_when_the_function_fails() {
    for (source, settings) in [
        fifo(),
        dynamodb(2),
        kafka(3),
        rabbitmq(),
        activemq(),
        documentdb(),
    ] {
        let kind = format!("{:?}", source.kind);
        let mut function = function(0.05);
        function.error_rate = 0.2;
        let mut settings = settings;
        if matches!(source.kind, SourceKind::Kafka { .. }) {
            settings["ProvisionedPollerConfig"] = json!({ "MinimumPollers": 1 });
        }
        if matches!(
            source.kind,
            SourceKind::DynamoDb { .. } | SourceKind::Kafka { .. }
        ) {
            settings["MaximumRetryAttempts"] = json!(2);
            settings["BisectBatchOnFunctionError"] = json!(true);
        }
        let report = run(&scenario(source, function, settings));
        let mapping = &report.mappings[0];
        let dropped: u64 = mapping.records.dropped.values().sum();
        assert_eq!(
            mapping.records.processed + dropped,
            600,
            "{kind} {mapping:#?}"
        );
        assert_eq!(mapping.records.arrived, 600, "{kind}");
        assert!(mapping.errors > 0, "{kind}");
        assert_eq!(mapping.records.waiting, 0, "{kind} {mapping:#?}");
    }
}
