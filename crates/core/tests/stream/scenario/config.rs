//! From the parameters of the Lambda API to a machine's settings.

use std::time::Duration;

use lambda_esm_core::backoff::Backoff;
use lambda_esm_core::mapping::{Context, CreateEventSourceMapping, Mapping};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::{StreamConfig, Surroundings};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{Curve, DestinationKind, Pace, Scenario, Source};
use super::text::{START, Span};
use crate::world::log::Manners;

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/clicks";
const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:123456789012:stream/clicks/consumer/fast:1700000000";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/users/stream/2024-06-10T19:26:16.525";
const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

/// The waits between tries of a batch, without chance.
pub(crate) const EXACT: Backoff = Backoff {
    first: Duration::from_millis(800),
    cap: Duration::from_secs(30),
    jitter: 0.0,
};

/// Returns the settings of a mapping with these parameters.
pub(crate) fn config(
    scenario: &Scenario,
    parameters: &Map<String, Value>,
) -> Result<StreamConfig, String> {
    let mapping = create(scenario, parameters)?;
    let around = Surroundings {
        region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        role_arn: ROLE.to_owned(),
        pacing: match scenario.pacing {
            Pace::Aws => Pacing::Aws,
            Pace::Eager => Pacing::Eager,
        },
        detail: true,
    };
    let mut config = StreamConfig::new(&mapping, &around).ok_or("mapping: not of a stream")?;
    if scenario.backoff == Curve::Exact {
        config.backoff = EXACT;
    }
    Ok(config)
}

fn create(scenario: &Scenario, parameters: &Map<String, Value>) -> Result<Mapping, String> {
    let mut request = json!({
        "FunctionName": "f",
        "EventSourceArn": match scenario.source {
            Source::Kinesis => STREAM,
            Source::Consumer => CONSUMER,
            Source::DynamoDb => TABLE,
        },
        "StartingPosition": "TRIM_HORIZON",
    });
    if let Some(destination) = scenario.destination {
        let arn = match destination.kind {
            DestinationKind::Sqs => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:failures"),
            DestinationKind::Sns => format!("arn:aws:sns:{REGION}:{ACCOUNT}:failures"),
            DestinationKind::S3 => "arn:aws:s3:::failures".to_owned(),
        };
        request["DestinationConfig"] = json!({"OnFailure": {"Destination": arn}});
    }
    for (name, value) in parameters {
        request[name] = value.clone();
    }
    // A time of the scenario's own clock.
    if let Some(at) = request
        .get("StartingPositionTimestamp")
        .and_then(Value::as_str)
    {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let seconds = Span::parse(at)?.at().0 as f64 / 1e3;
        request["StartingPositionTimestamp"] = seconds.into();
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
    Mapping::create(request, &context).map_err(|error| format!("mapping: {error}"))
}

/// Returns what kind of stream the scenario's source is.
pub(crate) fn manners(scenario: &Scenario) -> Manners {
    let mut manners = match scenario.source {
        Source::Kinesis | Source::Consumer => Manners::KINESIS,
        Source::DynamoDb => Manners::DYNAMODB,
    };
    let spec = &scenario.stream;
    manners.retention = spec.retention.map(Span::duration);
    manners.fetch_limit = spec.fetch_limit.unwrap_or(manners.fetch_limit);
    manners.longest_wait = spec.longest_wait.unwrap_or_default().duration();
    manners.looks_up_time = spec.looks_up_time.unwrap_or(manners.looks_up_time);
    manners.tells = spec.tells.unwrap_or(manners.tells);
    manners
}
