//! Minimal legal requests, one per kind of source.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(dead_code, reason = "each test file uses what it needs")]

use lambda_esm_core::Timestamp;
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{
    ApiError, Context, CreateEventSourceMapping, Mapping, UpdateEventSourceMapping,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "123456789012";
/// 2024-01-01 in milliseconds.
pub(crate) const NOW: Timestamp = Timestamp(1_704_067_200_250);
pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:orders";
pub(crate) const FIFO: &str = "arn:aws:sqs:us-east-1:123456789012:orders.fifo";
pub(crate) const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks";
pub(crate) const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:123456789012:stream/clicks/consumer/fast:1700000000";
pub(crate) const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/users/stream/2024-06-10T19:26:16.525";
pub(crate) const CLUSTER: &str = "arn:aws:kafka:us-east-1:123456789012:cluster/c1/abc-1";
pub(crate) const BROKER: &str = "arn:aws:mq:us-east-1:123456789012:broker:jobs:b-1234";
pub(crate) const DOCS: &str = "arn:aws:rds:us-east-1:123456789012:cluster:docs";
pub(crate) const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:login";

/// The kinds of source in the order of the columns of the parameter table.
pub(crate) const KINDS: [&str; 8] = [
    "sqs",
    "fifo",
    "kinesis",
    "dynamodb",
    "msk",
    "kafka",
    "mq",
    "documentdb",
];

pub(crate) fn context() -> Context {
    Context {
        region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        uuid: Uuid::from_u128(7),
        now: NOW,
        filter_limits: Default::default(),
        dialect: Default::default(),
    }
}

/// The least that makes a legal mapping.
pub(crate) fn minimal(kind: &str) -> Value {
    let access = json!([{"Type": "BASIC_AUTH", "URI": SECRET}]);
    match kind {
        "sqs" => json!({"FunctionName": "f", "EventSourceArn": QUEUE}),
        "fifo" => json!({"FunctionName": "f", "EventSourceArn": FIFO}),
        "kinesis" => json!({
            "FunctionName": "f", "EventSourceArn": STREAM, "StartingPosition": "LATEST"
        }),
        "dynamodb" => json!({
            "FunctionName": "f", "EventSourceArn": TABLE, "StartingPosition": "LATEST"
        }),
        "msk" => json!({
            "FunctionName": "f", "EventSourceArn": CLUSTER, "StartingPosition": "LATEST",
            "Topics": ["clicks"]
        }),
        "kafka" => json!({
            "FunctionName": "f", "Topics": ["clicks"], "SourceAccessConfigurations": access,
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}}
        }),
        "mq" => json!({
            "FunctionName": "f", "EventSourceArn": BROKER, "Queues": ["jobs"],
            "SourceAccessConfigurations": access
        }),
        "documentdb" => json!({
            "FunctionName": "f", "EventSourceArn": DOCS, "StartingPosition": "LATEST",
            "DocumentDBEventSourceConfig": {"DatabaseName": "shop"},
            "SourceAccessConfigurations": access
        }),
        other => panic!("no such kind: {other}"),
    }
}

/// A minimal request with members added or replaced; `null` removes one.
pub(crate) fn with(kind: &str, members: Value) -> Value {
    let mut request = minimal(kind);
    for (name, value) in members.as_object().unwrap() {
        let request = request.as_object_mut().unwrap();
        if value.is_null() {
            request.remove(name);
        } else {
            request.insert(name.clone(), value.clone());
        }
    }
    request
}

pub(crate) fn request(json: Value) -> CreateEventSourceMapping {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn create(json: Value) -> Result<Mapping, ApiError> {
    Mapping::create(request(json), &context())
}

#[track_caller]
pub(crate) fn accepted(json: Value) -> Mapping {
    create(json.clone()).unwrap_or_else(|error| panic!("{json} was refused: {error}"))
}

#[track_caller]
pub(crate) fn refused(json: Value) -> ApiError {
    match create(json.clone()) {
        Ok(_) => panic!("{json} was accepted"),
        Err(error) => error,
    }
}

pub(crate) fn update(mapping: &Mapping, json: Value) -> Result<Mapping, ApiError> {
    let update: UpdateEventSourceMapping = serde_json::from_value(json).unwrap();
    mapping.update(update, &context())
}

/// The answer of the API as JSON members.
pub(crate) fn echo(mapping: &Mapping) -> Map<String, Value> {
    let reason = mapping.user_reason();
    let configuration = mapping.configuration(REGION, ACCOUNT, State::Creating, reason, None);
    serde_json::to_value(configuration)
        .unwrap()
        .as_object()
        .unwrap()
        .clone()
}
