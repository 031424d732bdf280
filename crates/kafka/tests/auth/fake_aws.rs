//! AWS, as far as Kafka clients ask it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use lambda_esm_engine::Clock;
use lambda_esm_engine::aws_identity::{AwsIdentity, IdentityToken};

/// Gives tokens `token-1`, `token-2` … of 900 s, and the brokers it was told.
pub(crate) struct FakeAws {
    clock: Clock,
    brokers: BTreeMap<String, String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    given: u32,
    refuses: bool,
    asked: Vec<String>,
}

impl FakeAws {
    pub(crate) fn new(clock: Clock, brokers: &[(&str, &str)]) -> Self {
        let brokers = brokers.iter();
        Self {
            clock,
            brokers: brokers
                .map(|(name, servers)| ((*name).to_owned(), (*servers).to_owned()))
                .collect(),
            state: Mutex::default(),
        }
    }

    /// Sets whether it refuses tokens.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    /// Returns what it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    fn token(&self, asked: String) -> Result<IdentityToken, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(asked);
        if state.refuses {
            let message = "no credentials here";
            return Err(SourceError::new(SourceErrorKind::Denied, message));
        }
        state.given += 1;
        let expires = Timestamp(self.clock.wall().millis() + 900_000);
        Ok(IdentityToken::new(
            format!("token-{}", state.given),
            expires,
        ))
    }
}

#[async_trait]
impl AwsIdentity for FakeAws {
    async fn msk_token(
        &self,
        region: Option<&str>,
        is_stand_in: bool,
    ) -> Result<IdentityToken, SourceError> {
        self.token(format!("msk {region:?} {is_stand_in}"))
    }

    async fn web_identity_token(&self, audience: &str) -> Result<IdentityToken, SourceError> {
        self.token(format!("web {audience}"))
    }

    async fn bootstrap_brokers(
        &self,
        cluster: &Arn,
    ) -> Result<BTreeMap<String, String>, SourceError> {
        self.state
            .lock()
            .unwrap()
            .asked
            .push(format!("brokers {cluster}"));
        Ok(self.brokers.clone())
    }
}
