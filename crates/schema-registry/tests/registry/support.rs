//! A registry in memory, and framed records.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_schema_registry::{
    Attribute, DataFormat, DecodeError, Decoded, DecoderSettings, Framing, LookupError,
    RecordDecoder, RecordFormat, RegisteredSchema, SchemaId, SchemaLookup,
};
use uuid::Uuid;

/// Knows some schemas.
#[derive(Default)]
pub(crate) struct Schemas(HashMap<SchemaId, RegisteredSchema>);

#[async_trait]
impl SchemaLookup for Schemas {
    async fn schema(&self, id: SchemaId) -> Result<RegisteredSchema, LookupError> {
        let schema = self.0.get(&id).cloned();
        schema.ok_or_else(|| LookupError::NotFound("no such schema".to_owned()))
    }
}

pub(crate) const GLUE_ID: Uuid = Uuid::from_u128(7);

/// Decodes by one schema, which is number 7 of Confluent's and has [`GLUE_ID`] in Glue.
pub(crate) fn decoder(
    schema: &RegisteredSchema,
    framing: Framing,
    format: RecordFormat,
) -> RecordDecoder {
    let ids = [SchemaId::Confluent(7), SchemaId::Glue(GLUE_ID)];
    let schemas = ids.map(|id| (id, schema.clone())).into_iter().collect();
    let settings = DecoderSettings::new(framing, format).with_values(true);
    RecordDecoder::new(Arc::new(Schemas(schemas)), settings)
}

/// Puts schema 7 of Confluent's before a payload.
pub(crate) fn confluent(payload: &[u8]) -> Bytes {
    [&[0, 0, 0, 0, 7], payload].concat().into()
}

/// Puts [`GLUE_ID`] before a payload.
pub(crate) fn glue(payload: &[u8]) -> Bytes {
    [&[3, 0], &GLUE_ID.as_bytes()[..], payload].concat().into()
}

/// Decodes a payload of Confluent's as JSON.
pub(crate) async fn decode(
    schema: &RegisteredSchema,
    payload: &[u8],
) -> Result<Decoded, DecodeError> {
    let decoder = decoder(schema, Framing::Confluent, RecordFormat::Json);
    decoder.decode(Attribute::Value, confluent(payload)).await
}

/// The JSON of a payload that must be right.
pub(crate) async fn json(schema: &RegisteredSchema, payload: &[u8]) -> String {
    let decoded = decode(schema, payload).await.unwrap();
    String::from_utf8(decoded.payload.to_vec()).unwrap()
}

/// What is wrong with a payload, without the beginning that is always the same.
pub(crate) async fn fault(schema: &RegisteredSchema, payload: &[u8]) -> String {
    match decode(schema, payload).await {
        Err(DecodeError::Deserialization(text)) => {
            let format = schema.format.name();
            let beginning = format!("the value does not fit schema 7 ({format}): ");
            text.strip_prefix(&beginning).unwrap_or(&text).to_owned()
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn avro(text: &str) -> RegisteredSchema {
    RegisteredSchema::new(DataFormat::Avro, text)
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits = digits.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
