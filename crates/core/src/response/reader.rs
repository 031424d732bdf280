//! Reading a document of any size and shape, member by member.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::members::OneOf;

/// What a JSON value is. Shown as "a number" and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// Reads one value. Unless it says how to look into a text, an integer, a list or an object, only the kind is seen. All
/// that it passes over must be JSON nonetheless, and as strictly as where a document is kept: it nests no
/// deeper than 127 levels, its numbers are finite, and its texts have no half of a surrogate pair.
pub(super) trait Reader<'de>: Sized {
    /// What is found.
    type Out;

    /// Says what is found in a value that is not looked into.
    fn other(self, kind: Kind) -> Self::Out;

    fn text(self, _: &str) -> Self::Out {
        self.other(Kind::Text)
    }

    fn integer(self, _: i64) -> Self::Out {
        self.other(Kind::Number)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Out, A::Error> {
        while list.next_element_seed(Value(Pass))?.is_some() {}
        Ok(self.other(Kind::List))
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Out, A::Error> {
        while object.next_key_seed(OneOf(&[]))?.is_some() {
            object.next_value_seed(Value(Pass))?;
        }
        Ok(self.other(Kind::Object))
    }
}

/// Passes over a value.
pub(super) struct Pass;

impl Reader<'_> for Pass {
    type Out = ();

    fn other(self, _: Kind) {}
}

/// A value that a reader reads.
pub(super) struct Value<R>(pub(super) R);

impl<'de, R: Reader<'de>> DeserializeSeed<'de> for Value<R> {
    type Value = R::Out;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> Visitor<'de> for Value<R> {
    type Value = R::Out;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.0.other(Kind::Null))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(self.0.other(Kind::Boolean))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => self.0.integer(number),
            Err(_) => self.0.other(Kind::Number),
        })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(self.0.other(Kind::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        self.0.object(object)
    }
}
