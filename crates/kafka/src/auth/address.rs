//! Where the brokers of an Amazon MSK cluster really are, as a configuration says.

use std::fmt;
use std::str::FromStr;

/// Brokers that stand where an Amazon MSK cluster is: `host:port[,host:port…]`, in front of which may stand what kind of
/// listener that is: `plaintext://`, `tls://`, `sasl_ssl://` (user name and password) or `iam://`.
///
/// Without that it follows from the mapping: TLS with a client certificate, `sasl_ssl://` with user name and password,
/// and `plaintext://` where it names no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClusterAddress {
    pub(super) listener: Option<ListenerKind>,
    pub(super) servers: String,
}

/// What a listener asks of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ListenerKind {
    Plaintext,
    Tls,
    SaslSsl,
    Iam,
}

impl ListenerKind {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Tls, Self::SaslSsl, Self::Iam];

    /// Returns what stands in front of the servers.
    pub(super) const fn scheme(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext://",
            Self::Tls => "tls://",
            Self::SaslSsl => "sasl_ssl://",
            Self::Iam => "iam://",
        }
    }
}

impl FromStr for ClusterAddress {
    type Err = ClusterAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = ListenerKind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.scheme())?)));
        let (listener, servers) = match named {
            Some((kind, servers)) => (Some(kind), servers),
            None => (None, text),
        };
        let is_server = |server: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
            server.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty()
                    && host.bytes().all(legal)
                    && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        if servers.split(',').all(is_server) {
            let servers = servers.to_owned();
            return Ok(Self { listener, servers });
        }
        Err(ClusterAddressError)
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listener.map_or("", ListenerKind::scheme))?;
        f.write_str(&self.servers)
    }
}

/// A text is no address of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be host:port[,host:port] such as 127.0.0.1:9092, and may begin with plaintext://, tls://, sasl_ssl:// or \
     iam://"
)]
#[non_exhaustive]
pub struct ClusterAddressError;
