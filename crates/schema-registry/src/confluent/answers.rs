//! What a registry answers (Confluent documentation, "Schema Registry API Reference").

use http::StatusCode;
use serde::Deserialize;

use crate::schema::DataFormat;

/// No such subject, version or schema. The plain 404 beside them is what a registry says to a path that it does not
/// know, so of a wrong URL.
const MISSING: [u32; 3] = [40_401, 40_402, 40_403];

/// A schema as it is registered.
#[derive(Deserialize)]
pub(super) struct SchemaAnswer {
    pub(super) schema: String,
    #[serde(rename = "schemaType")]
    schema_type: Option<String>,
    references: Option<Vec<ReferenceAnswer>>,
}

/// Where a schema is that another one refers to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ReferenceAnswer {
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) version: i32,
}

impl SchemaAnswer {
    /// The format; Avro if none is given. The text of one that is not known.
    pub(super) fn format(&self) -> Result<DataFormat, &str> {
        let name = self.schema_type.as_deref().unwrap_or("AVRO");
        DataFormat::from_name(name).ok_or(name)
    }

    pub(super) fn references(&mut self) -> Vec<ReferenceAnswer> {
        self.references.take().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error_code: u32,
    message: Option<String>,
}

/// An answer that is no schema.
pub(super) struct Refusal {
    /// Whether the registry itself says that there is no such thing.
    pub(super) is_missing: bool,
    /// What it says.
    pub(super) text: String,
}

/// Reads an answer that is no success.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(error) => Refusal {
            is_missing: status == StatusCode::NOT_FOUND && MISSING.contains(&error.error_code),
            text: format!(
                "{} ({})",
                error.message.unwrap_or_default(),
                error.error_code
            ),
        },
        Err(_) => Refusal {
            is_missing: false,
            text: String::from_utf8_lossy(body).into_owned(),
        },
    }
}
