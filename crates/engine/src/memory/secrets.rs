//! Secrets that are given beforehand.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::secrets::{SecretError, SecretErrorKind, SecretResolver, SecretText};

/// Secrets in memory, by their ARN. Shows the ARNs only.
#[derive(Default)]
pub struct MemorySecrets(Mutex<BTreeMap<String, SecretText>>);

impl MemorySecrets {
    /// Adds a secret, or rotates it: whoever asks from now on gets the new text. Fails if the text is too long.
    pub fn put(&self, arn: &str, text: &str) -> Result<(), SecretError> {
        let text = SecretText::new(arn, text)?;
        self.lock().insert(arn.to_owned(), text);
        Ok(())
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Forgets a secret.
    pub fn remove(&self, arn: &str) {
        self.lock().remove(arn);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SecretText>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SecretResolver for MemorySecrets {
    async fn secret(&self, arn: &str) -> Result<SecretText, SecretError> {
        let found = self.lock().get(arn).cloned();
        found.ok_or_else(|| {
            SecretError::new(
                SecretErrorKind::NotFound,
                format!("there is no secret {arn} in memory; put it there"),
            )
        })
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lock().keys()).finish()
    }
}
