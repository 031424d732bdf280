//! Share groups, against Kafka itself.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

// What the tests of the whole use, too.
#[path = "../../../../tests/src/ports.rs"]
mod ports;

mod brokers;
mod contract;
mod faults;
mod locks;
mod logins;
mod member;
mod problems;
mod promises;
mod world;
