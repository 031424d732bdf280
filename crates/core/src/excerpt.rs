//! Texts of others within our own: cut, so that an answer is not many times as long as what it answers.

use std::fmt::{self, Display, Write};

use crate::text;

/// The longest text that is kept of what comes from outside, in bytes: in status, logs and decisions.
pub const LONGEST_TEXT: usize = 1_000;

/// How many characters are shown of one value: more than any legal ARN of a queue, a stream, its consumer or a
/// table's stream has.
pub const LONGEST_VALUE: usize = 400;
/// How many bytes a message has at most: ten values of that length with what is wrong with them.
pub const LONGEST_MESSAGE: usize = 8 * 1024;

/// Returns the beginning of a text that comes from outside, as it may be shown, at most `longest` bytes and a
/// mark. Control characters are escaped, and URLs lose what may be secret; see [`text`](crate::text).
#[must_use]
pub fn excerpt(text: &str, longest: usize) -> String {
    // Much more is looked at than is kept: a secret that the cut would tear from its URL is found in the whole.
    let read = &text[..text.floor_char_boundary(16 * longest)];
    let shown = text::without_secrets_of_urls(read);
    let mut shown = text::plain(&shown).into_owned();
    if shown.len() > longest {
        shown.truncate(shown.floor_char_boundary(longest));
        shown.push('…');
        shown.shrink_to_fit();
    }
    shown
}

/// Shows the beginning of a value of any length, and how long it is if that is not all of it.
pub const fn cut<T: Display>(value: T) -> Cut<T> {
    Cut(value)
}

/// See [`cut`].
#[derive(Clone, Copy, Debug)]
pub struct Cut<T>(T);

impl<T: Display> Display for Cut<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut beginning = Beginning { out, characters: 0 };
        write!(beginning, "{}", self.0)?;
        match beginning.characters {
            ..=LONGEST_VALUE => Ok(()),
            characters => write!(out, "... ({characters} characters)"),
        }
    }
}

/// Passes on the beginning, and counts all.
struct Beginning<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    characters: usize,
}

impl Write for Beginning<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = LONGEST_VALUE.saturating_sub(self.characters);
        self.characters += text.chars().count();
        let end = text
            .char_indices()
            .nth(left)
            .map_or(text.len(), |(at, _)| at);
        self.out.write_str(text.get(..end).unwrap_or_default())
    }
}

/// Returns a message of at most about `most` bytes: of a longer one the beginning and the end, for in foreign
/// words it is not known which of them matters.
#[must_use]
pub fn bounded(message: String, most: usize) -> String {
    if message.len() <= most {
        return message;
    }
    let head = message.floor_char_boundary(most / 2);
    let tail = message.ceil_char_boundary(message.len() - most / 2);
    let (head, tail) = (message.get(..head), message.get(tail..));
    format!(
        "{}... ({} characters) ...{}",
        head.unwrap_or_default(),
        message.chars().count(),
        tail.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let text = excerpt(&"é".repeat(3_000_000), LONGEST_TEXT);
        assert_eq!((text.chars().count(), text.ends_with('…')), (501, true));
        assert_eq!(excerpt("short", LONGEST_TEXT), "short");
    }

    #[test]
    fn a_value_is_shown_whole_or_with_its_length() {
        for text in ["", "orders", &"é".repeat(LONGEST_VALUE)] {
            assert_eq!(cut(text).to_string(), text);
        }
        let long = "é".repeat(LONGEST_VALUE + 1);
        let shown = format!("{}... (401 characters)", "é".repeat(LONGEST_VALUE));
        assert_eq!(cut(&long).to_string(), shown);
        let in_parts = format_args!("{}{}", "a".repeat(LONGEST_VALUE - 1), "bcd");
        let shown = cut(in_parts).to_string();
        assert!(shown.ends_with("ab... (402 characters)"), "{shown}");
    }

    #[test]
    fn of_a_long_message_both_ends_are_kept() {
        assert_eq!(bounded("unknown field".to_owned(), 13), "unknown field");
        let long = format!("unknown field `{}` at line 1", "ä".repeat(1_000));
        let shown = bounded(long, 60);
        assert!(shown.starts_with("unknown field `ää"), "{shown}");
        assert!(shown.ends_with("ä` at line 1"), "{shown}");
        assert!(
            shown.len() < 100 && shown.contains("(1026 characters)"),
            "{shown}"
        );
    }
}
