//! Kafka for tests: the shared broker, brokers of a test's own, topics, and who may do what.

mod access;
mod certificates;
mod cluster;
mod groups;
mod listener;
mod record;
mod server;
mod share_groups;
mod topic;

pub use access::Resource;
pub use certificates::Certificates;
pub use cluster::Cluster;
pub use listener::Listener;
pub use record::Record;
pub use server::Kafka;
pub use share_groups::ShareGroup;
pub use topic::{Topic, TopicOptions};
