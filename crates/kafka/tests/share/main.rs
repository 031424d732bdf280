//! Share groups, against Kafka itself.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

mod brokers;
mod contract;
mod faults;
mod locks;
mod logins;
mod member;
mod problems;
mod promises;
mod world;
