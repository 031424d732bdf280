//! From the parameters of the Lambda API to a machine's settings.

use lambda_esm_core::Timestamp;
use lambda_esm_core::event::EventDetail;
use lambda_esm_core::mapping::{Context, CreateEventSourceMapping, Mapping};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::{StreamConfig, Surroundings};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCOUNT: &str = "123456789012";
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks";
const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:123456789012:stream/clicks/consumer/fast:1700000000";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/users/stream/2024-06-10T19:26:16.525";
const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

/// When every world begins: the first moment of 2026, at which a tumbling window of any whole number of
/// seconds that divides a day begins too.
pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);

/// What kind of stream a mapping reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    #[default]
    Kinesis,
    /// Enhanced fan-out: records are pushed, aggregates taken apart.
    Consumer,
    DynamoDb,
}

/// Returns the settings of a mapping with these parameters; what is not given has the API's default, and the
/// starting position is `TRIM_HORIZON`.
pub(crate) fn settings(
    source: Source,
    pacing: Pacing,
    parameters: &Map<String, Value>,
) -> Result<StreamConfig, String> {
    let mut request = json!({
        "FunctionName": "f",
        "EventSourceArn": match source {
            Source::Kinesis => STREAM,
            Source::Consumer => CONSUMER,
            Source::DynamoDb => TABLE,
        },
        "StartingPosition": "TRIM_HORIZON",
    });
    for (name, value) in parameters {
        request[name] = value.clone();
    }
    let request: CreateEventSourceMapping =
        serde_json::from_value(request).map_err(|error| format!("mapping: {error}"))?;
    let context = Context {
        region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        uuid: Uuid::from_u128(7),
        now: START,
        filter_limits: Default::default(),
        dialect: Default::default(),
    };
    let mapping =
        Mapping::create(request, &context).map_err(|error| format!("mapping: {error}"))?;
    let around = Surroundings {
        region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        role_arn: ROLE.to_owned(),
        pacing,
        detail: true,
        event_detail: EventDetail::Whole,
    };
    StreamConfig::new(&mapping, &around).ok_or_else(|| "mapping: not of a stream".to_owned())
}
