//! User name and password of a mapping (Lambda developer guide, "Using Lambda with Amazon MQ": a secret with `username`
//! and `password`).

use std::fmt;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::secrets::{SecretErrorKind, SecretResolver, SecretText};
use serde_json::{Map, Value};

/// Whom a client is.
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Credentials {
    /// Asks for the secret as it is now. An error names the secret and its member, never a value.
    pub(crate) async fn ask(secrets: &dyn SecretResolver, arn: &str) -> Result<Self, SourceError> {
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
            Some(Value::String(text)) if text.contains('\0') => {
                Err(format!("secret {arn}: member {name} holds a NUL character"))
            }
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            None | Some(Value::Null | Value::String(_)) => Err(format!(
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
        let mut shown = f.debug_struct("Credentials");
        shown.field("username", &self.username);
        shown.finish_non_exhaustive()
    }
}

fn refused(message: String) -> SourceError {
    SourceError::new(SourceErrorKind::Denied, message).with_reason(ReasonCode::Authentication)
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Credentials, String> {
        Credentials::read("arn:s", &SecretText::new("arn:s", text).unwrap())
    }

    #[test]
    fn the_password_is_read_and_never_shown() {
        let read = read(r#"{"username":"me","password":"hush","engine":"rabbitmq"}"#).unwrap();
        assert_eq!((&*read.username, &*read.password), ("me", "hush"));
        assert!(!format!("{read:?}").contains("hush"));
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_its_values() {
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
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
            assert!(
                error.contains("arn:s") && !error.contains("hush"),
                "{error}"
            );
        }
    }
}
