//! What puts records into the sources of a configuration.

use std::sync::Arc;

use lambda_esm_core::mapping::{Mapping, Source};
use lambda_esm_engine::ports::Producer;
use lambda_esm_lab::load::LoadSource;
use lambda_esm_lab::scenario::Workload;

use crate::config::Configuration;
use crate::failure::Failure;

/// Returns the sources of all mappings, each once.
pub(super) async fn sources(
    configuration: &Configuration,
    workload: &Workload,
) -> Result<Vec<LoadSource>, Failure> {
    let mut sources: Vec<LoadSource> = Vec::new();
    for settings in &configuration.mappings {
        let arn = settings.mapping.source.arn().map_or("", |arn| arn.as_str());
        if sources.iter().any(|known| known.arn == arn) {
            continue;
        }
        let producer = producer(configuration, &settings.mapping).await?;
        sources.push(LoadSource {
            name: arn.rsplit([':', '/']).next().unwrap_or(arn).to_owned(),
            arn: arn.to_owned(),
            producer: Some(producer),
            workload: workload.clone(),
        });
    }
    Ok(sources)
}

async fn producer(
    configuration: &Configuration,
    mapping: &Mapping,
) -> Result<Arc<dyn Producer>, Failure> {
    let refused = |error: lambda_esm_core::fault::SourceError| Failure::general(error.message);
    match &mapping.source {
        #[cfg(feature = "sqs")]
        Source::Sqs(sqs) => {
            let provider = lambda_esm_aws::SqsProvider::new(configuration.aws());
            let producer = provider.producer(sqs.queue_arn.as_str()).await;
            Ok(Arc::new(producer.map_err(refused)?))
        }
        #[cfg(feature = "kinesis")]
        Source::Kinesis(kinesis) => {
            let provider = lambda_esm_aws::KinesisProvider::new(configuration.aws());
            let producer = provider.producer(kinesis.stream_arn.as_str());
            Ok(Arc::new(producer.map_err(refused)?))
        }
        #[cfg(feature = "dynamodb")]
        Source::DynamoDb(dynamodb) => {
            let provider = lambda_esm_aws::DynamoDbProvider::new(configuration.aws());
            let producer = provider.producer(dynamodb.stream_arn.as_str());
            Ok(Arc::new(producer.map_err(refused)?))
        }
        _ => Err(Failure::general(format!(
            "nothing here puts records into a source such as that of the mapping in {}",
            configuration.file.display()
        ))),
    }
}
