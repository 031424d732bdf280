//! A schema that is ready to decode records.

use bytes::Bytes;
use lambda_esm_core::excerpt::{LONGEST_TEXT, excerpt};

use crate::avro::Plan;
use crate::framing::Framing;
use crate::json_schema::Rules;
use crate::limits::{RECORD_BYTES, SCHEMA_BYTES};
use crate::output::Output;
use crate::protobuf::Messages;
use crate::schema::{DataFormat, RegisteredSchema};

/// A compiled schema.
#[derive(Debug)]
pub(crate) enum CompiledSchema {
    Avro(Plan),
    Protobuf(Messages),
    Json(Rules),
}

impl CompiledSchema {
    /// Compiles a schema. Fails in words.
    pub(crate) fn new(schema: &RegisteredSchema) -> Result<Self, String> {
        let texts = schema.references.iter().map(|one| &one.text);
        if texts
            .chain([&schema.text])
            .any(|text| text.len() > SCHEMA_BYTES)
        {
            return Err(format!("has more than {SCHEMA_BYTES} bytes"));
        }
        let compiled = match schema.format {
            DataFormat::Avro => Plan::new(schema).map(Self::Avro),
            DataFormat::Protobuf => Messages::new(schema).map(Self::Protobuf),
            DataFormat::Json => Rules::new(schema).map(Self::Json),
        };
        compiled.map_err(|error| excerpt(&error, LONGEST_TEXT))
    }

    pub(crate) const fn format(&self) -> DataFormat {
        match self {
            Self::Avro(_) => DataFormat::Avro,
            Self::Protobuf(_) => DataFormat::Protobuf,
            Self::Json(_) => DataFormat::Json,
        }
    }

    /// Validates a payload and returns it as JSON. Fails in words.
    pub(crate) fn to_json(&self, framing: Framing, payload: &Bytes) -> Result<Bytes, String> {
        // JSON is longer than what it is made from, and seldom twice as long.
        let mut output = Output::new(RECORD_BYTES, payload.len().saturating_mul(2));
        let written = match self {
            Self::Avro(plan) => plan.write_json(payload, &mut output),
            Self::Protobuf(messages) => messages.write_json(framing, payload, &mut output),
            Self::Json(rules) => {
                let checked = rules.check(payload).map(|()| payload.clone());
                return checked.map_err(|error| excerpt(&error, LONGEST_TEXT));
            }
        };
        match written {
            Ok(()) => Ok(output.into_bytes().into()),
            Err(error) => Err(excerpt(&error, LONGEST_TEXT)),
        }
    }
}
