//! The port.

use std::collections::BTreeMap;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::aws_identity::{AwsIdentity, IdentityToken};

use super::bootstrap_brokers::BootstrapBrokers;
use super::msk_token::MskTokens;
use super::web_identity::WebIdentity;
use crate::config::AwsConfig;

/// The AWS identity of this process: that of the credentials which the standard chain finds.
#[derive(Debug)]
pub struct AwsProcessIdentity {
    tokens: MskTokens,
    web_identity: WebIdentity,
    brokers: BootstrapBrokers,
}

impl AwsProcessIdentity {
    /// Returns the identity in the AWS that `config` describes. Does no I/O.
    #[must_use]
    pub fn new(config: AwsConfig) -> Self {
        Self {
            tokens: MskTokens::new(config.clone()),
            web_identity: WebIdentity::new(config.clone()),
            brokers: BootstrapBrokers::new(config),
        }
    }
}

#[async_trait]
impl AwsIdentity for AwsProcessIdentity {
    async fn msk_token(
        &self,
        region: Option<&str>,
        is_stand_in: bool,
    ) -> Result<IdentityToken, SourceError> {
        self.tokens.token(region, is_stand_in).await
    }

    async fn web_identity_token(&self, audience: &str) -> Result<IdentityToken, SourceError> {
        self.web_identity.token(audience).await
    }

    async fn bootstrap_brokers(
        &self,
        cluster: &Arn,
    ) -> Result<BTreeMap<String, String>, SourceError> {
        self.brokers.of(cluster).await
    }
}
