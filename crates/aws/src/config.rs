//! Where AWS is: region, account, and the endpoints that stand in for it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The services that are called, and how the variables of the environment name them.
const SERVICES: [(&str, &str); 7] = [
    ("sqs", "SQS"),
    ("kinesis", "KINESIS"),
    ("dynamodb", "DYNAMODB"),
    ("dynamodbstreams", "DYNAMODB_STREAMS"),
    ("sns", "SNS"),
    ("s3", "S3"),
    ("lambda", "LAMBDA"),
];

/// What the adapters need to know of the AWS they talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsConfig {
    /// The region of requests that name no ARN, e.g. `us-east-1`.
    pub region: String,
    /// The account of the mappings, 12 digits. Queues of another account are looked up by their owner.
    pub account_id: String,
    /// Where a service or a single ARN really lives.
    pub endpoints: Endpoints,
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

/// Endpoints that replace the real AWS. The most specific one wins: ARN, service, `aws`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For every service that has no endpoint of its own.
    pub aws: Option<EndpointUrl>,
    /// By service: `sqs`, `kinesis`, `dynamodbstreams` (or `dynamodb`), `sns`, `s3`, `lambda`.
    pub services: BTreeMap<String, EndpointUrl>,
    /// By the ARN of a queue, stream, table, topic, bucket or function. For a queue it may also be the
    /// whole queue URL.
    pub arns: BTreeMap<String, EndpointUrl>,
}

impl Endpoints {
    /// Returns the endpoint of `service` for the resource `arn`, or `None` for the real AWS.
    #[must_use]
    pub fn resolve(&self, service: &str, arn: Option<&str>) -> Option<&EndpointUrl> {
        self.resolve_first(&[service], arn)
    }

    /// Returns the endpoint of the first of `services` that has one, for the resource `arn`.
    pub(crate) fn resolve_first(
        &self,
        services: &[&str],
        arn: Option<&str>,
    ) -> Option<&EndpointUrl> {
        let mut services = services.iter();
        arn.and_then(|arn| self.arns.get(arn))
            .or_else(|| services.find_map(|service| self.services.get(*service)))
            .or(self.aws.as_ref())
    }

    /// Fills what is not set from `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL`, the variables
    /// that every AWS SDK reads (AWS SDKs and Tools reference guide, "Service-specific endpoints").
    ///
    /// An `aws` endpoint counts as set for every service. Empty values and
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` leave everything as it is.
    ///
    /// # Errors
    /// Fails if a variable holds no HTTP URL.
    pub fn with_environment(
        mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, EndpointError> {
        let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        if ignored.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(self);
        }
        let read = |name: &str| -> Result<Option<EndpointUrl>, EndpointError> {
            match variable(name) {
                Some(value) if !value.is_empty() => value.parse().map(Some),
                _ => Ok(None),
            }
        };
        if self.aws.is_some() {
            return Ok(self);
        }
        for (service, suffix) in SERVICES {
            let name = format!("AWS_ENDPOINT_URL_{suffix}");
            if let (false, Some(url)) = (self.services.contains_key(service), read(&name)?) {
                self.services.insert(service.to_owned(), url);
            }
        }
        self.aws = read("AWS_ENDPOINT_URL")?;
        Ok(self)
    }
}

/// The URL of an endpoint: `http://` or `https://`, a host, and possibly a port and a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointUrl {
    text: String,
    /// Where the path starts in `text`; its length if there is none.
    path: usize,
    host: String,
}

