//! User names and passwords, as the secrets of mappings hold them.

use std::fmt;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use serde_json::{Map, Value};

use crate::secrets::{SecretErrorKind, SecretResolver, SecretText};

/// Who a mapping is to its broker or cluster: a secret that is a JSON object with `username` and `password` (Lambda
/// developer guide, "Using Lambda with Amazon MQ" and "Using Lambda with Amazon DocumentDB"). The password is never shown.
#[derive(Clone)]
#[non_exhaustive]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// Asks for the secret as it is now.
    ///
    /// # Errors
    /// Fails with `Denied` and [`ReasonCode::Authentication`] if there is no such secret, or it is not what it should be;
    /// with `Transient` if it cannot be had now. The text names the secret and its member, never a value.
    pub async fn ask(secrets: &dyn SecretResolver, arn: &str) -> Result<Self, SourceError> {
        let read = Self::ask_any(secrets, arn).await?;
        for (name, text) in [("username", &read.username), ("password", &read.password)] {
            if text.is_empty() {
                let text = format!("secret {arn}: member {name} is missing or empty; add it");
                return Err(refused(text));
            }
        }
        Ok(read)
    }

    /// The same where one may be nobody: `None` if the user name is empty.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_or_nobody(
        secrets: &dyn SecretResolver,
        arn: &str,
    ) -> Result<Option<Self>, SourceError> {
        let read = Self::ask_any(secrets, arn).await?;
        Ok(Some(read).filter(|read| !read.username.is_empty()))
    }

    async fn ask_any(secrets: &dyn SecretResolver, arn: &str) -> Result<Self, SourceError> {
        match secrets.secret(arn).await {
            Ok(text) => Self::read(arn, &text).map_err(refused),
            Err(error) if error.kind == SecretErrorKind::Unavailable => {
                Err(SourceError::new(SourceErrorKind::Transient, error.message))
            }
            Err(error) => Err(refused(error.message)),
        }
    }

    fn read(arn: &str, text: &SecretText) -> Result<Self, String> {
        let members: Map<String, Value> = serde_json::from_str(text.reveal()).map_err(|_| {
            format!("secret {arn} must be a JSON object; see that it was stored as key/value pairs")
        })?;
        let member = |name: &str| match members.get(name) {
            // NUL stands between the two when they are sent (RFC 4616).
            Some(Value::String(text)) if text.contains('\0') => {
                Err(format!("secret {arn}: member {name} holds a NUL character"))
            }
            Some(Value::String(text)) => Ok(text.clone()),
            None | Some(Value::Null) => Err(format!(
                "secret {arn}: member {name} is missing or empty; add it"
            )),
            Some(_) => Err(format!("secret {arn}: member {name} must be text")),
        };
        Ok(Self {
            username: member("username")?,
            password: member("password")?,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

fn refused(message: String) -> SourceError {
    SourceError::new(SourceErrorKind::Denied, message).with_reason(ReasonCode::Authentication)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemorySecrets;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s";

    fn with(text: &str) -> MemorySecrets {
        let secrets = MemorySecrets::default();
        secrets.put(ARN, text).unwrap();
        secrets
    }

    #[tokio::test]
    async fn the_password_is_read_and_never_shown() {
        let secrets = with(r#"{"username":"me","password":"hush","engine":"rabbitmq"}"#);
        let read = Credentials::ask(&secrets, ARN).await.unwrap();
        assert_eq!((&*read.username, &*read.password), ("me", "hush"));
        assert!(!format!("{read:?}").contains("hush"));
    }

    #[tokio::test]
    async fn an_empty_user_name_is_nobody_only_where_one_may_be() {
        let secrets = with(r#"{"username":"","password":""}"#);
        let nobody = Credentials::ask_or_nobody(&secrets, ARN).await.unwrap();
        assert!(nobody.is_none());
        assert!(Credentials::ask(&secrets, ARN).await.is_err());
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_secret_is_told_without_its_values() {
        for (text, told) in [
            ("hush", "must be a JSON object"),
            (r#"["hush"]"#, "must be a JSON object"),
            (r#"{"username":"hush"}"#, "member password is missing"),
            (r#"{"password":"hush"}"#, "member username is missing"),
            (
                r#"{"username":"","password":"hush"}"#,
                "member username is missing",
            ),
            (
                r#"{"username":"u","password":7}"#,
                "member password must be text",
            ),
            (
                r#"{"username":"u","password":"hush\u0000"}"#,
                "member password holds a NUL",
            ),
        ] {
            let error = Credentials::ask(&with(text), ARN).await.unwrap_err();
            assert_eq!(error.reason, Some(ReasonCode::Authentication));
            let text = error.message;
            assert!(text.contains(told) && text.contains(ARN), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
}
