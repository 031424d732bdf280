//! Where a service is called.

use std::fmt;

use crate::endpoint::EndpointUrl;
use crate::environment::Variant;

/// AWS in a region, or the endpoint that stands there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServiceEndpoint {
    /// The region that requests are signed for.
    pub(crate) region: String,
    /// `None` for the endpoint that AWS has in the region.
    pub(crate) url: Option<EndpointUrl>,
    /// Which of AWS's endpoints that is.
    pub(crate) variant: Variant,
}

impl ServiceEndpoint {
    /// Returns what stands in for AWS at a URL.
    #[cfg(test)]
    pub(crate) fn at(url: &str) -> Self {
        Self {
            region: "us-east-1".to_owned(),
            url: Some(url.parse().unwrap()),
            variant: Variant::default(),
        }
    }

    /// Tells whether this is AWS itself, and nothing that stands in for it. What stands in may be less
    /// exact, and is never worth a call elsewhere.
    pub(crate) fn is_aws(&self) -> bool {
        self.url.as_ref().is_none_or(EndpointUrl::is_aws)
    }

    /// Tells whether connections are encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.as_ref().is_none_or(EndpointUrl::is_tls)
    }

    /// Tells whether connections stay on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.url.as_ref().is_some_and(EndpointUrl::is_loopback)
    }
}

/// Says where that is, after a service's name: `at http://127.0.0.1:9324`, `in us-east-1`.
impl fmt::Display for ServiceEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) => write!(f, "at {url}"),
            None => write!(f, "in {}", self.region),
        }
    }
}
