//! Signatures of requests (AWS IAM user guide, "AWS Signature Version 4"), in the `Authorization`
//! header. Query-string signatures and unsigned payloads are refused.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::Mac;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lambda_esm_core::Timestamp;
use lambda_esm_core::excerpt::cut;

use super::{canonical_request, forbidden, invalid_token, mac};
use crate::error::Fault;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "lambda";
const FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// How far a request's date may be from ours, either way.
const SKEW: Duration = Duration::from_secs(5 * 60);
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service documentation \
    for details.";

/// Lets a request pass if it is signed with one of the keys, for this Region, and now.
pub(super) fn check(
    keys: &BTreeMap<String, String>,
    region: &str,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Fault> {
    let (signature, secret) = check_head(keys, region, parts, now)?;
    if let Some(hash) = header(parts, "x-amz-content-sha256")
        && hash != canonical_request::hash(body)
    {
        return Err(invalid(
            "The value of 'x-amz-content-sha256' is not the SHA-256 of the request body; unsigned and \
             streamed payloads are not accepted.",
        ));
    }
    match canonical_request::of(parts, &signature.headers, body) {
        Some(canonical) if signature.fits(secret, &canonical) => Ok(()),
        _ => Err(invalid(MISMATCH)),
    }
}

/// Checks all but the signature itself, and returns it with the secret that must have made it.
pub(super) fn check_head<'a>(
    keys: &'a BTreeMap<String, String>,
    region: &str,
    parts: &'a Parts,
    now: Timestamp,
) -> Result<(Signature<'a>, &'a str), Fault> {
    let Some(authorization) = header(parts, AUTHORIZATION.as_str()) else {
        return Err(forbidden(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        ));
    };
    let date = header(parts, "x-amz-date");
    let signature = Signature::parse(authorization, date)
        .map_err(|problems| forbidden("IncompleteSignatureException", problems.join(" ")))?;
    let secret = keys.get(signature.key_id).ok_or_else(invalid_token)?;
    signature.check_scope(region)?;
    signature.check_date(now)?;
    if !signature.headers.contains(&"host") {
        return Err(invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    Ok((signature, secret))
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    forbidden("InvalidSignatureException", message)
}

/// What an `Authorization` header says.
pub(super) struct Signature<'a> {
    key_id: &'a str,
    /// `date/region/service/aws4_request`.
    scope: &'a str,
    headers: Vec<&'a str>,
    bytes: Vec<u8>,
    date: &'a str,
    time: Timestamp,
}

impl<'a> Signature<'a> {
    /// Parses the header; fails with all that is missing.
    fn parse(authorization: &'a str, date: Option<&'a str>) -> Result<Self, Vec<String>> {
        let Some(list) = authorization.strip_prefix(ALGORITHM) else {
            return Err(vec![format!(
                "Unsupported AWS 'algorithm': only {ALGORITHM} in the Authorization header is accepted."
            )]);
        };
        let parameters: BTreeMap<_, _> = list
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .collect();
        let mut problems = Vec::new();
        let mut parameter = |name: &str| {
            parameters.get(name).copied().or_else(|| {
                problems.push(format!("Authorization header requires '{name}' parameter."));
                None
            })
        };
        let credential = parameter("Credential").and_then(|text| text.split_once('/'));
        let signature = parameter("Signature").and_then(unhex);
        let headers = parameter("SignedHeaders");
        let time = date.and_then(parse_date);
        if time.is_none() {
            problems.push(format!(
                "Authorization header requires existence of an 'X-Amz-Date' header of the form {FORMAT}."
            ));
        }
        match (credential, signature, headers, date, time) {
            (Some((key_id, scope)), Some(bytes), Some(headers), Some(date), Some(time)) => {
                Ok(Self {
                    key_id,
                    scope,
                    headers: headers.split(';').collect(),
                    bytes,
                    date,
                    time,
                })
            }
            _ if problems.is_empty() => Err(vec![
                "Authorization header has a malformed 'Credential' or 'Signature' parameter."
                    .to_owned(),
            ]),
            _ => Err(problems),
        }
    }

    fn check_scope(&self, region: &str) -> Result<(), Fault> {
        let parts: Vec<_> = self.scope.split('/').collect();
        let &[day, for_region, service, end] = parts.as_slice() else {
            return Err(invalid(
                "Credential must have exactly 5 slash-delimited elements: \
                 key-id/YYYYMMDD/region/service/aws4_request.",
            ));
        };
        if for_region != region {
            return Err(invalid(format!(
                "Credential should be scoped to a valid region: '{region}', not '{}'.",
                cut(for_region)
            )));
        }
        if service != SERVICE {
            return Err(invalid(format!(
                "Credential should be scoped to correct service: '{SERVICE}'."
            )));
        }
        if end != "aws4_request" {
            return Err(invalid(format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{}'.",
                cut(end)
            )));
        }
        if !self.date.starts_with(day) || day.len() != 8 {
            return Err(invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
                 HTTP: '{}' != '{}', from '{}'.",
                cut(day),
                self.date.get(..8).unwrap_or_default(),
                cut(self.date)
            )));
        }
        Ok(())
    }

    fn check_date(&self, now: Timestamp) -> Result<(), Fault> {
        let (date, shown) = (self.date, show(now));
        let skew = i64::try_from(SKEW.as_millis()).unwrap_or(i64::MAX);
        if self.time.millis() < now.millis() - skew {
            let earliest = show(Timestamp(now.millis() - skew));
            return Err(invalid(format!(
                "Signature expired: {date} is now earlier than {earliest} ({shown} - 5 min.)"
            )));
        }
        if self.time.millis() > now.millis() + skew {
            let latest = show(now + SKEW);
            return Err(invalid(format!(
                "Signature not yet current: {date} is still later than {latest} ({shown} + 5 min.)"
            )));
        }
        Ok(())
    }

    /// Tells, in a time that does not depend on where they differ, whether the signature is the one
    /// that the secret makes of this canonical request.
    fn fits(&self, secret: &str, canonical: &str) -> bool {
        let (date, scope) = (self.date, self.scope);
        let hash = canonical_request::hash(canonical.as_bytes());
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{hash}");
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in scope.split('/') {
            key = mac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
        }
        mac(&key, text.as_bytes()).verify_slice(&self.bytes).is_ok()
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(FORMAT, text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp(time.timestamp().as_millisecond()))
}

