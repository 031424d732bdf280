//! From `SourceAccessConfigurations` and secrets to the settings of a client, with servers within the process.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

mod extensions;
mod fake_aws;
mod leaks;
mod mappings;
mod msk;
mod oauth;
mod pki;
mod secrets;
mod settings;
mod token_server;
