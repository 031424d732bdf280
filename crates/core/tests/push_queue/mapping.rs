//! From the parameters of the Lambda API to a push queue machine's settings.

use lambda_esm_core::Timestamp;
use lambda_esm_core::event::EventDetail;
use lambda_esm_core::mapping::{Context, CreateEventSourceMapping, Mapping, MqEngine};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::push_queue::PushQueueConfig;
use lambda_esm_core::stream::Surroundings;
use serde_json::{Value, json};
use uuid::Uuid;

/// When every world begins.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);
pub(crate) const QUEUE: &str = "orders";
const BROKER: &str = "arn:aws:mq:us-east-1:123456789012:broker:b:b-1";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mq-AbCdEf";

/// Returns the settings of a mapping with these parameters; what is not given has the API's default.
pub(crate) fn settings(engine: MqEngine, parameters: &Value) -> PushQueueConfig {
    let mut request = json!({
        "FunctionName": "f",
        "EventSourceArn": BROKER,
        "Queues": [QUEUE],
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}],
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
        pacing: Pacing::Eager,
        detail: false,
        event_detail: EventDetail::Whole,
    };
    PushQueueConfig::new(&mapping, engine, &around).unwrap()
}
