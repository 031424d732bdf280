//! Where AWS is: region, account, and the endpoints that stand in for it.

use std::collections::BTreeMap;

use lambda_esm_core::mapping::Arn;
use lambda_esm_core::setters;

use crate::endpoint::EndpointUrl;
use crate::environment::{AwsEnvironment, AwsEnvironmentError};
#[cfg(any(feature = "signed", feature = "sdk"))]
use crate::service_endpoint::ServiceEndpoint;

/// What the adapters need to know of the AWS they talk to.
///
/// Nothing else is asked: without an endpoint here a service is the real one.
/// [`from_environment`](Self::from_environment) is what AWS's own tools begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsConfig {
    /// The region of requests that name no ARN, e.g. `us-east-1`.
    pub region: String,
    /// The account of the mappings, 12 digits. Queues of another account are looked up by their owner.
    pub account_id: String,
    /// Where a service or a single ARN really lives.
    pub endpoints: Endpoints,
}

setters!(AwsConfig {
    with_region sets region: String,
    with_account_id sets account_id: String,
    with_endpoints sets endpoints: Endpoints,
});

impl AwsConfig {
    /// Returns the region and the endpoints that the environment and the AWS profile name.
    ///
    /// # Errors
    /// Fails if one of them is no endpoint.
    pub async fn from_environment() -> Result<Self, AwsEnvironmentError> {
        let environment = AwsEnvironment::load().await?;
        let mut config = Self::default();
        if let Some((region, _)) = environment.region() {
            region.clone_into(&mut config.region);
        }
        config.endpoints.environment = environment;
        Ok(config)
    }

    /// Returns where the service of `arn` is called for what that names.
    #[cfg(feature = "sdk")]
    pub(crate) fn service_endpoint(&self, arn: &Arn) -> ServiceEndpoint {
        let region = match arn.region() {
            "" => &self.region,
            region => region,
        };
        self.at(self.endpoints.of_arn(arn), region)
    }

    /// Returns where a service is called in a region, the configured one if none is named.
    #[cfg(feature = "identity")]
    pub(crate) fn regional_endpoint(&self, service: &str, region: Option<&str>) -> ServiceEndpoint {
        let url = self.endpoints.of_services(&[service]);
        self.at(url, region.unwrap_or(&self.region))
    }

    /// Returns where functions are called in a region; `endpoint` is the one of a single function.
    #[cfg(feature = "lambda")]
    pub(crate) fn lambda_endpoint(
        &self,
        endpoint: Option<&EndpointUrl>,
        region: &str,
    ) -> ServiceEndpoint {
        self.at(self.endpoints.of_function(endpoint), region)
    }

    #[cfg(any(feature = "signed", feature = "sdk"))]
    fn at(&self, url: Option<(&EndpointUrl, String)>, region: &str) -> ServiceEndpoint {
        ServiceEndpoint {
            region: region.to_owned(),
            url: url.map(|(url, _)| url.clone()),
            variant: self.endpoints.environment.variant(),
        }
    }
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            endpoints: Endpoints::default(),
        }
    }
}

/// Endpoints that replace the real AWS, for all clients alike. What is configured wins: by ARN, by service,
/// `aws`; then the environment, then the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// For every service that has no endpoint of its own.
    pub aws: Option<EndpointUrl>,
    /// By service: `sqs`, `kinesis`, `dynamodbstreams` (or `dynamodb`), `sns`, `s3`, `lambda`,
    /// `secretsmanager`, `sts`, `kafka` (the API of Amazon MSK, not its brokers).
    pub services: BTreeMap<String, EndpointUrl>,
    /// By the ARN of a queue, stream, table, topic, bucket or function. For a queue it may also be the
    /// whole queue URL.
    pub arns: BTreeMap<String, EndpointUrl>,
    /// For what is not configured.
    pub environment: AwsEnvironment,
}

setters!(Endpoints {
    with_aws sets aws: Option<EndpointUrl>,
    with_services sets services: BTreeMap<String, EndpointUrl>,
    with_arns sets arns: BTreeMap<String, EndpointUrl>,
    with_environment sets environment: AwsEnvironment,
});

