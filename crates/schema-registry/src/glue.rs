//! Schemas of AWS Glue.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::excerpt::{LONGEST_TEXT, excerpt};
use serde::Deserialize;

use crate::lookup::{LookupError, SchemaLookup};
use crate::schema::{DataFormat, RegisteredSchema, SchemaId};

/// An answer of Glue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GlueAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON.
    pub body: Bytes,
}

impl GlueAnswer {
    /// Returns an answer of this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            body: body.into(),
        }
    }
}

/// Whoever signs requests and sends them to Glue.
#[async_trait]
pub trait GlueCall: Send + Sync {
    /// Calls an operation (`GetSchemaVersion`) with a request in JSON, once, and returns the answer, also one that
    /// says no. Takes seconds at most, and reads an answer of a megabyte at most.
    ///
    /// # Errors
    /// Fails in words if there is no answer.
    async fn call(&self, operation: &'static str, request: String) -> Result<GlueAnswer, String>;
}

/// A registry of Glue. The ids in records are unique beyond one registry; whether the caller may read a schema is
/// for its role to say.
#[derive(Clone)]
pub struct GlueRegistry(Arc<dyn GlueCall>);

impl fmt::Debug for GlueRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GlueRegistry").finish_non_exhaustive()
    }
}

impl GlueRegistry {
    /// Returns a registry that is asked by these calls.
    #[must_use]
    pub fn new(calls: Arc<dyn GlueCall>) -> Self {
        Self(calls)
    }
}

#[async_trait]
impl SchemaLookup for GlueRegistry {
    async fn schema(&self, id: SchemaId) -> Result<RegisteredSchema, LookupError> {
        let request = serde_json::json!({ "SchemaVersionId": id.to_string() });
        let answer = self.0.call("GetSchemaVersion", request.to_string()).await;
        let answer = answer.map_err(|error| {
            LookupError::Unavailable(format!("AWS Glue cannot be asked for schema {id}: {error}"))
        })?;
        read(id, &answer)
    }
}

/// The parts of an answer to `GetSchemaVersion` that matter (AWS Glue API reference).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SchemaVersion {
    schema_definition: Option<String>,
    data_format: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(rename = "message", alias = "Message")]
    message: Option<String>,
}

fn read(id: SchemaId, answer: &GlueAnswer) -> Result<RegisteredSchema, LookupError> {
    if answer.status != 200 {
        return Err(refused(id, answer));
    }
    let version: SchemaVersion = serde_json::from_slice(&answer.body).map_err(|error| {
        LookupError::Unavailable(format!(
            "AWS Glue's answer about schema {id} is not understood: {error}"
        ))
    })?;
    let (Some(text), Some(format)) = (version.schema_definition, version.data_format) else {
        let status = excerpt(&version.status.unwrap_or_default(), LONGEST_TEXT);
        return Err(LookupError::Unavailable(format!(
            "AWS Glue's answer about schema {id} lacks its definition or format (status {status:?})"
        )));
    };
    let Some(known) = DataFormat::from_name(&format) else {
        let format = excerpt(&format, LONGEST_TEXT);
        return Err(LookupError::Unavailable(format!(
            "AWS Glue says that schema {id} is {format:?}, and not AVRO, PROTOBUF or JSON"
        )));
    };
    Ok(RegisteredSchema::new(known, text))
}

fn refused(id: SchemaId, answer: &GlueAnswer) -> LookupError {
    let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
    let kind = refusal.as_ref().and_then(|refusal| refusal.kind.as_deref());
    // Some servers put a namespace before the name.
    let kind = kind
        .unwrap_or_default()
        .rsplit('#')
        .next()
        .unwrap_or_default();
    let is_missing = kind == "EntityNotFoundException";
    let kind = excerpt(kind, LONGEST_TEXT);
    let message = refusal.and_then(|refusal| refusal.message);
    let message = excerpt(&message.unwrap_or_default(), LONGEST_TEXT);
    if is_missing {
        return LookupError::NotFound(format!("AWS Glue has no such schema version: {message}"));
    }
    LookupError::Unavailable(format!(
        "AWS Glue refuses to tell schema {id}: {} {kind} {message}",
        answer.status
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Answers(Result<GlueAnswer, String>);

    #[async_trait]
    impl GlueCall for Answers {
        async fn call(
            &self,
            operation: &'static str,
            request: String,
        ) -> Result<GlueAnswer, String> {
            assert_eq!(operation, "GetSchemaVersion");
            assert_eq!(
                request,
                r#"{"SchemaVersionId":"b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"}"#
            );
            self.0.clone()
        }
    }

    async fn ask(answer: Result<GlueAnswer, String>) -> Result<RegisteredSchema, LookupError> {
        let id = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63".parse().unwrap();
        let registry = GlueRegistry::new(Arc::new(Answers(answer)));
        registry.schema(SchemaId::Glue(id)).await
    }

    #[tokio::test]
    async fn a_schema_version_is_read() {
        let body = r#"{"SchemaVersionId":"b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63","SchemaDefinition":"\"string\"",
            "DataFormat":"AVRO","SchemaArn":"arn:aws:glue:us-east-1:000000000000:schema/r/s","VersionNumber":1,
            "Status":"AVAILABLE"}"#;
        let schema = ask(Ok(GlueAnswer::new(200, body))).await.unwrap();
        assert_eq!(
            schema,
            RegisteredSchema::new(DataFormat::Avro, "\"string\"")
        );
    }

    #[tokio::test]
    async fn only_a_missing_entity_is_not_found() {
        let error = |kind: &str| format!(r#"{{"__type":"{kind}","Message":"said so"}}"#);
        let missing = ask(Ok(GlueAnswer::new(400, error("EntityNotFoundException")))).await;
        assert_eq!(
            missing.unwrap_err(),
            LookupError::NotFound("AWS Glue has no such schema version: said so".to_owned())
        );
        for answer in [
            Ok(GlueAnswer::new(
                400,
                error("com.amazonaws#AccessDeniedException"),
            )),
            Ok(GlueAnswer::new(500, error("InternalServiceException"))),
            Ok(GlueAnswer::new(404, "<html>")),
            Ok(GlueAnswer::new(200, "{}")),
            Ok(GlueAnswer::new(200, "[")),
            Ok(GlueAnswer::new(
                200,
                r#"{"SchemaDefinition":"","DataFormat":"THRIFT"}"#,
            )),
            Err("connection refused".to_owned()),
        ] {
            let error = ask(answer.clone()).await.unwrap_err();
            assert!(
                matches!(error, LookupError::Unavailable(_)),
                "{answer:?}: {error}"
            );
        }
    }
}
