//! Where a queue is.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use tokio::sync::Mutex;

use super::name::QueueName;
use crate::client::Clients;
use crate::config::{AwsConfig, EndpointUrl};
use crate::failure::{Call, Service};

/// How long an answer may take beyond the wait that was asked for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A queue's names, the client that reaches it, and its URL once that is known.
#[derive(Debug)]
pub(crate) struct QueueAddress {
    client: Client,
    queue: QueueName,
    /// The account to look the queue up in, if it is not ours.
    owner: Option<String>,
    /// Where SQS is, in words.
    place: String,
    service: &'static Service,
    url: Mutex<Option<Arc<str>>>,
    /// Whether `url` was configured, so that nothing needs to be looked up or forgotten.
    fixed: bool,
    /// Whether it is at AWS itself.
    is_aws: bool,
}

impl QueueAddress {
    /// Returns where the queue with this ARN is for the AWS that `config` describes, with one of `clients`. `service` words the errors of calls to it.
    pub(crate) async fn find(
        config: &AwsConfig,
        clients: &Clients<Client>,
        arn: &str,
        service: &'static Service,
    ) -> Result<Self, SourceError> {
        let queue: QueueName = arn
            .parse()
            .map_err(|error| SourceError::new(SourceErrorKind::Fatal, format!("{error}")))?;
        let endpoint = config.endpoints.resolve("sqs", Some(arn));
        let place = endpoint.map_or_else(
            || format!("in {}", queue.arn().region()),
            |endpoint| format!("at {endpoint}"),
        );
        let url = endpoint.filter(|endpoint| is_queue_url(endpoint, &queue));
        let base = match url {
            Some(url) => Some(url.origin().to_owned()),
            None => endpoint.map(|endpoint| endpoint.as_str().to_owned()),
        };
        let client = clients
            .get(base, endpoint, queue.arn().region(), Client::new)
            .await;
        let url = url.map(|url| url.as_str().to_owned());
        let account = &config.account_id;
        let mut address = Self::new(client, queue, account, place, service, url);
        address.is_aws = endpoint.is_none();
        Ok(address)
    }

    /// Returns `queue` as seen by `client`, which calls from `account`. `place` says where the client
    /// looks for SQS, e.g. `at http://127.0.0.1:9324`; it shows in errors, which `service` words. `url`
    /// spares the lookup of the queue URL.
    fn new(
        client: Client,
        queue: QueueName,
        account: &str,
        place: String,
        service: &'static Service,
        url: Option<String>,
    ) -> Self {
        let owner = queue.arn().account();
        let owner = (owner != account).then(|| owner.to_owned());
        let fixed = url.is_some();
        let url = Mutex::new(url.map(Arc::from));
        Self {
            client,
            queue,
            owner,
            place,
            service,
            url,
            fixed,
            is_aws: false,
        }
    }

    /// Tells whether the queue is at AWS itself, not at a server that stands in for it.
    pub(crate) const fn is_aws(&self) -> bool {
        self.is_aws
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
            place: &self.place,
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
