//! Bounded, printable pieces of what functions say.

/// Returns the first `limit` characters of `text`, with control characters replaced by spaces.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let mut characters = text.trim().chars();
    let mut out: String = characters
        .by_ref()
        .take(limit)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_bounded_in_characters_and_holds_no_control_characters() {
        assert_eq!(excerpt(" ab\ncd ", 10), "ab cd");
        assert_eq!(excerpt("ééééé", 3), "ééé…");
    }
}
