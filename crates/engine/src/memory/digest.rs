//! The checksums that SQS gives with its messages.

use md5::{Digest as _, Md5};

use lambda_esm_core::record::{AttributeValue, MessageAttribute};

/// Returns the lower-case hexadecimal MD5 of a body.
pub(crate) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// Returns the MD5 of message attributes, or `None` if there are none (SQS developer guide,
/// "Calculating the MD5 message digest for message attributes": sorted by name; each of name, type and
/// value preceded by its length; a byte for the kind of value).
pub(crate) fn of_attributes(attributes: &[(String, MessageAttribute)]) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut digest = Md5::new();
    for (name, attribute) in sorted {
        add(&mut digest, name.as_bytes());
        add(&mut digest, attribute.data_type.as_bytes());
        let (kind, value) = match &attribute.value {
            AttributeValue::Text(text) => (1u8, text.as_bytes()),
            AttributeValue::Binary(bytes) => (2u8, bytes.as_slice()),
        };
        digest.update([kind]);
        add(&mut digest, value);
    }
    Some(hex(&digest.finalize()))
}

fn add(digest: &mut Md5, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(part);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let written = write!(text, "{byte:02x}");
            debug_assert!(written.is_ok());
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(data_type: &str, value: &str) -> MessageAttribute {
        MessageAttribute {
            data_type: data_type.to_owned(),
            value: AttributeValue::Text(value.to_owned()),
        }
    }

    #[test]
    fn the_digest_of_attributes_equals_the_recorded_one() {
        let attributes = vec![
            ("Title".to_owned(), text("String", "The Whistler")),
            ("Author".to_owned(), text("String", "John Grisham")),
            ("WeeksOn".to_owned(), text("Number", "6")),
        ];
        let digest = of_attributes(&attributes);
        assert_eq!(digest.as_deref(), Some("d25a6aea97eb8f585bfa92d314504a92"));
    }

    #[test]
    fn the_digest_of_a_body_is_its_md5() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
