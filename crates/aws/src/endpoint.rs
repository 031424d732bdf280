//! The URL of an endpoint.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use lambda_esm_core::mapping::Partition;
use lambda_esm_core::text;

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

    /// Returns the endpoint without its path.
    pub(crate) fn without_path(&self) -> Self {
        Self {
            text: self.origin().to_owned(),
            path: self.path,
            host: self.host.clone(),
        }
    }

    /// Tells whether the host is AWS's own, in any partition: a regional endpoint, one of a VPC. Whatever
    /// has another name stands in for AWS, also `localstack` and `host.docker.internal`.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        Partition::owns_host(&self.host)
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
                value: text::url(text).into_owned(),
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
    /// The text refused, without what may be secret.
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
    fn whatever_is_not_named_as_aws_names_its_hosts_stands_in_for_it() {
        for aws in [
            "https://sqs.us-east-1.amazonaws.com",
            "https://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com",
            "https://lambda.us-iso-east-1.c2s.ic.gov:443/",
            "https://sqs.eu-west-1.api.aws",
        ] {
            assert!(url(aws).is_aws(), "{aws}");
        }
        for other in [
            "http://localhost:4566",
            "http://localstack:4566",
            "http://host.docker.internal:4566",
            "https://sqs.us-east-1.localhost.localstack.cloud:4566",
            "https://amazonaws.com.example",
        ] {
            assert!(!url(other).is_aws(), "{other}");
        }
    }
}
