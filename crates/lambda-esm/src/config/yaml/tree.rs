//! A YAML document as a tree in which every value knows where in the file it is, and whether it is secret.

use lambda_esm_core::text;

use super::location::Location;
use super::path::join;

/// The longest text that is shown whole.
const LONGEST: usize = 80;

/// A value and its location. It knows whether it stands in the file where secrets are, also if it is used elsewhere
/// by an alias; what may be shown of it is [`shown`](Self::shown).
pub(crate) struct Node {
    pub(crate) location: Location,
    /// Where it is written; elsewhere than its location if an alias names it.
    pub(super) written: Location,
    pub(super) is_secret: bool,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A key of a map, its location, and its value.
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) location: Location,
    pub(super) written: Location,
    pub(super) is_secret: bool,
    pub(crate) node: Node,
}

impl Node {
    /// Names the kind of value with its article.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Returns a scalar as it may be shown: no secret, not too long, and of a URL what is none.
    pub(crate) fn shown(&self) -> Option<String> {
        match &self.value {
            _ if self.is_secret => None,
            Value::Bool(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Float(value) => Some(value.to_string()),
            Value::Text(text) => Some(shown_text(text)),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Tells whether a sentence about this value repeats a secret that is in it.
    pub(crate) fn is_repeated_by(&self, sentence: &str) -> bool {
        let repeats = |text: &str| !text.is_empty() && sentence.contains(text);
        match &self.value {
            Value::List(items) => items.iter().any(|item| item.is_repeated_by(sentence)),
            Value::Map(members) => members.iter().any(|member| {
                member.is_secret && repeats(&member.key) || member.node.is_repeated_by(sentence)
            }),
            _ if !self.is_secret => false,
            Value::Text(text) => repeats(text),
            Value::Integer(value) => repeats(&value.to_string()),
            Value::Float(value) => repeats(&value.to_string()),
            // Both are words of our own as well.
            Value::Null | Value::Bool(_) => false,
        }
    }
}

impl Member {
    /// Returns its path below `parent`; that of `parent` if the key is not to be shown.
    pub(crate) fn path(&self, parent: &str) -> String {
        if self.is_shown() {
            join(parent, &self.key)
        } else {
            parent.to_owned()
        }
    }

    /// Tells whether the key is shown: it is no secret, and no line of one that went astray, such as
    /// `Authorization: …`, `NAME=…` or a URL with a password. Of an ARN all may be known.
    pub(crate) fn is_shown(&self) -> bool {
        let key = &self.key;
        let is_suspect = key.contains(['@', '=', ':', '?']) && !key.starts_with("arn:");
        !self.is_secret && !is_suspect && key.chars().count() <= LONGEST
    }
}

fn shown_text(text: &str) -> String {
    let text = text::url(text);
    if text.chars().count() > LONGEST {
        let start: String = text.chars().take(LONGEST).collect();
        format!("{start:?}…")
    } else {
        format!("{text:?}")
    }
}
