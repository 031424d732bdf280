//! A daemon with an API, and the AWS SDK's client for it.

use std::path::{Path, PathBuf};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::error::SdkError;
use lambda_esm_tests::{Daemon, Sqs, until, variable};
use serde_json::{Value, json};
use tokio::process::Command;

/// A daemon, and a client that asks it.
pub(crate) struct Control {
    pub(crate) daemon: Daemon,
    pub(crate) endpoint: String,
    pub(crate) client: Client,
}

impl Control {
    pub(crate) async fn start(folder: &Path, configuration: &Value) -> Self {
        let daemon = Daemon::start(folder, configuration);
        let endpoint = daemon.api().await;
        let config = aws_sdk_lambda::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            // A repeated request would hide what became of the first.
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            daemon,
            endpoint,
            client: Client::from_conf(config),
        }
    }

    /// Stops the daemon in order.
    pub(crate) async fn stop(self) {
        let (status, _) = self.daemon.stop().await;
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

/// Returns a configuration with an API, a state directory, and any function name simulated. Services other
/// than SQS are nowhere, so that no test calls AWS itself.
pub(crate) fn configuration(sqs: &Sqs) -> Value {
    json!({
        "api": { "listen": "127.0.0.1:0" },
        "state_dir": "state",
        "endpoints": { "aws": "http://127.0.0.1:1", "sqs": sqs.endpoint },
        "functions": { "*": { "backend": "simulated" } },
    })
}

/// Waits until a mapping has reached `state`.
pub(crate) async fn in_state(client: &Client, uuid: &str, state: &str) {
    until(&format!("mapping {uuid} is {state}"), async || {
        let got = client.get_event_source_mapping().uuid(uuid).send().await;
        (got.unwrap().state.as_deref() == Some(state)).then_some(())
    })
    .await;
}

/// Waits until a mapping is gone.
pub(crate) async fn gone(client: &Client, uuid: &str) {
    until(&format!("mapping {uuid} is gone"), async || {
        match client.get_event_source_mapping().uuid(uuid).send().await {
            Ok(mapping) => {
                assert_eq!(mapping.state.as_deref(), Some("Deleting"));
                None
            }
            Err(error) => {
                let error = error.into_service_error();
                assert!(error.is_resource_not_found_exception(), "{error:?}");
                Some(())
            }
        }
    })
    .await;
}

/// Lists all mappings in pages of `size`: no mapping may come twice.
pub(crate) async fn listed(
    client: &Client,
    size: i32,
) -> Result<
    Vec<aws_sdk_lambda::types::EventSourceMappingConfiguration>,
    SdkError<aws_sdk_lambda::operation::list_event_source_mappings::ListEventSourceMappingsError>,
> {
    let pages = client.list_event_source_mappings().into_paginator();
    let mut pages = pages.page_size(size).send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let items = page?.event_source_mappings.unwrap_or_default();
        assert!(items.len() <= usize::try_from(size).unwrap());
        all.extend(items);
    }
    let mut uuids: Vec<_> = all.iter().map(|each| each.uuid.clone().unwrap()).collect();
    uuids.sort();
    uuids.dedup();
    assert_eq!(uuids.len(), all.len(), "a mapping is listed twice");
    Ok(all)
}

/// Returns a command of the virtual environment of the tests' Python that has an identity, and no configuration of the machine's.
pub(crate) fn installed(name: &str) -> Option<Command> {
    let python = PathBuf::from(variable("LAMBDA_ESM_TEST_PYTHON")?);
    let mut command = Command::new(python.with_file_name(name));
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_MAX_ATTEMPTS", "1")
        .kill_on_drop(true);
    Some(command)
}
