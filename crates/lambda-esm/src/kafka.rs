//! Who Kafka mappings are to their clusters.

use std::sync::Arc;

use lambda_esm_aws::{AwsProcessIdentity, SecretsManager};
use lambda_esm_engine::secrets::SecretResolver;
use lambda_esm_kafka::Authenticator;

use crate::config::Configuration;

/// Returns where secrets are found: first in the configuration, then in Secrets Manager.
fn secrets(configuration: &Configuration) -> Arc<dyn SecretResolver> {
    let resolvers: Vec<Arc<dyn SecretResolver>> = vec![
        configuration.secrets.clone(),
        Arc::new(SecretsManager::new(configuration.aws())),
    ];
    Arc::new(resolvers)
}

/// Returns who authenticates the clients of Kafka mappings.
#[expect(dead_code, reason = "no source asks for it yet")]
pub(crate) fn authenticator(configuration: &Configuration) -> Authenticator {
    let settings = &configuration.kafka;
    Authenticator::new(secrets(configuration))
        .with_aws(Some(Arc::new(AwsProcessIdentity::new(configuration.aws()))))
        .with_clusters(settings.clusters.clone())
        .with_allow_sasl_plaintext(settings.allow_sasl_plaintext)
}
