//! Compares strings: ignoring case, with wildcards, as IP addresses.

use std::net::IpAddr;

use memchr::memmem::Finder;

/// A string that matches regardless of case, character by character.
///
/// A character of the pattern stands for itself, its upper and its lower case; so `ß` matches
/// `SS` and `ß`, but `K` does not match the Kelvin sign, whose lower case is `k`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Folded {
    Ascii(Box<[u8]>),
    Unicode(Box<[Forms]>),
}

/// The spellings of one character.
type Forms = Box<[Box<[u8]>]>;

impl Folded {
    pub(crate) fn new(text: &[u8]) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.into());
        }
        match std::str::from_utf8(text) {
            Ok(text) => Self::Unicode(text.chars().map(forms).collect()),
            Err(_) => Self::Unicode(Box::new([Box::new([text.into()])])),
        }
    }

    pub(crate) fn equals(&self, value: &[u8]) -> bool {
        match self {
            Self::Ascii(text) => text.eq_ignore_ascii_case(value),
            Self::Unicode(_) => self.after_prefix(value).is_some_and(<[u8]>::is_empty),
        }
    }

    pub(crate) fn is_prefix_of(&self, value: &[u8]) -> bool {
        self.after_prefix(value).is_some()
    }

    fn after_prefix<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Ascii(text) => {
                let (start, rest) = value.split_at_checked(text.len())?;
                start.eq_ignore_ascii_case(text).then_some(rest)
            }
            Self::Unicode(chars) => chars.iter().try_fold(value, |rest, forms| {
                forms.iter().find_map(|form| rest.strip_prefix(&**form))
            }),
        }
    }

    pub(crate) fn is_suffix_of(&self, value: &[u8]) -> bool {
        match self {
            Self::Ascii(text) => value
                .len()
                .checked_sub(text.len())
                .is_some_and(|start| value[start..].eq_ignore_ascii_case(text)),
            Self::Unicode(chars) => chars
                .iter()
                .rev()
                .try_fold(value, |rest, forms| {
                    forms.iter().find_map(|form| rest.strip_suffix(&**form))
                })
                .is_some(),
        }
    }
}

fn forms(character: char) -> Forms {
    let mut forms: Vec<Box<[u8]>> = vec![
        String::from(character).into_bytes().into(),
        character
            .to_uppercase()
            .collect::<String>()
            .into_bytes()
            .into(),
        character
            .to_lowercase()
            .collect::<String>()
            .into_bytes()
            .into(),
    ];
    forms.sort();
    forms.dedup();
    forms.into()
}

/// A pattern in which `*` stands for any run of characters.
#[derive(Clone, Debug)]
pub(crate) struct Wildcard {
    /// The texts between the stars: the first is a prefix, the last a suffix.
    pieces: Box<[Finder<'static>]>,
}

impl PartialEq for Wildcard {
    fn eq(&self, other: &Self) -> bool {
        self.pieces
            .iter()
            .map(Finder::needle)
            .eq(other.pieces.iter().map(Finder::needle))
    }
}

impl Wildcard {
    /// Reads `*`, `\*` and `\\`; returns `None` for two stars in a row or another escape.
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let mut pieces = vec![Vec::new()];
        let mut bytes = text.iter().copied();
        let mut after_star = false;
        while let Some(byte) = bytes.next() {
            let star = byte == b'*';
            if star && after_star {
                return None;
            }
            after_star = star;
            let literal = match byte {
                b'*' => {
                    pieces.push(Vec::new());
                    continue;
                }
                b'\\' => bytes
                    .next()
                    .filter(|escaped| matches!(escaped, b'*' | b'\\'))?,
                other => other,
            };
            pieces.last_mut()?.push(literal);
        }
        Some(Self {
            pieces: pieces
                .iter()
                .map(|piece| Finder::new(piece).into_owned())
                .collect(),
        })
    }

    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        let [first, middle @ .., last] = &*self.pieces else {
            return self
                .pieces
                .first()
                .is_some_and(|only| only.needle() == value);
        };
        let rest = value.strip_suffix(last.needle());
        let Some(mut rest) = rest.and_then(|rest| rest.strip_prefix(first.needle())) else {
            return false;
        };
        for piece in middle {
            match piece.find(rest) {
                Some(at) => rest = &rest[at + piece.needle().len()..],
                None => return false,
            }
        }
        true
    }
}

/// A block of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Block {
    first: u128,
    mask: u128,
    v6: bool,
}

impl Block {
    /// Reads `address/bits`; bits of the address beyond the mask are ignored.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, v6) = number(address.parse().ok()?);
        let bits: u32 = bits.parse().ok()?;
        let width = if v6 { 128 } else { 32 };
        let host = width - bits.min(width);
        let mask = u128::MAX.checked_shl(host).unwrap_or(0);
        (bits <= width).then_some(Self {
            first: address & mask,
            mask,
            v6,
        })
    }

    pub(crate) fn contains(&self, value: &[u8]) -> bool {
        if value.len() > LONGEST_ADDRESS {
            return false;
        }
        let address = std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok());
        address
            .map(number)
            .is_some_and(|(address, v6)| v6 == self.v6 && address & self.mask == self.first)
    }
}

/// Bytes of `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`, the longest spelling of an address.
const LONGEST_ADDRESS: usize = 45;

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), false),
        IpAddr::V6(address) => (address.to_bits(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_character_starts_or_ends_another() {
        for character in (char::MIN..=char::MAX).filter(|character| !character.is_ascii()) {
            let forms = forms(character);
            for one in &forms {
                for other in &forms {
                    let apart = !one.starts_with(other) && !one.ends_with(other);
                    assert!(one == other || apart, "{character}");
                }
            }
        }
    }

    #[test]
    fn case_folds_by_character() {
        let equals =
            |pattern: &str, value: &str| Folded::new(pattern.as_bytes()).equals(value.as_bytes());
        assert!(equals("É", "é") && equals("é", "É"));
        assert!(equals("straße", "STRASSE") && equals("straße", "STRAßE"));
        assert!(!equals("straße", "STRAẞE"));
        assert!(!equals("K", "\u{212a}") && !equals("Σ", "ς") && equals("Σ", "σ"));
        assert!(!equals("abc", "abcd") && !equals("äbc", "äbcd"));
    }

    #[test]
    fn the_longest_address_is_in_its_block() {
        let longest = b"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
        assert_eq!(longest.len(), LONGEST_ADDRESS);
        assert!(Block::new("ffff::/16").unwrap().contains(longest));
    }

    #[test]
    fn wildcards_match_runs_and_escapes() {
        let matches = |pattern: &str, value: &str| {
            Wildcard::new(pattern.as_bytes())
                .unwrap()
                .matches(value.as_bytes())
        };
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && !matches("a*c", "acd"));
        assert!(matches("*ab*ab*", "abab") && !matches("*ab*ab*", "aab"));
        assert!(matches("*", "") && matches("", "") && !matches("", "x"));
        assert!(matches("aa*aa", "aaaa") && !matches("aa*aa", "aaa"));
        assert!(matches(r"a\*b", "a*b") && !matches(r"a\*b", "axb") && matches(r"a\\*", r"a\b"));
        assert_eq!(Wildcard::new(b"a**b"), None);
        assert_eq!(Wildcard::new(br"a\b"), None);
    }
}
