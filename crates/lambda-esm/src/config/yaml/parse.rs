//! Reads the text of a file into its tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, Options};

use super::location::Location;
use super::secrets;
use super::syntax;
use super::tree::{Member, Node, Value};
use crate::config::problem::Problems;

impl Node {
    /// Reads the one document of a file; `None` if it cannot be read at all, which is then among the
    /// problems.
    pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<Self> {
        let mut options = Options::default();
        // A key that comes twice is found here, where its path is known.
        options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
        match serde_saphyr::from_str_with_options::<Self>(text, options) {
            Ok(mut node) => {
                secrets::mark(&mut node);
                node.refuse_repetitions("", problems);
                Some(node)
            }
            Err(error) => {
                let location = error.location().map(Location::from);
                let (rule, hint) = syntax::words(&error);
                problems.add(location, "", format!("cannot be read as YAML: {rule}"));
                problems.hint(hint);
                None
            }
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
                        problems.add(member.location, &path, "a key may not come twice");
                        let line = first.location.line;
                        problems.hint(format!("it is in line {line} already; remove one"));
                    }
                    member.node.refuse_repetitions(&path, problems);
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            location: spanned.referenced.into(),
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
                location: key.referenced.into(),
                written: key.defined.into(),
                is_secret: false,
                node,
            });
        }
        Ok(Value::Map(map))
    }
}
