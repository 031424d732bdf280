//! What a registry holds.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// The id that a producer writes before a key or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchemaId {
    /// The number of a schema in a Confluent registry.
    Confluent(u32),
    /// The id of a schema version in Glue.
    Glue(Uuid),
}

/// As in `schemaId` of an event.
impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confluent(number) => number.fmt(f),
            Self::Glue(uuid) => uuid.fmt(f),
        }
    }
}

/// What a schema is written in, and a payload encoded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataFormat {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON, described by JSON Schema.
    Json,
}

impl DataFormat {
    /// The name in `dataFormat` of an event; registries call them so, too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }

    /// Returns the format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Avro, Self::Protobuf, Self::Json]
            .into_iter()
            .find(|format| format.name() == name)
    }
}

/// A schema that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// How the other one names it: a path that is imported, a `$ref`, or the full name of a type.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Reference {
    /// Returns the reference of this name to a schema of this text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// A schema with everything needed to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegisteredSchema {
    /// What it is written in.
    pub format: DataFormat,
    /// Its text.
    pub text: String,
    /// The schemas that it refers to, and those that they refer to, each name once, in any order.
    pub references: Vec<Reference>,
}

impl RegisteredSchema {
    /// Returns a schema that refers to no other.
    #[must_use]
    pub fn new(format: DataFormat, text: impl Into<String>) -> Self {
        Self {
            format,
            text: text.into(),
            references: Vec::new(),
        }
    }

    /// Returns it with what it refers to.
    #[must_use]
    pub fn with_references(mut self, references: Vec<Reference>) -> Self {
        self.references = references;
        self
    }

    /// The length of all texts in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let references = self.references.iter();
        references.map(|one| one.text.len()).sum::<usize>() + self.text.len()
    }
}

/// `keySchemaMetadata` or `valueSchemaMetadata` of a record in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaMetadata {
    /// What the function is given.
    pub data_format: DataFormat,
    /// The id as text: a number, or a UUID for Glue.
    pub schema_id: Arc<str>,
}