fn show(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.millis())
        .map(|time| time.strftime(FORMAT).to_string())
        .unwrap_or_default()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "20231114T221320Z";
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn scoped(scope: &str) -> Signature<'_> {
        Signature {
            key_id: "AKID",
            scope,
            headers: vec!["host"],
            bytes: Vec::new(),
            date: DATE,
            time: NOW,
        }
    }

    #[test]
    fn dates_are_read_and_shown_in_the_basic_form() {
        assert_eq!(parse_date(DATE), Some(NOW));
        assert_eq!(show(NOW), DATE);
        for bad in [
            "",
            "2023-11-14T22:13:20Z",
            "20231314T221320Z",
            "20231114T221320",
        ] {
            assert_eq!(parse_date(bad), None);
        }
    }

    #[test]
    fn a_scope_must_be_of_this_day_region_and_service() {
        let ok = "20231114/us-east-1/lambda/aws4_request";
        assert!(scoped(ok).check_scope("us-east-1").is_ok());
        for (bad, text) in [
            ("20231114/eu-west-1/lambda/aws4_request", "valid region"),
            (
                "20231114/us-east-1/sqs/aws4_request",
                "correct service: 'lambda'",
            ),
            ("20231114/us-east-1/lambda/aws5", "valid terminator"),
            (
                "20231113/us-east-1/lambda/aws4_request",
                "'20231113' != '20231114'",
            ),
            ("2023/us-east-1/lambda/aws4_request", "'2023' != '20231114'"),
            ("20231114/us-east-1/lambda", "5 slash-delimited"),
        ] {
            let fault = format!("{:?}", scoped(bad).check_scope("us-east-1").unwrap_err());
            assert!(fault.contains(text), "{fault}");
        }
    }

    #[test]
    fn dates_more_than_five_minutes_off_are_refused() {
        let scope = "20231114/us-east-1/lambda/aws4_request";
        let at = |offset: i64| scoped(scope).check_date(Timestamp(NOW.millis() + offset));
        assert!(at(300_000).is_ok() && at(-300_000).is_ok());
        let old = format!("{:?}", at(300_001).unwrap_err());
        assert!(
            old.contains(
                "Signature expired: 20231114T221320Z is now earlier than 20231114T221320Z \
                 (20231114T221820Z - 5 min.)"
            ),
            "{old}"
        );
        let new = format!("{:?}", at(-300_001).unwrap_err());
        assert!(new.contains("Signature not yet current"), "{new}");
    }

    #[test]
    fn an_authorization_header_names_what_it_lacks() {
        let missing = Signature::parse("AWS4-HMAC-SHA256 Credential=a/b", None)
            .err()
            .unwrap();
        assert_eq!(missing.len(), 3, "{missing:?}");
        assert!(Signature::parse("Basic abc", Some(DATE)).is_err());
        let odd = "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=abc";
        assert!(Signature::parse(odd, Some(DATE)).err().unwrap()[0].contains("malformed"));
        assert_eq!(unhex("0aFf"), Some(vec![10, 255]));
        assert_eq!(unhex("é1"), None);
    }
}
