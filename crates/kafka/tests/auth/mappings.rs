//! Kafka mappings for tests, made as the API makes them.

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{AccessKind, Context, KafkaMapping, Mapping, Source};
use lambda_esm_filter::{Dialect, Limits};
use serde_json::{Value, json};
use uuid::Uuid;

/// The cluster of mappings of Amazon MSK.
pub(crate) const CLUSTER: &str = "arn:aws:kafka:eu-west-1:000000000000:cluster/orders/1";

/// Returns the ARN of a secret.
pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}")
}

/// Returns a mapping of a self-managed cluster with these entries of `SourceAccessConfigurations`.
pub(crate) fn self_managed(entries: &[(AccessKind, &str)]) -> KafkaMapping {
    self_managed_at("broker.example.com:9096,127.0.0.1:9097", entries)
}

/// The same with other servers.
pub(crate) fn self_managed_at(servers: &str, entries: &[(AccessKind, &str)]) -> KafkaMapping {
    // Which entries go together is not what this is about: they are replaced.
    let subnet = json!({"Type": "VPC_SUBNET", "URI": "subnet:subnet-0"});
    let servers: Vec<&str> = servers.split(',').collect();
    let mut kafka = mapping(json!({
        "FunctionName": "f",
        "Topics": ["orders"],
        "StartingPosition": "LATEST",
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}},
        "SourceAccessConfigurations": vec![subnet; entries.len().max(1)],
    }));
    kafka.access.truncate(entries.len());
    for (access, (kind, uri)) in kafka.access.iter_mut().zip(entries) {
        access.kind = *kind;
        access.uri = Some((*uri).to_owned()).filter(|uri| !uri.is_empty());
    }
    kafka
}

/// Returns a mapping of an Amazon MSK cluster with one entry, or none.
pub(crate) fn msk(entry: Option<(AccessKind, &str)>) -> KafkaMapping {
    let entry = entry.map(|(kind, uri)| json!({"Type": kind.as_str(), "URI": uri}));
    mapping(json!({
        "FunctionName": "f",
        "Topics": ["orders"],
        "StartingPosition": "LATEST",
        "EventSourceArn": CLUSTER,
        "SourceAccessConfigurations": entry.into_iter().collect::<Vec<_>>(),
    }))
}

fn mapping(request: Value) -> KafkaMapping {
    let context = Context {
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        uuid: Uuid::nil(),
        now: Timestamp(1_700_000_000_000),
        filter_limits: Limits::default(),
        dialect: Dialect::default(),
    };
    let request = serde_json::from_value(request).unwrap();
    match Mapping::create(request, &context).unwrap().source {
        Source::Kafka(kafka) => kafka,
        other => panic!("{other:?}"),
    }
}
