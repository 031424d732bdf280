//! A YAML document as a tree in which every value knows its place.

use std::collections::HashSet;
use std::fmt;

use lambda_esm_core::text;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, Options};
use serde_saphyr::{Location, Spanned};

use super::problem::{Place, Problems};
use super::section::join;
use super::syntax;

/// What stands under these keys, wherever they are, is secret: values and keys.
const SECRETS: [&str; 4] = ["auth", "secrets", "env", "headers"];

/// The longest text that is shown whole.
const LONGEST: usize = 80;

/// A value and its place. It knows whether it stands in the file where secrets are, also if it is used elsewhere
/// by an alias; what may be shown of it is [`shown`](Self::shown).
pub(crate) struct Node {
    pub(crate) place: Place,
    /// Where it is written; elsewhere than its place if an alias names it.
    written: Place,
    is_secret: bool,
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

/// A key of a map, its place, and its value.
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) place: Place,
    written: Place,
    is_secret: bool,
    pub(crate) node: Node,
}

impl Node {
    /// Reads the one document of a file; `None` if it cannot be read at all, which is then among the
    /// problems.
    pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<Self> {
        let mut options = Options::default();
        // A key that comes twice is found here, where its path is known.
        options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
        match serde_saphyr::from_str_with_options::<Self>(text, options) {
            Ok(mut node) => {
                let mut written = HashSet::new();
                node.gather_secrets(false, &mut written);
                node.mark_secrets(&written);
                node.refuse_repetitions("", problems);
                Some(node)
            }
            Err(error) => {
                let place = error.location().map(Place::from);
                let (rule, hint) = syntax::words(&error);
                problems.add(place, "", format!("cannot be read as YAML: {rule}"));
                problems.hint(hint);
                None
            }
        }
    }

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

    /// Notes where everything is written that stands under a secret key.
    fn gather_secrets(&self, is_secret: bool, written: &mut HashSet<Place>) {
        if is_secret {
            written.insert(self.written);
        }
        match &self.value {
            Value::List(items) => {
                items
                    .iter()
                    .for_each(|item| item.gather_secrets(is_secret, written));
            }
            Value::Map(members) => {
                for member in members {
                    if is_secret {
                        written.insert(member.written);
                    }
                    let named = |key: &&str| member.key.trim().eq_ignore_ascii_case(key);
                    let is_secret = is_secret || SECRETS.iter().any(named);
                    member.node.gather_secrets(is_secret, written);
                }
            }
            _ => {}
        }
    }

    /// Marks everything that is written there, and all that is inside.
    fn mark_secrets(&mut self, written: &HashSet<Place>) {
        self.is_secret = written.contains(&self.written);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.mark_secrets(written)),
            Value::Map(members) => {
                for member in members {
                    member.is_secret = written.contains(&member.written);
                    member.node.mark_secrets(written);
                }
            }
            _ => {}
        }
    }

    fn refuse_repetitions(&self, path: &str, problems: &mut Problems) {
        match &self.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.refuse_repetitions(&format!("{path}[{index}]"), problems);
                }
            }
            Value::Map(members) => {
                for (index, member) in members.iter().enumerate() {
                    let path = member.path(path);
                    let mut earlier = members[..index].iter();
                    if let Some(first) = earlier.find(|earlier| earlier.key == member.key) {
                        problems.add(member.place, &path, "a key may not come twice");
                        let line = first.place.line;
                        problems.hint(format!("it is in line {line} already; remove one"));
                    }
                    member.node.refuse_repetitions(&path, problems);
                }
            }
            _ => {}
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

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            place: spanned.referenced.into(),
            written: spanned.defined.into(),
            is_secret: false,
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "no setting is so large, whatever its last digits are"
        )]
        let large = Value::Float(value as f64);
        Ok(i64::try_from(value).map_or(large, Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let node = entries.next_value()?;
            map.push(Member {
                key: key.value,
                place: key.referenced.into(),
                written: key.defined.into(),
                is_secret: false,
                node,
            });
        }
        Ok(Value::Map(map))
    }
}
