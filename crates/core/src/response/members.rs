//! Single members of a large object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Returns the named members of a JSON object, as they are written there: of a name that is there twice,
/// the last one. Nothing is kept of the others.
///
/// # Errors
/// Fails if `json` is no JSON object.
pub(super) fn members<'a, const N: usize>(
    json: &'a [u8],
    names: [&str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let members = reader.deserialize_map(Members(names))?;
    reader.end()?;
    Ok(members)
}

struct Members<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(known) = object.next_key_seed(OneOf(&self.0))? {
            let value = object.next_value()?;
            if let Some(index) = known {
                found[index] = Some(value);
            }
        }
        Ok(found)
    }
}

/// Reads a member's name: which of these it is.
#[derive(Clone, Copy)]
pub(super) struct OneOf<'n>(pub(super) &'n [&'n str]);

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for OneOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a string")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }
}
