//! Records with schemas, through the daemon: decoded, filtered, read by Powertools; what cannot be decoded; and a registry that
//! is down or asks who one is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod failures;
mod formats;
mod gate;
mod outage;
mod registry;
mod scene;
mod web_client;
