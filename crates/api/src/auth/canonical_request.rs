//! The canonical form of a request, which a signature is made over (AWS IAM user guide, "Create a
//! signed AWS API request").
//!
//! Not that of `aws-sigv4`, which is made to sign requests of one's own: where a query is no UTF-8, different ones
//! have one form; without a host it panics; and it always signs `x-amz-date`, which a client need not.

use std::fmt::Write as _;

use http::request::Parts;
use percent_encoding::percent_encode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// All but letters, digits, `-`, `.`, `_` and `~`.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// As [`COMPONENT`], but slashes stay.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// Returns the canonical request; `None` if a signed header is missing.
pub(super) fn of(parts: &Parts, signed: &[&str], body: &[u8]) -> Option<String> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        parts.method,
        path(parts.uri.path()),
        query(parts.uri.query().unwrap_or_default()),
    );
    for name in signed {
        let mut values = parts.headers.get_all(*name).iter().peekable();
        values.peek()?;
        text.push_str(name);
        text.push(':');
        for (index, value) in values.enumerate() {
            if index > 0 {
                text.push(',');
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let words: Vec<_> = value.split_ascii_whitespace().collect();
            text.push_str(&words.join(" "));
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed.join(";"));
    text.push('\n');
    text.push_str(&hash(body));
    Some(text)
}

/// Returns the SHA-256 in lowercase hexadecimal digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            write!(text, "{byte:02x}").unwrap_or_default();
            text
        })
}

/// Encodes the path as it came, which encodes it twice, after removal of empty and dot segments. Every
/// service but S3 does so.
fn path(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    let path = format!("/{}{end}", kept.join("/"));
    utf8_percent_encode(&path, PATH).to_string()
}

/// Encodes every name and value once, and sorts them. A plus is a blank, as it is for who reads the query.
fn query(query: &str) -> String {
    let component = |text: &str| {
        let text = text.replace('+', " ");
        let decoded: Vec<u8> = percent_decode_str(&text).collect();
        percent_encode(&decoded, COMPONENT).to_string()
    };
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (component(name), component(value))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_twice_without_dots_and_empty_segments() {
        assert_eq!(path("/"), "/");
        assert_eq!(path("/a/./b//../c/"), "/a/c/");
        assert_eq!(path("/tags/arn%3Aaws:x"), "/tags/arn%253Aaws%3Ax");
        assert_eq!(path("/../../a"), "/a");
    }

    #[test]
    fn queries_are_sorted_with_each_part_encoded_once() {
        assert_eq!(query("b=2&a=x%3ay&a=%20&flag&"), "a=%20&a=x%3Ay&b=2&flag=");
        assert_eq!(query("a=b+c&a=b%2Bc"), "a=b%20c&a=b%2Bc");
    }

    #[test]
    fn header_values_lose_surplus_blanks_and_join_by_comma() {
        let (parts, ()) = http::Request::builder()
            .uri("/")
            .header("host", "h")
            .header("x", " a   b ")
            .header("x", "c")
            .body(())
            .unwrap()
            .into_parts();
        let text = of(&parts, &["host", "x"], b"").unwrap();
        assert_eq!(
            text,
            "GET\n/\n\nhost:h\nx:a b,c\n\nhost;x\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert!(of(&parts, &["y"], b"").is_none());
    }
}
