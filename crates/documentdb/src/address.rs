//! Where a cluster is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lambda_esm_core::text;

const SCHEME: &str = "mongodb://";

/// The address of a cluster: `mongodb://host[:port][,host[:port]…][/[authSource][?options]]` with the options of MongoDB's
/// connection strings, as `replicaSet`, `tls`, `tlsCAFile`, `directConnection`, `authSource`.
///
/// User name and password are those of the mapping's secret; others in the address are not used. They and the options are
/// never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClusterAddress {
    url: String,
    /// The certificate authorities of the servers, in PEM.
    pub(crate) root_ca: Option<Arc<str>>,
}

impl ClusterAddress {
    /// Returns the same address, whose servers have certificates of these authorities alone, in PEM; they speak TLS.
    #[must_use]
    pub fn with_root_ca(self, pem: impl Into<Arc<str>>) -> Self {
        Self {
            root_ca: Some(pem.into()),
            ..self
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the servers without options or users.
    pub(crate) fn hosts(&self) -> &str {
        let rest = self.url.strip_prefix(SCHEME).unwrap_or(&self.url);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let hosts = &rest[..end];
        hosts.rsplit_once('@').map_or(hosts, |(_, hosts)| hosts)
    }
}

impl FromStr for ClusterAddress {
    type Err = ClusterAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = Self {
            url: text.to_owned(),
            root_ca: None,
        };
        if text.starts_with(SCHEME) && !address.hosts().is_empty() {
            return Ok(address);
        }
        Err(ClusterAddressError)
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::url(&self.url))
    }
}

impl fmt::Debug for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no address of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be mongodb://host[:port][,host[:port]…][/?options] such as mongodb://127.0.0.1:27017/?replicaSet=rs0"
)]
#[non_exhaustive]
pub struct ClusterAddressError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_neither_user_nor_password() {
        let address: ClusterAddress = "mongodb://me:s3cret@a:1,b:2/admin?tls=true&x=s3cret"
            .parse()
            .unwrap();
        assert_eq!(address.hosts(), "a:1,b:2");
        for shown in [address.to_string(), format!("{address:?}")] {
            assert!(
                !shown.contains("s3cret") && shown.contains("b:2"),
                "{shown}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "127.0.0.1:27017",
            "mongodb://",
            "mongodb+srv://a.example.com",
            "mongodb://u:p@/x",
        ] {
            assert_eq!(
                text.parse::<ClusterAddress>(),
                Err(ClusterAddressError),
                "{text}"
            );
        }
    }
}
