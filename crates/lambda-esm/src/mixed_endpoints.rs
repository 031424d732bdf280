//! Mappings that mix AWS with what stands in for it: messages of a local queue for a real function, or the
//! reverse. That is rarely meant, and nothing else would say so.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lambda_esm_aws::{AwsConfig, EndpointUrl};
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::{Arn, Mapping, Source};
use lambda_esm_engine::ports::{QueueSource, SourceProvider, StreamSource};

use crate::config::{Backend, Configuration};

/// Where the configuration has sources, destinations and functions.
pub(crate) struct MixedEndpoints {
    aws: AwsConfig,
    /// The configured functions; `None` are those that no Lambda API runs.
    functions: BTreeMap<String, Option<Called>>,
    told: Mutex<HashSet<String>>,
}

/// A function that a Lambda API runs.
struct Called {
    /// Its own endpoint.
    endpoint: Option<EndpointUrl>,
}

/// One of those who take part in a mapping.
struct Party<'a> {
    what: String,
    /// The service, as `endpoints` calls it.
    service: &'a str,
    endpoint: Option<(&'a EndpointUrl, String)>,
}

impl Party<'_> {
    fn is_aws(&self) -> bool {
        let endpoint = self.endpoint.as_ref();
        endpoint.is_none_or(|(endpoint, _)| endpoint.is_aws())
    }

    fn location(&self) -> String {
        match &self.endpoint {
            Some((endpoint, origin)) => format!("{} at {endpoint} ({origin})", self.what),
            None => format!("{} in AWS itself", self.what),
        }
    }
}

impl MixedEndpoints {
    pub(crate) fn new(configuration: &Configuration) -> Self {
        let called = |backend: &Backend| match backend {
            #[cfg(feature = "lambda-api")]
            Backend::LambdaApi(options) => Some(Called {
                endpoint: options.endpoint.clone(),
            }),
            _ => None,
        };
        let functions = configuration.functions.iter();
        Self {
            aws: configuration.aws(),
            functions: functions
                .map(|function| (function.name.clone(), called(&function.backend)))
                .collect(),
            told: Mutex::default(),
        }
    }

    /// Returns what is mixed in a mapping, and the way out; `None` if all of it is AWS, or none of it.
    pub(crate) fn of(&self, mapping: &Mapping) -> Option<String> {
        let parties = self.parties(mapping);
        let (aws, others): (Vec<_>, Vec<_>) = parties.iter().partition(|party| party.is_aws());
        if aws.is_empty() || others.is_empty() {
            return None;
        }
        let locations: Vec<_> = parties.iter().map(Party::location).collect();
        let missing: Vec<_> = aws
            .iter()
            .map(|party| format!("endpoints.{}", party.service))
            .collect();
        Some(format!(
            "AWS and what stands in for it are mixed: {}; if that is not meant, set {}",
            locations.join(", "),
            missing.join(" and ")
        ))
    }

    /// Returns those who take part in a mapping and are AWS itself.
    pub(crate) fn at_aws(&self, mapping: &Mapping) -> Vec<String> {
        let parties = self.parties(mapping);
        let aws = parties.iter().filter(|party| party.is_aws());
        aws.map(Party::location).collect()
    }

    fn parties<'a>(&'a self, mapping: &'a Mapping) -> Vec<Party<'a>> {
        let endpoints = &self.aws.endpoints;
        let named = |what: &str, arn: &'a Arn| Party {
            what: format!("{what} {}", arn.resource_name()),
            service: arn.service(),
            endpoint: endpoints.of_arn(arn),
        };
        let mut parties = Vec::new();
        parties.extend(mapping.source.arn().map(|arn| named("source", arn)));
        let name = mapping.function.name();
        let function = self.functions.get(name).or_else(|| self.functions.get("*"));
        if let Some(Some(called)) = function {
            parties.push(Party {
                what: format!("function {name}"),
                service: "lambda",
                endpoint: endpoints.of_function(called.endpoint.as_ref()),
            });
        }
        let on_failure = match &mapping.source {
            Source::Kinesis(kinesis) => kinesis.settings.on_failure.as_ref(),
            Source::DynamoDb(dynamodb) => dynamodb.settings.on_failure.as_ref(),
            _ => None,
        };
        parties.extend(on_failure.map(|on_failure| named("destination", on_failure.arn())));
        parties
    }

    /// Warns of what is mixed in a mapping, once.
    pub(crate) fn warn(&self, mapping: &Mapping) {
        if let Some(warning) = self.of(mapping) {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.insert(warning.clone()) {
                tracing::warn!("{warning}");
            }
        }
    }
}

/// Is asked before a source is called, whoever made the mapping, and has none.
#[async_trait]
impl SourceProvider for MixedEndpoints {
    async fn queue(&self, mapping: &Mapping) -> Result<Option<Arc<dyn QueueSource>>, SourceError> {
        self.warn(mapping);
        Ok(None)
    }

    async fn stream(
        &self,
        mapping: &Mapping,
    ) -> Result<Option<Arc<dyn StreamSource>>, SourceError> {
        self.warn(mapping);
        Ok(None)
    }
}
