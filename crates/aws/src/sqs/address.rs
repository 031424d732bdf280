//! Where a queue is.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use tokio::sync::Mutex;

use super::name::QueueName;
use crate::client::Clients;
use crate::config::AwsConfig;
use crate::endpoint::EndpointUrl;
use crate::failure::{Call, Service};
use crate::service_endpoint::ServiceEndpoint;

/// How long an answer may take beyond the wait that was asked for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A queue's names, the client that reaches it, and its URL once that is known.
#[derive(Debug)]
pub(crate) struct QueueAddress {
    client: Client,
    queue: QueueName,
    /// The account to look the queue up in, if it is not ours.
    owner: Option<String>,
    endpoint: ServiceEndpoint,
    service: &'static Service,
    url: Mutex<Option<Arc<str>>>,
    /// Whether `url` was configured, so that nothing needs to be looked up or forgotten.
    fixed: bool,
}

impl QueueAddress {
    /// Returns where the queue with this ARN is for the AWS that `config` describes, with one of `clients`.
    /// `service` words the errors of calls to it.
    pub(crate) async fn find(
        config: &AwsConfig,
        clients: &Clients<Client>,
        arn: &str,
        service: &'static Service,
    ) -> Result<Self, SourceError> {
        let queue: QueueName = arn
            .parse()
            .map_err(|error| SourceError::new(SourceErrorKind::Fatal, format!("{error}")))?;
        let mut endpoint = config.service_endpoint(queue.arn());
        let url = endpoint.url.take_if(|url| is_queue_url(url, &queue));
        if let Some(url) = &url {
            endpoint.url = Some(url.without_path());
        }
        let owner = queue.arn().account();
        let owner = (owner != config.account_id).then(|| owner.to_owned());
        Ok(Self {
            client: clients.get(&endpoint, Client::new),
            queue,
            owner,
            endpoint,
            service,
            fixed: url.is_some(),
            url: Mutex::new(url.map(|url| Arc::from(url.to_string()))),
        })
    }

    /// Tells whether the queue is at AWS itself, not at a server that stands in for it.
    pub(crate) fn is_aws(&self) -> bool {
        self.endpoint.is_aws()
    }

    /// Returns the queue's names.
    pub(crate) fn name(&self) -> &QueueName {
        &self.queue
    }

    /// Returns the client that reaches the queue.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns what error messages say about a call.
    pub(crate) fn call(&self, operation: &'static str) -> Call<'_> {
        Call {
            service: self.service,
            operation,
            resource: self.queue.name(),
            endpoint: &self.endpoint,
        }
    }

    /// Returns the queue URL; asks for it once. Only its path matters to a server that stands in for
    /// AWS: requests go to the client's endpoint, whatever host the URL names.
    pub(crate) async fn url(&self) -> Result<String, SourceError> {
        let mut url = self.url.lock().await;
        if let Some(url) = &*url {
            return Ok(url.as_ref().to_owned());
        }
        let request = self
            .client
            .get_queue_url()
            .queue_name(self.queue.name())
            .set_queue_owner_aws_account_id(self.owner.clone());
        let call = self.call("GetQueueUrl");
        let answer = call.within(PATIENCE, request.send()).await?;
        let Some(found) = answer.queue_url else {
            return Err(call.incomplete("a QueueUrl"));
        };
        *url = Some(Arc::from(found.as_str()));
        Ok(found)
    }

    /// Forgets the URL of a queue that is gone: one of the same name may be created elsewhere.
    pub(crate) async fn check<T>(&self, result: Result<T, SourceError>) -> Result<T, SourceError> {
        if let Err(SourceError {
            kind: SourceErrorKind::NotFound,
            ..
        }) = &result
            && !self.fixed
        {
            *self.url.lock().await = None;
        }
        result
    }
}

/// Tells whether a configured endpoint is a queue URL: `…/ACCOUNT/NAME`.
fn is_queue_url(endpoint: &EndpointUrl, queue: &QueueName) -> bool {
    endpoint.path().rsplit('/').next() == Some(queue.name())
}
