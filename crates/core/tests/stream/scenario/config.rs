//! From a scenario to a machine's settings, and the manners of its stream.

use std::time::Duration;

use lambda_esm_core::backoff::Backoff;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::StreamConfig;
use serde_json::{Map, Value, json};

use super::model::{Curve, DestinationKind, Pace, Scenario};
use super::text::Span;
use crate::mapping::{ACCOUNT, REGION, Source, settings};
use crate::world::log::Manners;

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
    let mut parameters = parameters.clone();
    if let Some(destination) = scenario.destination {
        let arn = match destination.kind {
            DestinationKind::Sqs => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:failures"),
            DestinationKind::Sns => format!("arn:aws:sns:{REGION}:{ACCOUNT}:failures"),
            DestinationKind::S3 => "arn:aws:s3:::failures".to_owned(),
        };
        let config = json!({"OnFailure": {"Destination": arn}});
        parameters.entry("DestinationConfig").or_insert(config);
    }
    // A time of the scenario's own clock.
    if let Some(Value::String(at)) = parameters.get("StartingPositionTimestamp") {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let seconds = Span::parse(at)?.at().0 as f64 / 1e3;
        parameters.insert("StartingPositionTimestamp".to_owned(), seconds.into());
    }
    let pacing = match scenario.pacing {
        Pace::Aws => Pacing::Aws,
        Pace::Eager => Pacing::Eager,
    };
    let mut config = settings(scenario.source, pacing, &parameters)?;
    if scenario.backoff == Curve::Exact {
        config.backoff = EXACT;
    }
    Ok(config)
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
    manners.enforces_quota = spec.enforces_quota;
    manners.tells = spec.tells.unwrap_or(manners.tells);
    manners.clock = spec.clock.clock();
    manners
}
