//! Schemas of a registry with Confluent's API.

mod answers;
mod client;
mod config;
mod tls;

pub use client::ConfluentRegistry;
pub use config::{BearerTokens, ConfluentConfig, ConfluentConfigError, TokenError};
