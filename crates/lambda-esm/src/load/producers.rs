//! What puts records into the sources of a configuration.

use std::sync::Arc;

use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::Mapping;
#[cfg(feature = "aws")]
use lambda_esm_core::mapping::Source;
use lambda_esm_engine::ports::Producer;
use lambda_esm_lab::scenario::Scenario;

use crate::config::Configuration;
use crate::failure::Failure;

/// Returns what puts records into each source of a scenario. Sources where nothing here puts any are refused, unless they
/// may be `without`.
pub(super) async fn producers(
    configuration: &Configuration,
    scenario: &Scenario,
    without: bool,
) -> Result<Vec<Option<Arc<dyn Producer>>>, Failure> {
    let mut producers = Vec::new();
    for (place, source) in scenario.sources.iter().enumerate() {
        let plans = scenario.mappings.iter().zip(&configuration.mappings);
        let mapping = plans
            .filter(|(plan, _)| plan.source == place)
            .map(|(_, settings)| &settings.mapping)
            .next();
        let producer = match mapping {
            _ if without => None,
            Some(mapping) => producer(configuration, mapping)
                .await
                .map_err(|error| Failure::general(error.message))?,
            None => None,
        };
        if producer.is_none() && !without {
            return Err(Failure::general(format!(
                "{}: nothing here puts records into {}; it can be done into queues of SQS, streams of Kinesis and \
                 tables of DynamoDB. With --no-produce records are those that others put",
                configuration.file.display(),
                source.name
            )));
        }
        producers.push(producer);
    }
    Ok(producers)
}

#[cfg_attr(
    not(feature = "aws"),
    expect(unused_variables, reason = "a build without AWS clients puts nothing")
)]
async fn producer(
    configuration: &Configuration,
    mapping: &Mapping,
) -> Result<Option<Arc<dyn Producer>>, SourceError> {
    match &mapping.source {
        #[cfg(feature = "sqs")]
        Source::Sqs(sqs) => {
            let provider = lambda_esm_aws::SqsProvider::new(configuration.aws());
            let producer = provider.producer(sqs.queue_arn.as_str()).await?;
            Ok(Some(Arc::new(producer)))
        }
        #[cfg(feature = "kinesis")]
        Source::Kinesis(kinesis) => {
            let provider = lambda_esm_aws::KinesisProvider::new(configuration.aws());
            Ok(Some(Arc::new(
                provider.producer(kinesis.stream_arn.as_str())?,
            )))
        }
        #[cfg(feature = "dynamodb")]
        Source::DynamoDb(dynamodb) => {
            let provider = lambda_esm_aws::DynamoDbProvider::new(configuration.aws());
            Ok(Some(Arc::new(
                provider.producer(dynamodb.stream_arn.as_str())?,
            )))
        }
        _ => Ok(None),
    }
}
