//! What an AWS identity gives to a client that is none of AWS's own: tokens and addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::Arn;

/// Asks AWS on behalf of the identity that the process has there: credentials of the standard chain. Each call is one
/// try.
#[async_trait]
pub trait AwsIdentity: Send + Sync + 'static {
    /// Returns a token for an IAM listener of an Amazon MSK cluster in `region`; without one, in the region of the
    /// process. Where something stands in for MSK, nobody is asked for credentials: any are used.
    async fn msk_token(
        &self,
        region: Option<&str>,
        is_stand_in: bool,
    ) -> Result<IdentityToken, SourceError>;

    /// Returns a signed JSON Web Token for `audience` that says who the process is (AWS STS API reference,
    /// `GetWebIdentityToken`).
    async fn web_identity_token(&self, audience: &str) -> Result<IdentityToken, SourceError>;

    /// Returns the addresses of a cluster's brokers by their names in AWS's answer, such as
    /// `BootstrapBrokerStringSaslIam` (Amazon MSK API reference, `GetBootstrapBrokers`).
    async fn bootstrap_brokers(
        &self,
        cluster: &Arn,
    ) -> Result<BTreeMap<String, String>, SourceError>;
}

#[async_trait]
impl<T: AwsIdentity + ?Sized> AwsIdentity for Arc<T> {
    async fn msk_token(
        &self,
        region: Option<&str>,
        is_stand_in: bool,
    ) -> Result<IdentityToken, SourceError> {
        (**self).msk_token(region, is_stand_in).await
    }

    async fn web_identity_token(&self, audience: &str) -> Result<IdentityToken, SourceError> {
        (**self).web_identity_token(audience).await
    }

    async fn bootstrap_brokers(
        &self,
        cluster: &Arn,
    ) -> Result<BTreeMap<String, String>, SourceError> {
        (**self).bootstrap_brokers(cluster).await
    }
}

/// A token that proves an identity until it expires. Its text is never shown.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityToken {
    /// The token.
    pub text: String,
    /// When it ends to be one.
    pub expires: Timestamp,
}

impl IdentityToken {
    /// Returns a token that expires then.
    pub fn new(text: impl Into<String>, expires: Timestamp) -> Self {
        Self {
            text: text.into(),
            expires,
        }
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityToken")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
