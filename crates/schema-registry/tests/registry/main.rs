//! Records of registries, decoded through the public interface.
#![expect(
    clippy::unwrap_used,
    reason = "a call that fails is a check that fails"
)]

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
