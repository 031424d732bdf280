//! A document as a tree in which every value knows where it stands.

use serde_json::Value as Json;

/// A line and a column of the document; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// A value. A number keeps its digits as they are written, since `3.10` may be a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A key of a map, where it stands, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) node: Node,
}

/// The longest value that is shown whole, in characters.
const LONGEST: usize = 100;

impl Node {
    pub(crate) const fn new(at: Position, value: Value) -> Self {
        Self { at, value }
    }

    pub(crate) fn text(at: Position, text: impl Into<String>) -> Self {
        Self::new(at, Value::Text(text.into()))
    }

    /// Returns the value of a key; `None` if this is no map or has no such key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.member(key).map(|member| &member.node)
    }

    /// Returns the member of a key.
    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }

    /// Follows keys.
    pub(crate) fn at_path(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns the members of a map; none if this is none.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// Returns the items of a list; none if this is none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the one member of a map that has one.
    pub(crate) fn only_member(&self) -> Option<&Member> {
        match self.members() {
            [member] => Some(member),
            _ => None,
        }
    }

    /// Returns text.
    pub(crate) const fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// Returns any scalar as text, as templates write `"10"` for 10 and the other way round.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns a whole number that is written as one, also in quotes.
    pub(crate) fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => {
                let text = text.trim();
                // Terraform writes whole numbers of an unknown type with a fraction.
                text.strip_suffix(".0").unwrap_or(text).parse().ok()
            }
            _ => None,
        }
    }

    /// Returns a whole number that is not negative and no absurd one.
    pub(crate) fn count(&self) -> Option<u32> {
        self.integer().and_then(|value| value.try_into().ok())
    }

    /// Returns a boolean that is written as one, also in quotes and in YAML 1.1's words, which CloudFormation takes.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Names the kind of value with its article.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Returns the value as JSON.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
            }
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.node.to_json()))
                .collect(),
        }
    }

    /// Returns the value as it is shown: on one line and not too long.
    pub(crate) fn shown(&self) -> String {
        let text = self.scalar().unwrap_or_else(|| self.to_json().to_string());
        if text.chars().count() > LONGEST {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{start}…")
        } else {
            text
        }
    }
}

/// Appends a key to a path such as `Resources.Orders.Properties`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
