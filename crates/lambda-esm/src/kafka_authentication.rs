//! Who Kafka mappings are to their clusters.

use std::sync::Arc;

use lambda_esm_aws::AwsProcessIdentity;
use lambda_esm_kafka::Authenticator;

use crate::config::Configuration;
use crate::secrets::secrets;

/// Returns who authenticates the clients of Kafka mappings.
pub(crate) fn authenticator(configuration: &Configuration) -> Authenticator {
    let settings = &configuration.kafka;
    Authenticator::new(secrets(configuration))
        .with_aws(Some(Arc::new(AwsProcessIdentity::new(configuration.aws()))))
        .with_clusters(settings.clusters.clone())
        .with_allow_sasl_plaintext(settings.allow_sasl_plaintext)
}
