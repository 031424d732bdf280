//! Settings of one HTTP function.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use lambda_esm_core::{setters, text};

use crate::error::ConfigError;
use crate::redact::Keys;

/// One HTTP function. [`new`](Self::new) fills in the defaults.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Where events are posted: an `http://` URL without user information.
    pub url: String,
    /// The function's timeout, from the connection to the last byte of the answer: 1 ms to 15 min.
    pub timeout: Duration,
    /// The most invocations at a time, 1 to 1,000. If `None`, any number; and 1 if the URL's path ends with
    /// `/invocations`, as of a runtime interface emulator, which dies of two.
    pub concurrency: Option<usize>,
    /// Headers of every request. They win over `Content-Type: application/json`; those that frame the
    /// message (`Host`, `Connection`, `Content-Length`, `Transfer-Encoding`) may not be given.
    pub headers: BTreeMap<String, String>,
}

setters!(HttpConfig {
    with_timeout sets timeout: Duration,
    with_concurrency sets concurrency: Option<usize>,
    with_headers sets headers: BTreeMap<String, String>,
});

impl HttpConfig {
    /// Long enough for a slow function, short enough for a queue's default visibility timeout (30 s).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
    const MAX_CONCURRENCY: usize = 1_000;

    /// Returns the settings of the function at `url` with defaults: timeout 30 s, no headers.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            timeout: Self::DEFAULT_TIMEOUT,
            concurrency: None,
            headers: BTreeMap::new(),
        }
    }

    pub(super) fn parse(&self) -> Result<(Uri, HeaderMap), ConfigError> {
        if !(Duration::from_millis(1)..=Duration::from_secs(900)).contains(&self.timeout) {
            let rule = "give 1 ms to 15 min (900 s)";
            return Err(ConfigError::new(
                "timeout",
                format!("{:?}", self.timeout),
                rule,
            ));
        }
        if let Some(concurrency) = self.concurrency
            && !(1..=Self::MAX_CONCURRENCY).contains(&concurrency)
        {
            let rule = format!("give 1 to {}", Self::MAX_CONCURRENCY);
            return Err(ConfigError::new(
                "concurrency",
                concurrency.to_string(),
                rule,
            ));
        }
        Ok((self.parse_url()?, self.parse_headers()?))
    }

    /// Tells whether the URL is that of a function's invocations, as the Lambda API has it.
    pub(super) fn is_lambda(&self) -> bool {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        path.ends_with("/invocations")
    }

    /// Returns how many invocations may be open at a time: [`concurrency`](Self::concurrency) or its default.
    #[must_use]
    pub fn most_at_a_time(&self) -> Option<usize> {
        self.concurrency.or_else(|| self.is_lambda().then_some(1))
    }

    fn parse_url(&self) -> Result<Uri, ConfigError> {
        let refuse = |rule: &str| ConfigError::new("url", text::url(&self.url), rule);
        let url: Uri = self.url.parse().map_err(|error| {
            refuse(&format!(
                "{error}; give a URL such as http://host:port/path"
            ))
        })?;
        match url.scheme_str() {
            Some("http") => {}
            Some("https") => {
                let rule = "https is not supported by http functions; give an http:// URL, for \
                            example of a local proxy that speaks TLS";
                return Err(refuse(rule));
            }
            _ => return Err(refuse("give a URL that starts with http://")),
        }
        match url.authority() {
            Some(authority) if authority.as_str().contains('@') => Err(refuse(
                "leave out user information; give an Authorization header in `headers`",
            )),
            Some(authority) if !authority.host().is_empty() => Ok(url),
            _ => Err(refuse("give a host")),
        }
    }

    /// Checks one header of [`headers`](Self::headers).
    ///
    /// # Errors
    /// Says what is wrong with it, and shows neither name nor value.
    pub fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
        Self::parse_header(name, value).map(drop)
    }

    fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
        let name = HeaderName::try_from(name)
            .map_err(|_| "has a name with characters that it may not hold")?;
        if [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            return Err(
                "is set by the client itself; leave out Host, Connection, Content-Length and \
                        Transfer-Encoding",
            );
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| "has a value with characters that it may not hold")?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    fn parse_headers(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            let (key, value) = Self::parse_header(name, value)
                .map_err(|rule| ConfigError::new("headers", format!("{name:?}"), rule))?;
            headers.insert(key, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpConfig")
            .field("url", &text::url(&self.url))
            .field("timeout", &self.timeout)
            .field("concurrency", &self.concurrency)
            .field("headers", &Keys(&self.headers))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        HttpConfig::new(url).parse().unwrap_err().to_string()
    }

    #[test]
    fn only_http_urls_with_a_host_are_taken() {
        assert!(HttpConfig::new("http://127.0.0.1:8080/").parse().is_ok());
        assert!(HttpConfig::new("http://[::1]:8080").parse().is_ok());
        assert!(refusal("https://host/").contains("https is not supported"));
        for url in [
            "",
            "host:80",
            "/path",
            "ftp://host/",
            "http://",
            "http://a b/",
        ] {
            assert!(refusal(url).starts_with("url "), "{url}");
        }
    }

    #[test]
    fn secrets_appear_neither_in_debug_nor_in_errors() {
        let mut config = HttpConfig::new("http://me:s3cret@host/");
        config
            .headers
            .insert("Authorization".to_owned(), "Bearer t0ken".to_owned());
        let debug = format!("{config:?}");
        assert!(
            debug.contains("Authorization") && debug.contains("host"),
            "{debug}"
        );
        assert!(
            !debug.contains("s3cret") && !debug.contains("t0ken"),
            "{debug}"
        );
        let error = config.parse().unwrap_err().to_string();
        assert!(
            error.contains("Authorization header") && !error.contains("s3cret"),
            "{error}"
        );
        config.url = "http://host/".to_owned();
        config
            .headers
            .insert("X-Key".to_owned(), "s3cret\n".to_owned());
        let error = config.parse().unwrap_err().to_string();
        assert!(
            error.contains("X-Key") && !error.contains("s3cret"),
            "{error}"
        );
    }

    #[test]
    fn headers_that_frame_the_message_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "connection",
            "bad name",
        ] {
            let mut config = HttpConfig::new("http://host/");
            config.headers.insert(name.to_owned(), "x".to_owned());
            assert_eq!(config.parse().unwrap_err().field, "headers", "{name}");
        }
    }

    #[test]
    fn a_timeout_must_be_positive_and_at_most_fifteen_minutes() {
        for timeout in [Duration::ZERO, Duration::from_secs(901)] {
            let config = HttpConfig {
                timeout,
                ..HttpConfig::new("http://host/")
            };
            assert_eq!(config.parse().unwrap_err().field, "timeout");
        }
    }
}
