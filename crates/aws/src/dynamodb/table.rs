//! The table of a stream, as far as records are put there.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::failure::DYNAMODB;
use crate::failure::Call;
use crate::service_endpoint::ServiceEndpoint;
use crate::signed::{HttpClient, Signer, Unanswered, aws_url};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer: what was not written comes back, of the 16 MB that one request may have (DynamoDB API reference,
/// `BatchWriteItem`).
const LONGEST: usize = 20 * 1024 * 1024;

/// A table at its endpoint.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    endpoint: ServiceEndpoint,
    client: HttpClient,
    signer: Signer,
}

/// The attributes of a table's key that records are told by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableKey {
    /// The partition key.
    pub(super) hash: String,
    /// The sort key.
    pub(super) range: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTableResponse {
    table: Description,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    key_schema: Vec<KeyElement>,
    attribute_definitions: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl Table {
    /// Returns the table of a stream. Reads the machine's root certificates if the endpoint needs them.
    pub(super) fn of_stream(stream: &Arn, endpoint: ServiceEndpoint) -> Result<Self, SourceError> {
        let client = HttpClient::new(&endpoint, PATIENCE).map_err(|error| {
            let text = format!("cannot read the root certificates: {error}");
            SourceError::new(SourceErrorKind::Fatal, text)
        })?;
        let table = stream.resource().split('/').nth(1);
        Ok(Self {
            name: table.unwrap_or_default().to_owned(),
            client,
            signer: Signer::new("dynamodb", &endpoint),
            endpoint,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call {
            service: &DYNAMODB,
            operation,
            resource: &self.name,
            endpoint: &self.endpoint,
        }
    }

    /// Returns the table's key. Fails if it has no text in it, by which records could be told.
    pub(super) async fn key(&self) -> Result<TableKey, SourceError> {
        let request = json!({ "TableName": self.name });
        let described: DescribeTableResponse = self.send("DescribeTable", &request).await?;
        let Description {
            key_schema,
            attribute_definitions,
        } = described.table;
        let named = |kind: &str| {
            let element = key_schema.iter().find(|element| element.key_type == kind);
            element.map(|element| element.attribute_name.clone())
        };
        let is_text = |name: &String| {
            let mut kinds = attribute_definitions.iter();
            kinds.any(|each| each.attribute_name == *name && each.attribute_type == "S")
        };
        let key = TableKey {
            hash: named("HASH").ok_or_else(|| {
                let call = self.call("DescribeTable");
                call.incomplete("a partition key")
            })?,
            range: named("RANGE"),
        };
        if is_text(&key.hash) && key.range.as_ref().is_none_or(is_text) {
            return Ok(key);
        }
        let text = format!(
            "records cannot be put into table {}: its key attributes must be of type S, since records are told by them",
            self.name
        );
        Err(SourceError::new(SourceErrorKind::Fatal, text))
    }

    /// Calls an operation of DynamoDB.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        request: &Value,
    ) -> Result<T, SourceError> {
        let call = self.call(operation);
        let endpoint = &self.endpoint;
        let url = match &endpoint.url {
            Some(url) => url.as_str().to_owned(),
            None => aws_url("dynamodb", endpoint, &endpoint.region),
        };
        let body = Bytes::from(request.to_string());
        let fatal = |why: String| SourceError::new(SourceErrorKind::Fatal, why);
        let mut post = Request::post(url)
            .header(CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(Full::new(body.clone()))
            .map_err(|error| fatal(error.to_string()))?;
        let signed = self.signer.sign(&mut post, &body, &endpoint.region).await;
        signed.map_err(|why| {
            let text = format!("DynamoDB {endpoint} needs AWS credentials, and {why}");
            SourceError::new(SourceErrorKind::Denied, text)
        })?;
        let answer = self.client.send(post, PATIENCE, LONGEST).await;
        let answer = answer.map_err(|why| match why {
            Unanswered::Late => call.unanswered(PATIENCE),
            Unanswered::TooLong => call.broken_off("it is too long"),
            Unanswered::Unsent(why) | Unanswered::Broken(why) => call.broken_off(&why),
        })?;
        let status = answer.status.as_u16();
        let unreadable = |error: serde_json::Error| {
            call.unreadable(Some(status), &answer.body, &error.to_string())
        };
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(unreadable);
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let error = call.refused(
            refusal.code.as_deref(),
            refusal.message.as_deref(),
            Some(status),
        );
        if error.kind == SourceErrorKind::Denied {
            self.signer.forget().await;
        }
        Err(error)
    }
}
