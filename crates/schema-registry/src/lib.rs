//! Decodes Kafka records by the schemas of a registry: Avro, Protobuf and JSON Schema.
//!
//! A producer that works with a registry writes the id of a schema before each key or value. A [`RecordDecoder`]
//! reads the id, has the schema looked up, validates what follows, and returns it as JSON and as it was (AWS Lambda
//! developer guide, "Using schema registries with Kafka event sources in Lambda"). [`ConfluentRegistry`] and
//! [`GlueRegistry`] look schemas up. Everything else is without input and output.

mod avro;
mod cache;
mod compiled;
mod confluent;
mod decoded_topic;
mod decoder;
mod framing;
mod glue;
mod json_schema;
mod limits;
mod lookup;
mod output;
mod protobuf;
mod schema;

pub use cache::CacheLimits;
pub use confluent::{
    BearerTokens, ConfluentConfig, ConfluentConfigError, ConfluentRegistry, TokenError,
};
pub use decoded_topic::DecodedTopic;
pub use decoder::{Attribute, DecodeError, Decoded, DecoderSettings, RecordDecoder, RecordFormat};
pub use framing::Framing;
pub use glue::{GlueAnswer, GlueCall, GlueRegistry};
pub use lookup::{LookupError, SchemaLookup};
pub use schema::{DataFormat, Reference, RegisteredSchema, SchemaId, SchemaMetadata};
