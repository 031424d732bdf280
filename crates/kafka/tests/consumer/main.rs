//! Members of consumer groups, against the broker that librdkafka has for tests and against Kafka itself.

mod cluster;
mod membership;
mod worker;