impl Endpoints {
    /// Returns the endpoint for what `arn` names, and who named it; `None` for the real AWS.
    ///
    /// A consumer is where its stream is, and the stream of a table where the table is: a table gets another
    /// stream whenever its stream is switched off and on. DynamoDB has one endpoint for its streams on AWS;
    /// servers that stand in for it answer for both on one.
    #[must_use]
    pub fn of_arn(&self, arn: &Arn) -> Option<(&EndpointUrl, String)> {
        let text = arn.as_str();
        let (services, part): (&[&str], _) = match arn.service() {
            "dynamodb" => (&["dynamodbstreams", "dynamodb"], "/stream/"),
            "kinesis" => (&["kinesis"], "/consumer/"),
            service => return self.find(&[service], &[text]),
        };
        let whole = text.split_once(part).map_or(text, |(whole, _)| whole);
        self.find(services, &[text, whole])
    }

    /// Returns the endpoint where functions are called, and who named it; `None` for the real AWS. `own` is
    /// the one of a single function.
    #[must_use]
    pub fn of_function<'a>(
        &'a self,
        own: Option<&'a EndpointUrl>,
    ) -> Option<(&'a EndpointUrl, String)> {
        let own = own.map(|own| (own, "endpoint of the function".to_owned()));
        own.or_else(|| self.of_services(&["lambda"]))
    }

    /// Returns the endpoint of the first of `services` that has one, and who named it.
    #[must_use]
    pub fn of_services(&self, services: &[&str]) -> Option<(&EndpointUrl, String)> {
        self.find(services, &[])
    }

    fn find(&self, services: &[&str], arns: &[&str]) -> Option<(&EndpointUrl, String)> {
        let own = arns.iter().find_map(|arn| self.arns.get(*arn));
        if let Some(endpoint) = own {
            return Some((endpoint, "endpoints.arns".to_owned()));
        }
        for service in services {
            if let Some(endpoint) = self.services.get(*service) {
                return Some((endpoint, format!("endpoints.{service}")));
            }
        }
        if let Some(endpoint) = &self.aws {
            return Some((endpoint, "endpoints.aws".to_owned()));
        }
        self.environment.endpoint(services)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> EndpointUrl {
        text.parse().unwrap()
    }

    fn found(endpoints: &Endpoints, arn: &str) -> (String, String) {
        let arn = Arn::parse(arn).unwrap();
        let found = endpoints.of_arn(&arn);
        found.map_or_else(Default::default, |(endpoint, origin)| {
            (endpoint.to_string(), origin)
        })
    }

    #[test]
    fn the_most_specific_endpoint_wins() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
        let mut endpoints = Endpoints::default();
        let expect = |endpoints: &Endpoints, endpoint: &str, origin: &str| {
            let expected = (endpoint.to_owned(), origin.to_owned());
            assert_eq!(found(endpoints, arn), expected);
        };
        expect(&endpoints, "", "");
        endpoints.aws = Some(url("http://all"));
        expect(&endpoints, "http://all", "endpoints.aws");
        let services = &mut endpoints.services;
        services.insert("sqs".to_owned(), url("http://sqs"));
        expect(&endpoints, "http://sqs", "endpoints.sqs");
        endpoints.arns.insert(arn.to_owned(), url("http://one"));
        expect(&endpoints, "http://one", "endpoints.arns");
        let lambda = endpoints.of_function(None).unwrap();
        assert_eq!(lambda.0.as_str(), "http://all");
        let own = url("http://own");
        let lambda = endpoints.of_function(Some(&own)).unwrap();
        assert_eq!(lambda.0.as_str(), "http://own");
    }

    #[test]
    fn a_table_has_its_streams_and_a_stream_its_consumers_at_its_endpoint() {
        let table = "arn:aws:dynamodb:us-east-1:000000000000:table/t";
        let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let (first, second) = (format!("{table}/stream/1"), format!("{table}/stream/2"));
        let mut endpoints = Endpoints::default();
        for (arn, endpoint) in [
            (table, "http://table"),
            (&second, "http://second"),
            (stream, "http://stream"),
        ] {
            endpoints.arns.insert(arn.to_owned(), url(endpoint));
        }
        let services = &mut endpoints.services;
        services.insert("dynamodb".to_owned(), url("http://service"));
        let other = "arn:aws:dynamodb:us-east-1:000000000000:table/other/stream/1";
        for (arn, endpoint) in [
            (first, "http://table"),
            (second, "http://second"),
            (other.to_owned(), "http://service"),
            (format!("{stream}/consumer/c:1"), "http://stream"),
        ] {
            assert_eq!(found(&endpoints, &arn).0, endpoint, "{arn}");
        }
    }
}
