//! Keys and values of records, without the framing of a registry.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lambda_esm_core::setters;
use thiserror::Error;

use crate::cache::{CacheLimits, Known, SchemaCache};
use crate::framing::Framing;
use crate::lookup::SchemaLookup;
use crate::schema::{DataFormat, SchemaMetadata};

/// A part of a record that may have a schema (AWS Lambda API reference, `KafkaSchemaValidationConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `KEY`.
    Key,
    /// `VALUE`.
    Value,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

/// What the function is given (AWS Lambda API reference, `EventRecordFormat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordFormat {
    /// `JSON`: the record as JSON.
    Json,
    /// `SOURCE`: the record as it is, without the id of its schema. Of Protobuf it begins with which message it
    /// is: Powertools' consumers take that off by themselves when they see a schema's id, so Lambda leaves it.
    Source,
}

/// What a mapping's `SchemaRegistryConfig` says about records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecoderSettings {
    /// Whose producers write the records.
    pub framing: Framing,
    /// What the function is given.
    pub format: RecordFormat,
    /// Whether keys have schemas; false unless set. Otherwise they pass as they are.
    pub keys: bool,
    /// Whether values have schemas; false unless set. Otherwise they pass as they are.
    pub values: bool,
    /// How much is kept of what the registry answered.
    pub cache: CacheLimits,
}

impl DecoderSettings {
    /// Returns settings that select neither keys nor values.
    #[must_use]
    pub fn new(framing: Framing, format: RecordFormat) -> Self {
        Self {
            framing,
            format,
            keys: false,
            values: false,
            cache: CacheLimits::default(),
        }
    }
}

setters!(DecoderSettings {
    with_keys sets keys: bool,
    with_values sets values: bool,
    with_cache sets cache: CacheLimits,
});

/// A key or value that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded {
    /// What the function is given.
    pub payload: Bytes,
    /// What filters see: the record as JSON, whatever the function is given (developer guide, "Filtering for Avro
    /// and Protobuf"). The payload itself if it was not to be decoded.
    pub json: Bytes,
    /// What the event says about it; nothing if it was not to be decoded.
    pub schema: Option<SchemaMetadata>,
}

/// Why a key or value does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The registry has no such schema; the record goes to the on-failure destination.
    #[error("{0}")]
    SchemaNotFound(String),
    /// The record has no schema or does not fit it; the record goes to the on-failure destination.
    #[error("{0}")]
    Deserialization(String),
    /// The registry cannot be asked. The record is to be decoded again later, and never dropped.
    #[error("{0}")]
    Unavailable(String),
}

impl DecodeError {
    /// The reason in the record for the on-failure destination (developer guide, "How Lambda performs schema
    /// validation for Kafka messages"); `None` if the record is to be decoded again.
    #[must_use]
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::SchemaNotFound(_) => Some("SCHEMA_NOT_FOUND"),
            Self::Deserialization(_) => Some("DESERIALIZATION_ERROR"),
            Self::Unavailable(_) => None,
        }
    }
}

/// Decodes the records of one mapping. Clones share what was looked up.
#[derive(Clone)]
pub struct RecordDecoder {
    settings: DecoderSettings,
    schemas: SchemaCache,
}

impl fmt::Debug for RecordDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordDecoder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl RecordDecoder {
    /// Returns a decoder that has looked nothing up yet.
    #[must_use]
    pub fn new(lookup: Arc<dyn SchemaLookup>, settings: DecoderSettings) -> Self {
        Self {
            settings,
            schemas: SchemaCache::new(lookup, settings.cache),
        }
    }

    /// Decodes a key or value that is not null. Asks the registry at most once, and does not wait to ask again.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub async fn decode(
        &self,
        attribute: Attribute,
        payload: Bytes,
    ) -> Result<Decoded, DecodeError> {
        if let Some(decoded) = self.decode_now(attribute, &payload) {
            return decoded;
        }
        let id = self.settings.framing.id(&payload);
        let id = id.map_err(|error| malformed(attribute, &error))?;
        let known = self.schemas.ask(id).await;
        let known = known.map_err(|error| DecodeError::Unavailable((*error).to_owned()))?;
        self.decode_by(attribute, &payload, &known)
    }

    /// Does the same if the registry need not be asked.
    #[must_use]
    pub fn decode_now(
        &self,
        attribute: Attribute,
        payload: &Bytes,
    ) -> Option<Result<Decoded, DecodeError>> {
        let is_selected = match attribute {
            Attribute::Key => self.settings.keys,
            Attribute::Value => self.settings.values,
        };
        if !is_selected {
            return Some(Ok(Decoded {
                payload: payload.clone(),
                json: payload.clone(),
                schema: None,
            }));
        }
        match self.settings.framing.id(payload) {
            Err(error) => Some(Err(malformed(attribute, &error))),
            Ok(id) => {
                let known = self.schemas.known(id)?;
                Some(self.decode_by(attribute, payload, &known))
            }
        }
    }

    fn decode_by(
        &self,
        attribute: Attribute,
        record: &Bytes,
        known: &Known,
    ) -> Result<Decoded, DecodeError> {
        let framing = self.settings.framing;
        let framed = framing.take_off(record);
        let framed = framed.map_err(|error| malformed(attribute, &error))?;
        let id = framed.id;
        let (schema, schema_id) = match known {
            Known::Compiled(schema, id) => (schema, id),
            Known::Unusable(error) => {
                return Err(DecodeError::Deserialization(format!(
                    "the {attribute} cannot be read, since schema {id} cannot: {error}"
                )));
            }
            Known::Missing(error) => {
                return Err(DecodeError::SchemaNotFound(format!(
                    "the {attribute} names schema {id}: {error}"
                )));
            }
        };
        let json = schema.to_json(framing, &framed.payload).map_err(|error| {
            let format = schema.format().name();
            DecodeError::Deserialization(format!(
                "the {attribute} does not fit schema {id} ({format}): {error}"
            ))
        })?;
        let (payload, data_format) = match self.settings.format {
            // The format of what is delivered: Powertools' consumers refuse to read JSON that is called otherwise.
            RecordFormat::Json => (json.clone(), DataFormat::Json),
            RecordFormat::Source => (framed.payload, schema.format()),
        };
        Ok(Decoded {
            payload,
            json,
            schema: Some(SchemaMetadata {
                data_format,
                schema_id: schema_id.clone(),
            }),
        })
    }
}

fn malformed(attribute: Attribute, error: &str) -> DecodeError {
    DecodeError::Deserialization(format!("the {attribute} {error}"))
}
