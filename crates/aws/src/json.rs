//! Parts of answers of which there may only be so many: a value of one byte becomes a hundred when it is read,
//! so that a bound on the answer alone bounds nothing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The first values of an array, `MOST` at most, and how many more there are.
#[derive(Debug)]
pub(crate) struct First<T, const MOST: usize> {
    pub(crate) values: Vec<T>,
    pub(crate) beyond: usize,
}

/// The values of an array; more than `MOST` cannot be read.
#[derive(Debug)]
pub(crate) struct Few<T, const MOST: usize>(pub(crate) Vec<T>);

/// The members of an object in their order; more than `MOST` cannot be read.
#[derive(Debug)]
pub(crate) struct Members<T, const MOST: usize>(pub(crate) Vec<(String, T)>);

/// A text; more than `MOST` bytes cannot be read.
#[derive(Debug)]
pub(crate) struct Short<const MOST: usize>(pub(crate) String);

/// The name of a shard, or a number in it: at most 129 characters (Kinesis API reference).
pub(crate) type Name = Short<256>;
/// An iterator: at most 2,048 characters (DynamoDB Streams API reference).
pub(crate) type Token = Short<65_536>;

/// A value on which nothing depends: `None` if it is of another type.
#[derive(Debug)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T, const MOST: usize> Default for Members<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(json.get()).ok()))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for First<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counter::<T, MOST>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let First { values, beyond } = First::<T, MOST>::deserialize(deserializer)?;
        match beyond {
            0 => Ok(Self(values)),
            _ => Err(Error::custom(format_args!(
                "{} values where there can be {MOST}",
                MOST + beyond
            ))),
        }
    }
}

struct Counter<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Counter<T, MOST> {
    type Value = First<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let (mut values, mut beyond) = (Vec::new(), 0);
        while values.len() < MOST {
            match array.next_element()? {
                Some(value) => values.push(value),
                None => return Ok(First { values, beyond }),
            }
        }
        while array.next_element::<IgnoredAny>()?.is_some() {
            beyond += 1;
        }
        Ok(First { values, beyond })
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Members<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MemberCounter::<T, MOST>(PhantomData))
    }
}

struct MemberCounter<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for MemberCounter<T, MOST> {
    type Value = Members<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            if members.len() == MOST {
                let rule = format_args!("more members than the {MOST} that there can be");
                return Err(Error::custom(rule));
            }
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Short<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.len() {
            length if length > MOST => Err(Error::custom(format_args!(
                "a text of {length} bytes where it has {MOST} at most"
            ))),
            _ => Ok(Self(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_too_much_of_is_counted_or_refused() {
        let first: First<u8, 2> = serde_json::from_str("[1,2,{},[3]]").unwrap();
        assert_eq!((first.values, first.beyond), (vec![1, 2], 2));
        let first: First<u8, 2> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!((first.values, first.beyond), (vec![1, 2], 0));
        let few = serde_json::from_str::<Few<u8, 2>>("[1,2,3]").unwrap_err();
        assert!(few.to_string().starts_with("3 values where there can be 2"));
        let members = serde_json::from_str::<Members<u8, 1>>(r#"{"a":1,"b":2}"#).unwrap_err();
        assert!(members.to_string().contains("the 1 that there can be"));
        let short = serde_json::from_str::<Short<3>>(r#""four""#).unwrap_err();
        assert!(short.to_string().starts_with("a text of 4 bytes"));
    }
}
