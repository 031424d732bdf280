//! Kafka topics as event sources, of Amazon MSK and of self-managed clusters, and as on-failure destinations.
