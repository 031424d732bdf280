//! Texts from outside, made fit to be shown: functions, servers and clients say what they like.
//!
//! Two rules hold wherever such a text becomes one of ours (an error, a decision, a line of the log, a
//! terminal): it cannot steer what shows it, and a URL in it tells scheme, host and path only.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// What is shown of a text that may hold a secret and is no URL.
const HIDDEN: &str = "(not shown)";

/// Tells whether a character may be shown as it is. Not those that end a line, move the cursor, change the
/// direction of what follows, or cannot be seen (Unicode's Bidi_Control, the C0 and C1 controls, line and
/// paragraph separators, zero-width and tag characters). A tab is harmless, and many functions log with it.
#[must_use]
pub const fn is_plain(character: char) -> bool {
    !matches!(character,
        '\0'..='\u{8}' | '\u{a}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Shows a text in which what is not [plain](is_plain) stands as an escape that can be seen, such as `\r`
/// or `\u{202e}`.
#[derive(Clone, Copy, Debug)]
pub struct Plain<T>(pub T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(out), "{}", self.0)
    }
}

/// Passes on what is plain, and escapes the rest.
pub struct Escaping<W>(pub W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|character| !is_plain(character)) {
            let (before, from) = rest.split_at(at);
            self.0.write_str(before)?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                // Rust's own escapes: \n, \r, \0 by name, and \u{…}.
                write!(self.0, "{}", character.escape_default())?;
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

/// Returns a text as [`Plain`] shows it.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(Plain(text).to_string())
    }
}

/// Returns what may be shown of a URL: scheme, host and path. User information, query and fragment may be
/// secrets, and are left out; so is all of a text that holds such marks and is no URL.
#[must_use]
pub fn url(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '?', '#']) {
        return Cow::Borrowed(text);
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        // The reference of a redirect may be a path.
        _ if text.starts_with('/') => (None, text),
        _ => return Cow::Borrowed(HIDDEN),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let shown = &rest[..end];
    let Some(scheme) = scheme else {
        let shown = if shown.contains('@') { HIDDEN } else { shown };
        return Cow::Borrowed(shown);
    };
    let (authority, path) = shown.split_at(shown.find('/').unwrap_or(shown.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    // A password with a slash, a question mark or a number sign in it: what looks like the host is the user.
    let torn = !authority.contains('@') && rest[authority.len()..].contains('@');
    if torn && !is_host(host) || host.is_empty() {
        return Cow::Owned(format!("{scheme}://{HIDDEN}"));
    }
    Cow::Owned(format!("{scheme}://{host}{path}"))
}

fn is_scheme(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(legal)
}

/// Tells whether a text is a host, with a port or without.
fn is_host(text: &str) -> bool {
    let after_literal = text.rfind(']').map_or(0, |end| end + 1);
    match text[after_literal..].split_once(':') {
        Some((_, port)) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()),
        None => true,
    }
}

/// Returns a text with every URL in it as [`url`] shows it.
#[must_use]
pub fn without_secrets_of_urls(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(mark) = rest.find("://") {
        let begins = |character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'))
        };
        let start = rest[..mark].rfind(begins).map_or(0, |before| {
            before + rest[before..].chars().next().map_or(0, char::len_utf8)
        });
        let ends = |character: char| {
            character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '<' | '>' | '|')
        };
        let end = rest[mark..].find(ends).map_or(rest.len(), |end| mark + end);
        // The sentence around it has marks of its own.
        let found = rest[start..end].trim_end_matches([':', ',', '.', ';', ')', ']', '!', '?']);
        shown.push_str(&rest[..start]);
        shown.push_str(&url(found));
        rest = &rest[start + found.len()..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_or_hide_is_shown_as_an_escape() {
        for (text, shown) in [
            ("a\tb é 漢 🦀", "a\tb é 漢 🦀"),
            ("a\rb\nc", "a\\rb\\nc"),
            (
                "\x1b[2J\x07\x08\x0b\x0c\x7f\0",
                "\\u{1b}[2J\\u{7}\\u{8}\\u{b}\\u{c}\\u{7f}\\u{0}",
            ),
            ("\u{85}\u{9b}2J", "\\u{85}\\u{9b}2J"),
            (
                "\u{202e}evil\u{2066}\u{2069}\u{200f}\u{61c}",
                "\\u{202e}evil\\u{2066}\\u{2069}\\u{200f}\\u{61c}",
            ),
            (
                "\u{200b}\u{2060}\u{feff}\u{ad}\u{e0041}",
                "\\u{200b}\\u{2060}\\u{feff}\\u{ad}\\u{e0041}",
            ),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ] {
            assert_eq!(plain(text), shown);
            assert_eq!(plain(&plain(text)), shown, "twice changes nothing");
        }
    }

    #[test]
    fn every_control_and_bidirectional_control_is_escaped() {
        for character in char::MIN..=char::MAX {
            let bidi = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if (character.is_control() && character != '\t') || bidi {
                assert!(!is_plain(character), "{character:?}");
            }
        }
    }

    #[test]
    fn a_url_shows_scheme_host_and_path() {
        for (text, shown) in [
            ("http://host:1/a@b", "http://host:1/a@b"),
            ("http://host/f?code=s3cret", "http://host/f"),
            ("http://host?code=s3cret", "http://host"),
            ("http://host/f#s3cret", "http://host/f"),
            ("http://me:s3cret@host:1/x?y=z", "http://host:1/x"),
            ("http://me:s3c@ret@[::1]:80/", "http://[::1]:80/"),
            ("http://me:s3/cret@host/", "http://(not shown)"),
            ("http://me:s3?cret@host/", "http://(not shown)"),
            ("http://s3cret@", "http://(not shown)"),
            ("me:s3cret@host", "(not shown)"),
            ("http:/me:s3cret@host", "(not shown)"),
            ("http//me:s3cret@host", "(not shown)"),
            ("/login?token=s3cret", "/login"),
            ("//me:s3cret@host/", "(not shown)"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(url(text), shown, "{text}");
        }
    }

    #[test]
    fn urls_within_a_text_are_shown_without_their_secrets() {
        for (text, shown) in [
            (
                "POST http://h/f?k=s3cret: connection refused",
                "POST http://h/f: connection refused",
            ),
            (
                "see <https://u:s3cret@h/a> and (http://h/b?s3cret).",
                "see <https://h/a> and (http://h/b).",
            ),
            ("moved to 'x://h/?s3cret'; y", "moved to 'x://h/'; y"),
            ("a :// b http://", "a :// b http://"),
            ("ähttp://h/?s3cret", "ähttp://h/"),
            ("http://h/p", "http://h/p"),
        ] {
            assert_eq!(without_secrets_of_urls(text), shown);
        }
    }
}
