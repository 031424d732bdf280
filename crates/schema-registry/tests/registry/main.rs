//! Records of registries, decoded through the public interface.

mod apicurio;
mod avro;
mod confluent;
mod hostile;
mod json_schema;
mod lookups;
mod protobuf;
mod server;
mod support;
mod tls;
