//! Reads a value of the configuration into any type that serde knows, such as a request of the Lambda
//! API, with the location and the path of what does not fit.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};

use super::location::Location;
use super::tree::{Member, Node, Value};
use crate::config::suggest::known_names;

/// What does not fit, where, and the way out.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) location: Option<Location>,
    /// The path below the value that was read: keys and `[index]`es.
    pub(crate) path: Vec<String>,
    pub(crate) rule: String,
    pub(crate) hint: Option<String>,
}

/// Reads `node`, leaving out the members of it whose keys are in `without`.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    node: &'de Node,
    without: &[&str],
) -> Result<T, Misfit> {
    let Value::Map(members) = &node.value else {
        return T::deserialize(node);
    };
    let kept = members
        .iter()
        .filter(|member| !without.contains(&member.key.as_str()));
    T::deserialize(Members {
        location: node.location,
        rest: kept.collect::<Vec<_>>().into_iter(),
        value: None,
    })
}

impl Misfit {
    fn new(rule: String) -> Self {
        Self {
            location: None,
            path: Vec::new(),
            rule,
            hint: None,
        }
    }

    fn at(mut self, location: Location) -> Self {
        self.location.get_or_insert(location);
        self
    }

    fn below(mut self, step: String) -> Self {
        self.path.insert(0, step);
        self
    }

    /// The same below a member, whose key is left out if it is not to be shown.
    fn below_member(self, member: &Member) -> Self {
        if member.is_shown() {
            self.below(member.key.clone())
        } else {
            self
        }
    }

    /// The same of a value, of which it may repeat no secret.
    fn of(mut self, node: &Node) -> Self {
        if node.is_repeated_by(&self.rule) {
            self.rule =
                "is no value for this, and not shown: it stands under a secret key".to_owned();
        }
        self.at(node.location)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.rule)
    }
}

impl std::error::Error for Misfit {}

impl Error for Misfit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = expected.to_string();
        let wanted = match wanted.as_str() {
            "i64" | "u64" | "i32" | "u32" => "a whole number",
            "f64" => "a number",
            "a string" => "text",
            "a sequence" => "a list",
            text if text.starts_with("struct ") => "a map",
            text => text,
        };
        let given = match unexpected {
            Unexpected::Str(text) => format!("text {text:?}"),
            Unexpected::Signed(value) => value.to_string(),
            Unexpected::Float(value) => value.to_string(),
            Unexpected::Bool(value) => value.to_string(),
            Unexpected::Seq => "a list".to_owned(),
            other => other.to_string(),
        };
        Self::new(format!("must be {wanted}, not {given}"))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let hint = known_names(field, known);
        Self {
            hint: Some(hint),
            ..Self::new("unknown key".to_owned())
        }
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let result = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Value::Map(members) => {
                let rest = members.iter().collect::<Vec<_>>().into_iter();
                visitor.visit_map(Members {
                    location: self.location,
                    rest,
                    value: None,
                })
            }
        };
        result.map_err(|misfit| misfit.of(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Node>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some((index, node)) = self.0.next() else {
            return Ok(None);
        };
        seed.deserialize(node)
            .map(Some)
            .map_err(|misfit| misfit.below(format!("[{index}]")))
    }
}

struct Members<'de> {
    location: Location,
    rest: std::vec::IntoIter<&'de Member>,
    value: Option<&'de Member>,
}

impl<'de> Deserializer<'de> for Members<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let location = self.location;
        visitor
            .visit_map(self)
            .map_err(|misfit| misfit.at(location))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit option
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some(member) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(member);
        let key: StrDeserializer<'_, Misfit> = member.key.as_str().into_deserializer();
        let key = seed.deserialize(key);
        key.map(Some)
            .map_err(|misfit| misfit.at(member.location).below_member(member))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let member = self
            .value
            .take()
            .ok_or_else(|| Misfit::custom("value without a key"))?;
        seed.deserialize(&member.node)
            .map_err(|misfit| misfit.below_member(member))
    }
}
