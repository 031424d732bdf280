//! Where the secrets of mappings are found.

use std::sync::Arc;

use lambda_esm_aws::SecretsManager;
use lambda_esm_engine::secrets::SecretResolver;

use crate::config::Configuration;

/// Returns where secrets are found: first in the configuration, then in Secrets Manager.
pub(crate) fn secrets(configuration: &Configuration) -> Arc<dyn SecretResolver> {
    let resolvers: Vec<Arc<dyn SecretResolver>> = vec![
        configuration.secrets.clone(),
        Arc::new(SecretsManager::new(configuration.aws())),
    ];
    Arc::new(resolvers)
}
