//! Members of consumer groups, against the broker that librdkafka has for tests and against Kafka itself.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

mod churn;
mod cluster;
mod contract;
mod logins;
mod membership;
mod problems;
mod rebalance;
mod worker;
