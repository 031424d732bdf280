//! The tags of a mapping.

use std::collections::BTreeMap;

use super::error::ApiError;

/// How many tags a resource may have (Lambda developer guide, "Using tags on Lambda functions").
pub const MOST_TAGS: usize = 50;

/// Checks all tags that a mapping would have.
///
/// # Errors
/// `InvalidParameterValueException` if they are more than [`MOST_TAGS`].
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() <= MOST_TAGS {
        return Ok(());
    }
    let message = format!("Number of tags exceeds resource tag limit of {MOST_TAGS}.");
    Err(ApiError::invalid("Tags", message))
}

/// What the key and the value of a tag must match (Lambda API reference, `Tag`).
pub const TAG_PATTERN: &str = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)";

/// Tells whether a text matches [`TAG_PATTERN`]. Marks that belong to letters of some alphabets are taken as well.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_blanks_of_any_alphabet_and_eight_signs_are_taken() {
        for legal in [
            "",
            "team",
            "Größe 9 ½",
            "所有者",
            "a_b.c:d/e=f+g-h@i",
            "no\u{a0}break",
        ] {
            assert!(is_tag(legal), "{legal}");
        }
        for illegal in [
            "a|b", "<b>", "tab\t", "line\n", "\u{85}", "a\\b", "50%", "🙂", "\u{200b}",
        ] {
            assert!(!is_tag(illegal), "{illegal:?}");
        }
    }
}
