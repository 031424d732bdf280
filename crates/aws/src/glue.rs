//! The API of AWS Glue, for its schema registries.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use lambda_esm_core::mapping::Arn;

use crate::config::AwsConfig;
use crate::service_endpoint::ServiceEndpoint;
use crate::signed::{HttpClient, Signer, Unanswered, aws_url};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes. A definition has 170,000 characters at most (AWS Glue API reference,
/// `SchemaDefinitionString`), of which JSON may make six each.
const LONGEST: usize = 1 << 20;

/// Calls AWS Glue where a registry is. Makes one attempt.
#[derive(Debug)]
pub struct GlueApi {
    endpoint: ServiceEndpoint,
    client: HttpClient,
    signer: Signer,
}

impl GlueApi {
    /// Returns the API for the registry of an ARN, in its region. Does no network I/O.
    ///
    /// # Errors
    /// Fails if the endpoint needs TLS and the machine's root certificates cannot be read.
    pub fn new(config: &AwsConfig, registry: &Arn) -> io::Result<Self> {
        let endpoint = config.service_endpoint(registry);
        Ok(Self {
            client: HttpClient::new(&endpoint, PATIENCE)?,
            signer: Signer::new("glue", &endpoint),
            endpoint,
        })
    }

    /// Calls an operation with a request in JSON, and returns the HTTP status and body, also of a refusal.
    ///
    /// # Errors
    /// Fails in words if there is no answer.
    pub async fn call(&self, operation: &str, request: String) -> Result<(u16, Bytes), String> {
        let endpoint = &self.endpoint;
        let url = match &endpoint.url {
            Some(url) => url.as_str().to_owned(),
            None => aws_url("glue", endpoint, &endpoint.region),
        };
        let body = Bytes::from(request);
        let mut post = Request::post(url)
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", format!("AWSGlue.{operation}"))
            .body(Full::new(body.clone()))
            .map_err(|error| error.to_string())?;
        let signed = self.signer.sign(&mut post, &body, &endpoint.region).await;
        signed.map_err(|why| format!("AWS Glue {endpoint} needs AWS credentials, and {why}"))?;
        let answer = self.client.send(post, PATIENCE, LONGEST).await;
        let answer = answer.map_err(|why| match why {
            Unanswered::Late => {
                let seconds = PATIENCE.as_secs();
                format!("AWS Glue {endpoint} gave no answer within {seconds} s")
            }
            Unanswered::TooLong => {
                format!("AWS Glue {endpoint} answered with more than {LONGEST} bytes")
            }
            Unanswered::Unsent(why) | Unanswered::Broken(why) => {
                format!("cannot reach AWS Glue {endpoint}: {why}")
            }
        })?;
        // Credentials that were refused are looked up again. Glue says so with status 400.
        let refused = |code: &[u8]| answer.body.windows(code.len()).any(|part| part == code);
        if matches!(answer.status.as_u16(), 401 | 403)
            || refused(b"ExpiredTokenException")
            || refused(b"UnrecognizedClientException")
        {
            self.signer.forget().await;
        }
        Ok((answer.status.as_u16(), answer.body))
    }
}
