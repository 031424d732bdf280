//! Decodes Kafka records by the schemas of a registry: Avro, Protobuf and JSON Schema.
