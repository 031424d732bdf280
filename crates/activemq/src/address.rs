//! Where brokers are.

use std::fmt;
use std::str::FromStr;

/// The endpoints of a broker, and of those that stand in for it: `amqp://host:port` or `amqp+ssl://host:port`, separated by
/// commas, in the order in which they are tried. The port may be left out: it is then 5672, and 5671 with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerAddress {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) root_ca: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    /// A name or an IP address, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A text is no address of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be amqp://host:port or amqp+ssl://host:port, or several of them separated by commas, such as \
     amqp+ssl://b-1.example.com:5671; OpenWire (tcp://, ssl://) is not spoken"
)]
#[non_exhaustive]
pub struct BrokerAddressError;

impl BrokerAddress {
    /// Trusts the certificate authorities in this PEM text, and no others. Without, those count that the machine trusts.
    #[must_use]
    pub fn with_root_ca(mut self, pem: impl Into<String>) -> Self {
        self.root_ca = Some(pem.into());
        self
    }
}

impl FromStr for BrokerAddress {
    type Err = BrokerAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let endpoints = text.split(',').map(|one| one.trim().parse());
        let endpoints = endpoints.collect::<Result<_, _>>()?;
        Ok(Self {
            endpoints,
            root_ca: None,
        })
    }
}

impl fmt::Display for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{endpoint}")?;
        }
        Ok(())
    }
}

impl FromStr for Endpoint {
    type Err = BrokerAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, place) = text.split_once("://").ok_or(BrokerAddressError)?;
        let tls = match scheme {
            "amqp" => false,
            "amqp+ssl" | "amqps" => true,
            _ => return Err(BrokerAddressError),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or(BrokerAddressError)?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| BrokerAddressError)?,
            None if port.is_empty() => 5672 - u16::from(tls),
            None => return Err(BrokerAddressError),
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if host.is_empty() || !host.bytes().all(legal) || port == 0 {
            return Err(BrokerAddressError);
        }
        let host = host.to_owned();
        Ok(Self { tls, host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, host, port } = self;
        f.write_str(if *tls { "amqp+ssl://" } else { "amqp://" })?;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_shown_in_full() {
        for (text, shown) in [
            ("amqp://b-1", "amqp://b-1:5672"),
            (
                "amqp+ssl://b-1.example.com",
                "amqp+ssl://b-1.example.com:5671",
            ),
            (
                "amqps://[::1]:7, amqp://b:8",
                "amqp+ssl://[::1]:7,amqp://b:8",
            ),
        ] {
            let address: BrokerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            "b-1",
            "b-1:5672",
            "ssl://b-1:61617",
            "tcp://b-1:61616",
            "amqp://",
            "amqp://b:0",
            "amqp://b:x",
            "amqp://b:65536",
            "amqp://u:p@b:1",
            "amqp://b/queue",
            "amqp://[::1",
            "amqp://[::1]x",
            "amqp://b,",
            "amqp://b c",
        ] {
            assert_eq!(
                text.parse::<BrokerAddress>(),
                Err(BrokerAddressError),
                "{text}"
            );
        }
    }
}
