//! Tokens for the IAM listeners of Amazon MSK, in the form that AWS's signer libraries for SASL/OAUTHBEARER give them: a
//! signed URL of the action `kafka-cluster:Connect` (Amazon MSK developer guide, "IAM access control").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::aws_identity::IdentityToken;

use crate::config::AwsConfig;
use crate::signed::Signer;

/// How long a token is valid; brokers take no longer ones.
const LIFE: Duration = Duration::from_secs(900);

/// Signs tokens, without asking anybody but for credentials.
#[derive(Debug)]
pub(super) struct MskTokens {
    config: AwsConfig,
    /// By region, and whether it is AWS's.
    signers: Mutex<HashMap<(String, bool), Arc<Signer>>>,
}

impl MskTokens {
    pub(super) fn new(config: AwsConfig) -> Self {
        Self {
            config,
            signers: Mutex::default(),
        }
    }

    pub(super) async fn token(
        &self,
        region: Option<&str>,
        is_stand_in: bool,
    ) -> Result<IdentityToken, SourceError> {
        let endpoint = self.config.regional_endpoint("kafka", region);
        let (region, is_aws) = (endpoint.region.clone(), endpoint.is_aws() && !is_stand_in);
        let url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
        let signed = self
            .signer(&region, is_aws)
            .presign(&url, &region, LIFE)
            .await;
        let (url, expires) = signed.map_err(|why| {
            let message =
                format!("a token for Amazon MSK in {region} needs AWS credentials, and {why}");
            SourceError::new(SourceErrorKind::Denied, message)
        })?;
        // Not signed: brokers log it.
        let agent = concat!("lambda-esm%2F", env!("CARGO_PKG_VERSION"));
        let token = URL_SAFE_NO_PAD.encode(format!("{url}&User-Agent={agent}"));
        Ok(IdentityToken::new(token, timestamp(expires)))
    }

    fn signer(&self, region: &str, is_aws: bool) -> Arc<Signer> {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Signer::in_region("kafka-cluster", region, is_aws));
        let key = (region.to_owned(), is_aws);
        Arc::clone(signers.entry(key).or_insert_with(new))
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let millis = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = millis.map_or(0, |since| since.as_millis());
    Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))
}
