//! Settings of the API: where it listens, who may ask, and how much.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

/// Settings of [`serve`](crate::serve).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiOptions {
    /// The address of the listener. Without authentication it must be loopback.
    pub listen: SocketAddr,
    /// Who may ask.
    pub auth: Auth,
    /// How much one client may take.
    pub limits: ApiLimits,
}

impl ApiOptions {
    /// Returns settings for `listen` without authentication and with the default limits.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            auth: Auth::None,
            limits: ApiLimits::default(),
        }
    }

    /// Lets only those ask whom `auth` knows.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Bounds clients by `limits`.
    #[must_use]
    pub fn with_limits(mut self, limits: ApiLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Checks that nobody gets in who should not.
    ///
    /// # Errors
    /// Fails if others than this machine could ask without authentication, if the authentication could
    /// not succeed or would be empty, or if a limit lets nothing through.
    pub fn validate(&self) -> Result<(), OptionsError> {
        self.limits.validate()?;
        match &self.auth {
            Auth::None if !self.listen.ip().to_canonical().is_loopback() => {
                Err(OptionsError::Open(self.listen))
            }
            Auth::None => Ok(()),
            Auth::SigV4 { keys, .. } if keys.is_empty() => Err(OptionsError::NoKeys),
            Auth::SigV4 { keys, .. } => {
                match keys
                    .iter()
                    .find(|(id, secret)| id.is_empty() || secret.is_empty())
                {
                    Some((id, _)) => Err(OptionsError::EmptyKey(id.clone())),
                    None => Ok(()),
                }
            }
            Auth::Bearer { token } => {
                let legal = |byte: u8| byte.is_ascii_graphic();
                if token.is_empty() || !token.bytes().all(legal) {
                    return Err(OptionsError::Token);
                }
                Ok(())
            }
        }
    }
}

/// Why an API must not be served with these settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Others than this machine could ask without authentication.
    #[error(
        "api.listen {0} is not a loopback address and api.auth is not set: anyone who reaches it could \
         change mappings; listen on 127.0.0.1, or set api.auth to sigv4 or bearer"
    )]
    Open(SocketAddr),
    /// SigV4 without keys.
    #[error("api.auth sigv4 has no keys: nobody could sign; add an access key id and its secret")]
    NoKeys,
    /// SigV4 with an empty key.
    #[error("api.auth sigv4 has an empty access key id or secret (id `{0}`)")]
    EmptyKey(String),
    /// A limit of zero.
    #[error("limit {0} is 0, which lets nothing through; raise it")]
    Zero(&'static str),
    /// A bearer token that no header can carry.
    #[error("api.auth bearer needs a token of one or more visible ASCII characters without blanks")]
    Token,
}

/// Who may ask. Its debug form shows no secret.
#[derive(Clone)]
#[non_exhaustive]
pub enum Auth {
    /// Every process of this machine; only where the listener is loopback.
    None,
    /// Clients that sign their requests (AWS IAM user guide, "AWS Signature Version 4"), as SDKs do.
    #[non_exhaustive]
    SigV4 {
        /// Secret access keys by access key id.
        keys: BTreeMap<String, String>,
        /// The Region that signatures must be made for.
        region: String,
    },
    /// Clients that know a token (RFC 6750).
    #[non_exhaustive]
    Bearer {
        /// The token.
        token: String,
    },
}

impl Auth {
    /// Returns authentication by signatures for `region`, made with one of these pairs of access key id and
    /// secret access key.
    pub fn sigv4<I: Into<String>, S: Into<String>>(
        keys: impl IntoIterator<Item = (I, S)>,
        region: impl Into<String>,
    ) -> Self {
        let owned = |(id, secret): (I, S)| (id.into(), secret.into());
        Self::SigV4 {
            keys: keys.into_iter().map(owned).collect(),
            region: region.into(),
        }
    }

    /// Returns authentication by a token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::Bearer {
            token: token.into(),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::SigV4 { keys, region } => f
                .debug_struct("SigV4")
                .field("keys", &keys.keys().collect::<Vec<_>>())
                .field("region", region)
                .finish_non_exhaustive(),
            Self::Bearer { .. } => f.debug_struct("Bearer").finish_non_exhaustive(),
        }
    }
}

