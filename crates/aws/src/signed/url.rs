//! URLs of AWS.

use std::fmt::Write;

use lambda_esm_core::mapping::Partition;

use crate::service_endpoint::ServiceEndpoint;

/// Returns the endpoint that AWS itself has for a service in a region, of the variant that is wanted (AWS general
/// reference, "AWS service endpoints").
pub(crate) fn aws_url(service: &str, endpoint: &ServiceEndpoint, region: &str) -> String {
    let variant = endpoint.variant;
    let partition = Partition::of_region(region);
    let fips = if variant.fips { "-fips" } else { "" };
    let suffix = if variant.dual_stack {
        partition.dual_stack_suffix
    } else {
        partition.dns_suffix
    };
    format!("https://{service}{fips}.{region}.{suffix}")
}

/// Encodes all but the unreserved characters of RFC 3986, as AWS wants it in a label and in a query.
pub(crate) fn push_encoded(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(url, "%{byte:02X}").unwrap_or_default();
        }
    }
}
