//! Bounded, printable pieces of what functions say.

use lambda_esm_core::text::{plain, without_secrets_of_urls};

/// Returns the first `limit` characters of `text`, as they may be shown.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    // Some more than is kept: a secret that the cut would tear from its URL is found in the whole.
    let read = &text[..text.floor_char_boundary(16 * limit)];
    let text = without_secrets_of_urls(read.trim());
    match text.char_indices().nth(limit) {
        None => plain(&text).into_owned(),
        Some((end, _)) => format!("{}…", plain(&text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_bounded_in_characters_and_holds_no_control_characters() {
        assert_eq!(excerpt(" ab\ncd ", 10), "ab\\ncd");
        assert_eq!(excerpt("ééééé", 3), "ééé…");
    }
}
