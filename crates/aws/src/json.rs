//! What is read of JSON that came: lists, objects and texts of a limited length, and values that may be anything.
//!
//! A value of one byte becomes a hundred when it is read, so that a limit of the response alone limits nothing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The seconds since the Unix epoch of the years 0 to 9999.
pub(crate) const CALENDAR: std::ops::Range<f64> = -62_167_219_200.0..253_402_300_800.0;

/// The first values of an array, `MOST` at most, and how many more there are.
#[derive(Debug)]
pub(crate) struct ListStart<T, const MOST: usize> {
    pub(crate) values: Vec<T>,
    pub(crate) beyond: usize,
}

/// The values of an array; more than `MOST` cannot be read.
#[derive(Debug)]
pub(crate) struct LimitedList<T, const MOST: usize>(pub(crate) Vec<T>);

/// The members of an object in their order; more than `MOST` cannot be read.
#[derive(Debug)]
pub(crate) struct LimitedMap<T, const MOST: usize>(pub(crate) Vec<(String, T)>);

/// A text; more than `MOST` bytes cannot be read.
#[derive(Debug)]
pub(crate) struct LimitedText<const MOST: usize>(pub(crate) String);

/// The name of a shard, or a number in it: at most 129 characters (Kinesis API reference).
pub(crate) type Name = LimitedText<256>;
/// An iterator: at most 2,048 characters (DynamoDB Streams API reference).
pub(crate) type Token = LimitedText<65_536>;

/// A value on which nothing depends: `None` if it is of another type.
#[derive(Debug)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T, const MOST: usize> Default for LimitedMap<T, MOST> {
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

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for ListStart<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor::<T, MOST>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for LimitedList<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ListStart { values, beyond } = ListStart::<T, MOST>::deserialize(deserializer)?;
        match beyond {
            0 => Ok(Self(values)),
            _ => Err(Error::custom(format_args!(
                "{} values where there can be {MOST}",
                MOST + beyond
            ))),
        }
    }
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = ListStart<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let (mut values, mut beyond) = (Vec::new(), 0);
        while values.len() < MOST {
            match array.next_element()? {
                Some(value) => values.push(value),
                None => return Ok(ListStart { values, beyond }),
            }
        }
        while array.next_element::<IgnoredAny>()?.is_some() {
            beyond += 1;
        }
        Ok(ListStart { values, beyond })
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for LimitedMap<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor::<T, MOST>(PhantomData))
    }
}

struct MapVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for MapVisitor<T, MOST> {
    type Value = LimitedMap<T, MOST>;

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
        Ok(LimitedMap(members))
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for LimitedText<MOST> {
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

/// Returns JSON without what is no text in it: half a character, as is left where a client cuts one in two,
/// becomes the character that stands for what cannot be read. `json` is valid but for such halves.
pub(crate) fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let (length, is_half) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, false),
            (Some(0xd800..0xe000), _) => (6, true),
            (Some(_), _) => (6, false),
            // The character after the backslash is one of ASCII.
            (None, _) => (2.min(escape.len()), false),
        };
        whole.push_str(&rest[..at]);
        whole.push_str(if is_half {
            "\\ufffd"
        } else {
            &escape[..length]
        });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

/// Returns the UTF-16 unit that an escape at the beginning of `json` stands for.
fn unit(json: &str) -> Option<u32> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_too_much_of_is_counted_or_refused() {
        let first: ListStart<u8, 2> = serde_json::from_str("[1,2,{},[3]]").unwrap();
        assert_eq!((first.values, first.beyond), (vec![1, 2], 2));
        let first: ListStart<u8, 2> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!((first.values, first.beyond), (vec![1, 2], 0));
        let few = serde_json::from_str::<LimitedList<u8, 2>>("[1,2,3]").unwrap_err();
        assert!(few.to_string().starts_with("3 values where there can be 2"));
        let members = serde_json::from_str::<LimitedMap<u8, 1>>(r#"{"a":1,"b":2}"#).unwrap_err();
        assert!(members.to_string().contains("the 1 that there can be"));
        let short = serde_json::from_str::<LimitedText<3>>(r#""four""#).unwrap_err();
        assert!(short.to_string().starts_with("a text of 4 bytes"));
    }

    #[test]
    fn half_a_character_is_replaced_and_all_else_kept() {
        let table = [
            (r#""a\ud83db""#, r#""a\ufffdb""#),
            (r#""\uDE00\uD83D""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#"{"\ud83d":"\\\ud83d"}"#, r#"{"\ufffd":"\\\ufffd"}"#),
            (r#""\ud83dä\u00e4""#, r#""\ufffdä\u00e4""#),
        ];
        for (json, expected) in table {
            assert_eq!(replace_lone_surrogates(json), expected);
        }
        for whole in [r#""\ud83d\ude00 \\ud83d \n\u00e4 ä""#, "{}"] {
            assert_eq!(replace_lone_surrogates(whole), whole);
        }
    }
}