/// What one client may take of the server. The [default](Self::default) suits most; its fields can be set one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiLimits {
    /// The largest body in bytes. The largest legal request is far below the default of 1 MiB.
    pub body_bytes: usize,
    /// The largest request line and headers in bytes, together; at least 8,192. Default 32 KiB.
    pub header_bytes: usize,
    /// The largest number of headers. Default 100.
    pub headers: usize,
    /// How long a client may take to send its headers, also how long an idle connection is kept.
    /// Default 10 s.
    pub header_timeout: Duration,
    /// How long a client may take to send its body, and then the server to answer. Default 30 s.
    pub request_timeout: Duration,
    /// How long a client may leave what it is sent unread. Default 30 s.
    pub write_timeout: Duration,
    /// How many connections are served at a time. For one more, that is closed which has longest waited for its
    /// client, first of those that have sent no request yet that was let in. Default 512.
    pub connections: usize,
    /// How many requests are worked on at a time; more are refused. Fewer than `connections`, less
    /// `event_streams`: otherwise new connections may have to wait. Default 128.
    pub requests: usize,
    /// How many bytes of requests that have not all come, and of answers that were not read, are held for all
    /// clients together. For more, connections are closed that have longest left theirs lying. Default 32 MiB.
    pub held_bytes: usize,
    /// How many event streams are served at a time; more are refused; 0
    /// for none. Default 64.
    pub event_streams: usize,
    /// How often a silent event stream carries a comment. Default 15 s.
    pub heartbeat: Duration,
}

impl ApiLimits {
    fn validate(&self) -> Result<(), OptionsError> {
        let zeros = [
            ("body_bytes", self.body_bytes == 0),
            ("header_bytes", self.header_bytes == 0),
            ("headers", self.headers == 0),
            ("header_timeout", self.header_timeout.is_zero()),
            ("request_timeout", self.request_timeout.is_zero()),
            ("write_timeout", self.write_timeout.is_zero()),
            ("connections", self.connections == 0),
            ("requests", self.requests == 0),
            ("held_bytes", self.held_bytes == 0),
            ("heartbeat", self.heartbeat.is_zero()),
        ];
        match zeros.iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(OptionsError::Zero(name)),
            None => Ok(()),
        }
    }
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            header_bytes: 32 * 1024,
            headers: 100,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            connections: 512,
            requests: 128,
            held_bytes: 32 * 1024 * 1024,
            event_streams: 64,
            heartbeat: Duration::from_secs(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(listen: &str, auth: Auth) -> ApiOptions {
        ApiOptions::new(listen.parse().unwrap()).with_auth(auth)
    }

    fn keys(keys: &[(&'static str, &'static str)]) -> Auth {
        Auth::sigv4(keys.iter().copied(), "us-east-1")
    }

    #[test]
    fn only_loopback_may_be_open() {
        for open in [
            "0.0.0.0:1",
            "192.168.1.7:1",
            "[::]:1",
            "[2001:db8::1]:1",
            "[::ffff:10.0.0.1]:1",
        ] {
            let error = listening(open, Auth::None).validate().unwrap_err();
            assert_eq!(error, OptionsError::Open(open.parse().unwrap()));
            listening(open, Auth::bearer("t")).validate().unwrap();
            listening(open, keys(&[("id", "secret")]))
                .validate()
                .unwrap();
        }
        for loopback in [
            "127.0.0.1:1",
            "127.8.8.8:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            listening(loopback, Auth::None).validate().unwrap();
        }
    }

    #[test]
    fn authentication_that_could_not_succeed_or_is_empty_is_refused() {
        let check = |auth| listening("127.0.0.1:1", auth).validate().unwrap_err();
        assert_eq!(check(keys(&[])), OptionsError::NoKeys);
        assert_eq!(
            check(keys(&[("id", "")])),
            OptionsError::EmptyKey("id".to_owned())
        );
        for bad in ["", "a b", "schlüssel"] {
            assert_eq!(check(Auth::bearer(bad)), OptionsError::Token);
        }
    }

    #[test]
    fn a_limit_that_lets_nothing_through_is_refused() {
        let mut options = listening("127.0.0.1:1", Auth::None);
        options.limits.heartbeat = Duration::ZERO;
        assert_eq!(options.validate(), Err(OptionsError::Zero("heartbeat")));
        options.limits = ApiLimits {
            connections: 0,
            ..ApiLimits::default()
        };
        assert_eq!(options.validate(), Err(OptionsError::Zero("connections")));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!(
            "{:?} {:?}",
            listening("127.0.0.1:1", keys(&[("AKID", "geheim")])),
            Auth::bearer("geheim")
        );
        assert!(
            shown.contains("AKID") && !shown.contains("geheim"),
            "{shown}"
        );
    }
}
