//! From the parameters of the Lambda API to a topic machine's settings.

use lambda_esm_core::Timestamp;
use lambda_esm_core::event::EventDetail;
use lambda_esm_core::mapping::{Context, CreateEventSourceMapping, Mapping};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::Surroundings;
use lambda_esm_core::topic::TopicConfig;
use serde_json::{Value, json};
use uuid::Uuid;

/// When every world begins.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);
pub(crate) const TOPIC: &str = "orders";
pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:dead";
const CLUSTER: &str = "arn:aws:kafka:us-east-1:123456789012:cluster/c1/abc-1";

/// Returns the settings of a mapping with these parameters; what is not given has the API's default.
pub(crate) fn settings(pacing: Pacing, parameters: &Value) -> TopicConfig {
    let mut request = json!({
        "FunctionName": "f",
        "EventSourceArn": CLUSTER,
        "Topics": [TOPIC],
        "StartingPosition": "TRIM_HORIZON",
    });
    for (name, value) in parameters.as_object().unwrap() {
        request[name] = value.clone();
    }
    let request: CreateEventSourceMapping = serde_json::from_value(request).unwrap();
    let context = Context {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        uuid: Uuid::from_u128(7),
        now: START,
        filter_limits: Default::default(),
        dialect: Default::default(),
    };
    let mapping = Mapping::create(request, &context).unwrap();
    let around = Surroundings {
        region: context.region,
        account_id: context.account_id,
        role_arn: "arn:aws:iam::123456789012:role/reader".to_owned(),
        pacing,
        detail: false,
        event_detail: EventDetail::Whole,
    };
    TopicConfig::new(&mapping, "b-1:9092,b-2:9092", &around).unwrap()
}

/// Returns parameters of provisioned mode with others beside.
pub(crate) fn provisioned(others: Value) -> Value {
    let mut all = json!({"ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 4}});
    for (name, value) in others.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}
