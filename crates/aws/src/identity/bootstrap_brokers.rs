//! The addresses of the brokers of an Amazon MSK cluster (Amazon MSK API reference, `GetBootstrapBrokers`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::Arn;
use serde_json::{Map, Value};

use crate::config::AwsConfig;
use crate::failure::{Call, Service};
use crate::service_endpoint::ServiceEndpoint;
use crate::signed::{Answer, HttpClient, Signer, Unanswered, aws_url, push_encoded};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer, in bytes; one has some thousand.
const LONGEST: usize = 256 * 1024;

/// Amazon MSK in messages and codes.
static CLUSTER: Service = Service {
    name: "Amazon MSK",
    resource: "cluster",
    missing: "correct the cluster's ARN in EventSourceArn, or name its brokers in endpoints.arns",
    permissions: "kafka",
    own: kind,
};

fn kind(code: &str, _: Option<&str>) -> Option<SourceErrorKind> {
    match code {
        "NotFound" => Some(SourceErrorKind::NotFound),
        "Unauthorized" | "Forbidden" => Some(SourceErrorKind::Denied),
        _ => None,
    }
}

/// Asks for addresses.
#[derive(Debug)]
pub(super) struct BootstrapBrokers {
    config: AwsConfig,
    clients: Mutex<HashMap<ServiceEndpoint, Arc<ApiClient>>>,
}

#[derive(Debug)]
struct ApiClient {
    http: HttpClient,
    signer: Signer,
}

impl BootstrapBrokers {
    pub(super) fn new(config: AwsConfig) -> Self {
        Self {
            config,
            clients: Mutex::default(),
        }
    }

    /// Returns the addresses by their names in the answer, such as `BootstrapBrokerStringTls`.
    pub(super) async fn of(&self, cluster: &Arn) -> Result<BTreeMap<String, String>, SourceError> {
        let region = Some(cluster.region()).filter(|region| !region.is_empty());
        let endpoint = self.config.regional_endpoint("kafka", region);
        let call = Call {
            service: &CLUSTER,
            operation: "GetBootstrapBrokers",
            resource: cluster.as_str(),
            endpoint: &endpoint,
        };
        let answer = self.ask(cluster, call).await?;
        if !answer.status.is_success() {
            return Err(refused(&answer, call));
        }
        let members: Map<String, Value> = serde_json::from_slice(&answer.body).map_err(|_| {
            let status = Some(answer.status.as_u16());
            call.unreadable(status, &answer.body, "it is no JSON object")
        })?;
        let text = |(name, value): (String, Value)| {
            // The service's member names begin with small letters on the wire.
            let name = name.strip_prefix("bootstrapBrokerString")?.to_owned();
            let servers = value.as_str()?.to_owned();
            Some((format!("BootstrapBrokerString{name}"), servers))
        };
        Ok(members.into_iter().filter_map(text).collect())
    }

    async fn ask(&self, cluster: &Arn, call: Call<'_>) -> Result<Answer, SourceError> {
        let endpoint = call.endpoint;
        let client = self.client(endpoint).map_err(|error| {
            let message = format!("cannot read this machine's root certificates: {error}");
            SourceError::new(SourceErrorKind::Fatal, message)
        })?;
        let mut url = match &endpoint.url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => aws_url("kafka", endpoint, &endpoint.region),
        };
        url.push_str("/v1/clusters/");
        push_encoded(&mut url, cluster.as_str());
        url.push_str("/bootstrap-brokers");
        let request = Request::get(url).body(Full::new(Bytes::new()));
        let mut request = request.map_err(|error| {
            SourceError::new(
                SourceErrorKind::Fatal,
                format!("cannot ask for brokers: {error}"),
            )
        })?;
        let signed = client
            .signer
            .sign(&mut request, &[], &endpoint.region)
            .await;
        signed.map_err(|why| {
            let message = format!("Amazon MSK {endpoint} needs AWS credentials, and {why}");
            SourceError::new(SourceErrorKind::Denied, message)
        })?;
        let answer = client.http.send(request, PATIENCE, LONGEST).await;
        let answer = answer.map_err(|why| match why {
            Unanswered::Late => call.unanswered(PATIENCE),
            Unanswered::TooLong => call.unreadable(None, &[], "it is too long"),
            Unanswered::Unsent(why) | Unanswered::Broken(why) => SourceError::new(
                SourceErrorKind::Transient,
                format!("cannot reach Amazon MSK {endpoint}: {why}"),
            ),
        })?;
        if matches!(answer.status.as_u16(), 401 | 403) {
            client.signer.forget().await;
        }
        Ok(answer)
    }

    fn client(&self, endpoint: &ServiceEndpoint) -> std::io::Result<Arc<ApiClient>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(endpoint) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(ApiClient {
            http: HttpClient::new(endpoint, PATIENCE)?,
            signer: Signer::new("kafka", endpoint),
        });
        clients.insert(endpoint.clone(), Arc::clone(&client));
        Ok(client)
    }
}

fn refused(answer: &Answer, call: Call<'_>) -> SourceError {
    let code = answer.headers.get("x-amzn-errortype");
    let code = code.and_then(|code| code.to_str().ok());
    // What follows a colon is a URL of the error's documentation.
    let code = code.and_then(|code| code.split(':').next());
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = body.as_ref().and_then(|body| body["message"].as_str());
    call.refused(code, text, Some(answer.status.as_u16()))
}