impl EndpointUrl {
    /// Returns the URL without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.text[..self.path]
    }

    /// Returns the path without a trailing slash; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// Tells whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.text.starts_with("https")
    }

    /// Tells whether the host is this machine: `localhost` and names below it, 127.0.0.0/8 or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                host == "localhost" || host.ends_with(".localhost")
            }
        }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let refuse = |rule| {
            Err(EndpointError {
                value: text.to_owned(),
                rule,
            })
        };
        let Ok(uri) = text.parse::<http::Uri>() else {
            return refuse("must be a URL such as http://127.0.0.1:9324");
        };
        let (Some("http" | "https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return refuse("must start with http:// or https:// and name a host");
        };
        if host.is_empty() {
            return refuse("must name a host");
        }
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        if authority.contains('@') {
            // The value is left out of the error, for it holds a password.
            return Err(EndpointError {
                value: "<with user>".to_owned(),
                rule: "must hold no user or password; use AWS credentials",
            });
        }
        if uri.query().is_some() {
            return refuse("must have no query");
        }
        let mut normal = format!("{}://{authority}", uri.scheme_str().unwrap_or("http"));
        let path = normal.len();
        normal.push_str(uri.path().trim_end_matches('/'));
        Ok(Self {
            text: normal,
            path,
            host: host.to_owned(),
        })
    }
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("endpoint `{value}` {rule}")]
pub struct EndpointError {
    /// The text refused.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> EndpointUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_most_specific_endpoint_wins() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
        let mut endpoints = Endpoints::default();
        assert_eq!(endpoints.resolve("sqs", Some(arn)), None);
        endpoints.aws = Some(url("http://all"));
        assert_eq!(
            endpoints.resolve("sqs", Some(arn)).unwrap().as_str(),
            "http://all"
        );
        endpoints
            .services
            .insert("sqs".to_owned(), url("http://sqs"));
        assert_eq!(
            endpoints.resolve("sqs", Some(arn)).unwrap().as_str(),
            "http://sqs"
        );
        assert_eq!(
            endpoints.resolve("lambda", None).unwrap().as_str(),
            "http://all"
        );
        endpoints.arns.insert(arn.to_owned(), url("http://one"));
        assert_eq!(
            endpoints.resolve("sqs", Some(arn)).unwrap().as_str(),
            "http://one"
        );
        assert_eq!(
            endpoints.resolve("sqs", Some("other")).unwrap().as_str(),
            "http://sqs"
        );
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for here in [
            "http://localhost:4566",
            "http://sqs.us-east-1.localhost:4566",
            "http://127.0.0.1",
            "https://127.8.9.10:1",
            "http://[::1]:9324",
        ] {
            assert!(url(here).is_loopback(), "{here}");
        }
        for there in [
            "http://10.0.0.1",
            "http://localhost.example.com",
            "https://sqs.us-east-1.amazonaws.com",
            "http://[2001:db8::1]:80",
            "http://127.example.com",
        ] {
            assert!(!url(there).is_loopback(), "{there}");
        }
    }

    #[test]
    fn an_endpoint_is_an_http_url_without_secrets() {
        for wrong in [
            "",
            "127.0.0.1:9324",
            "localhost",
            "ftp://x",
            "amqp://x:1",
            "http://x/?a=b",
        ] {
            assert!(wrong.parse::<EndpointUrl>().is_err(), "{wrong:?}");
        }
        let error = "http://me:hunter2@host".parse::<EndpointUrl>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let kept = url("http://127.0.0.1:9324/base/");
        assert_eq!(
            (kept.origin(), kept.path()),
            ("http://127.0.0.1:9324", "/base")
        );
        assert_eq!(kept.to_string(), "http://127.0.0.1:9324/base");
    }

    #[test]
    fn the_environment_only_fills_gaps() {
        let environment = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://all".to_owned()),
            "AWS_ENDPOINT_URL_LAMBDA" => Some("http://lambda".to_owned()),
            "AWS_ENDPOINT_URL_SQS" => Some(String::new()),
            _ => None,
        };
        let filled = Endpoints::default().with_environment(environment).unwrap();
        assert_eq!(filled.resolve("lambda", None), Some(&url("http://lambda")));
        assert_eq!(filled.resolve("sqs", None), Some(&url("http://all")));
        let own = Endpoints {
            aws: Some(url("http://own")),
            ..Endpoints::default()
        };
        let kept = own.clone().with_environment(environment).unwrap();
        assert_eq!(kept, own);
        let ignoring = |name: &str| match name {
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" => Some("true".to_owned()),
            other => environment(other),
        };
        let ignored = Endpoints::default().with_environment(ignoring).unwrap();
        assert_eq!(ignored, Endpoints::default());
        assert!(
            Endpoints::default()
                .with_environment(|_| Some("nonsense".to_owned()))
                .is_err()
        );
    }
}
