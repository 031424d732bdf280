//! Who a mapping is to its broker (Lambda developer guide, "Using Lambda with Amazon MQ": a secret with `username` and
//! `password`).

use std::fmt;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::secrets::{SecretErrorKind, SecretResolver};
use serde_json::Value;

/// User name and password. Shows neither.
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// Reads the secret `arn` as it is now.
    pub(crate) async fn ask(secrets: &dyn SecretResolver, arn: &str) -> Result<Self, SourceError> {
        let text = secrets
            .secret(arn)
            .await
            .map_err(|error| match error.kind {
                SecretErrorKind::Unavailable => {
                    SourceError::new(SourceErrorKind::Transient, error.message)
                }
                _ => unusable(error.message),
            })?;
        let secret = serde_json::from_str(text.reveal()).ok();
        let Some(Value::Object(members)) = secret else {
            return Err(unusable(format!(
                "secret {arn} must be a JSON object; see that it was stored as key/value pairs"
            )));
        };
        let member = |name: &str| {
            let text = members.get(name).and_then(Value::as_str);
            // NUL stands between the two when they are sent (RFC 4616).
            let text = text.filter(|text| !text.is_empty() && !text.contains('\0'));
            text.map(str::to_owned).ok_or_else(|| {
                unusable(format!(
                    "secret {arn}: member {name} must be a text that is not empty; add it"
                ))
            })
        };
        Ok(Self {
            username: member("username")?,
            password: member("password")?,
        })
    }
}

fn unusable(message: String) -> SourceError {
    SourceError::new(SourceErrorKind::Denied, message).with_reason(ReasonCode::Authentication)
}
