//! What is in secrets (Lambda developer guide, "Configuring cluster authentication methods"). Errors name a secret and
//! its member, never a value.

use lambda_esm_engine::secrets::SecretText;
use serde_json::{Map, Value};

use super::error::AuthError;

/// A secret, read as a JSON object.
pub(super) struct Secret<'a> {
    arn: &'a str,
    members: Map<String, Value>,
    /// How its mapping is refused.
    refuse: fn(String) -> AuthError,
}

impl<'a> Secret<'a> {
    /// Reads a secret. `refuse` makes the error of whatever is wrong with it.
    pub(super) fn read(
        arn: &'a str,
        text: &SecretText,
        refuse: fn(String) -> AuthError,
    ) -> Result<Self, AuthError> {
        match serde_json::from_str(text.reveal()) {
            Ok(Value::Object(members)) => Ok(Self {
                arn,
                members,
                refuse,
            }),
            _ => Err(refuse(format!(
                "secret {arn} must be a JSON object; see that it was stored as key/value pairs"
            ))),
        }
    }

    /// Returns a member that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, AuthError> {
        self.optional(name)?
            .ok_or_else(|| self.wrong(name, "is missing or empty; add it"))
    }

    /// Returns a member that may be missing, null or empty.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, AuthError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => {
                Err(self.wrong(name, "holds a NUL character"))
            }
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.wrong(name, "must be text")),
        }
    }

    /// Returns a member that may be missing: a whole number, or text of digits, as the console stores it.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, AuthError> {
        let number = match self.members.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        let number = number.ok_or_else(|| self.wrong(name, "must be a whole number"))?;
        Ok(Some(number))
    }

    /// Returns the error of a member.
    pub(super) fn wrong(&self, name: &str, rule: &str) -> AuthError {
        (self.refuse)(format!("secret {}: member {name} {rule}", self.arn))
    }
}

/// Returns user name and password of a secret.
pub(super) fn password(arn: &str, text: &SecretText) -> Result<(String, String), AuthError> {
    let secret = Secret::read(arn, text, AuthError::sasl)?;
    Ok((
        secret.text("username")?.to_owned(),
        secret.text("password")?.to_owned(),
    ))
}
