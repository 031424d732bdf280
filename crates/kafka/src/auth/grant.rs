//! Who gives tokens.

use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_engine::aws_identity::AwsIdentity;

use super::error::AuthError;
use super::token::Token;

/// Gives a new token each time it is asked.
#[async_trait]
pub(super) trait Grant: Send + Sync + 'static {
    async fn token(&self) -> Result<Token, AuthError>;
}

/// Tokens for IAM listeners of Amazon MSK, signed with the AWS credentials.
pub(super) struct IamGrant {
    pub(super) aws: Arc<dyn AwsIdentity>,
    /// The cluster's region, where that is known.
    pub(super) region: Option<String>,
    /// Whether the brokers only stand in for Amazon MSK.
    pub(super) is_stand_in: bool,
}

#[async_trait]
impl Grant for IamGrant {
    async fn token(&self) -> Result<Token, AuthError> {
        let region = self.region.as_deref();
        let token = self.aws.msk_token(region, self.is_stand_in).await?;
        Ok(Token {
            text: token.text,
            expires: token.expires,
            principal: "AWS identity".to_owned(),
            extensions: Vec::new(),
        })
    }
}

/// Tokens of AWS STS that say who the AWS identity is.
pub(super) struct WebIdentityGrant {
    pub(super) aws: Arc<dyn AwsIdentity>,
    pub(super) audience: String,
}

#[async_trait]
impl Grant for WebIdentityGrant {
    async fn token(&self) -> Result<Token, AuthError> {
        let token = self.aws.web_identity_token(&self.audience).await?;
        Ok(Token {
            text: token.text,
            expires: token.expires,
            principal: "AWS identity".to_owned(),
            extensions: Vec::new(),
        })
    }
}
