//! Which operators a pattern may use, and how large a set of patterns may be.

use std::fmt;
use std::str::FromStr;

/// The set of operators a pattern may use.
///
/// Source: Lambda developer guide, "Control which events Lambda sends to your function"
/// ([`Self::Lambda`]); Amazon EventBridge user guide, "Comparison operators"
/// ([`Self::EventBridge`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The operators documented for event source mappings: `null`, the empty string, equals,
    /// `equals-ignore-case`, `$or`, `anything-but` with strings or numbers, `numeric`, `exists`,
    /// `prefix` and `suffix` (also with `equals-ignore-case` inside).
    #[default]
    Lambda,
    /// Everything in [`Self::Lambda`], and `wildcard`, `cidr`, `exactly` and `anything-but` with
    /// `prefix`, `suffix`, `equals-ignore-case` or `wildcard` inside.
    EventBridge,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lambda => "lambda",
            Self::EventBridge => "eventbridge",
        })
    }
}

/// The text names no [`Dialect`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown filter dialect `{0}`; use `lambda` or `eventbridge`")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        match text {
            "lambda" => Ok(Self::Lambda),
            "eventbridge" => Ok(Self::EventBridge),
            _ => Err(UnknownDialect(text.to_owned())),
        }
    }
}

/// How many filters a mapping may have and how long each may be.
///
/// Source: Lambda API reference, `FilterCriteria` and `Filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most filters in one set. The service allows 5, and up to 10 after a quota increase.
    pub max_filters: usize,
    /// Most characters (not bytes) in one pattern. The service allows 4,096.
    pub max_pattern_chars: usize,
}

impl Limits {
    /// Sets the most filters in one set.
    #[must_use]
    pub const fn with_max_filters(mut self, most: usize) -> Self {
        self.max_filters = most;
        self
    }

    /// Sets the most characters in one pattern.
    #[must_use]
    pub const fn with_max_pattern_chars(mut self, most: usize) -> Self {
        self.max_pattern_chars = most;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_filters: 5,
            max_pattern_chars: 4096,
        }
    }
}
