//! ActiveMQ for tests: the shared broker, brokers of a test's own, and the Java client that users have.

mod broker;
mod jms;

pub use broker::Broker;
pub use jms::{Jms, Read, Sent};
