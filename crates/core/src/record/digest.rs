//! The checksums that SQS gives with its messages.

use md5::{Digest as _, Md5};

/// Returns the lower-case hexadecimal MD5 of a body.
pub(super) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// A message attribute: its name, its type, the byte for the kind of its value (1 text, 2 binary), and the value.
pub(super) type Attribute<'a> = (&'a str, &'a str, u8, &'a [u8]);

/// Returns the MD5 of message attributes (SQS developer guide, "Calculating the MD5 message digest for message
/// attributes": sorted by name; each of name, type and value preceded by its length; a byte for the kind of value).
pub(super) fn of_attributes(mut attributes: Vec<Attribute<'_>>) -> String {
    attributes.sort_by_key(|(name, ..)| *name);
    let mut digest = Md5::new();
    for (name, data_type, kind, value) in attributes {
        add(&mut digest, name.as_bytes());
        add(&mut digest, data_type.as_bytes());
        digest.update([kind]);
        add(&mut digest, value);
    }
    hex(&digest.finalize())
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

    #[test]
    fn the_digest_of_attributes_equals_the_recorded_one() {
        let attributes = vec![
            ("Title", "String", 1, &b"The Whistler"[..]),
            ("Author", "String", 1, b"John Grisham"),
            ("WeeksOn", "Number", 1, b"6"),
        ];
        let digest = of_attributes(attributes);
        assert_eq!(digest, "d25a6aea97eb8f585bfa92d314504a92");
    }

    #[test]
    fn the_digest_of_a_body_is_its_md5() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
